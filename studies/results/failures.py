"""`show --failures`: every attempt that did not end well, grouped by its cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from storage.reader import Reader
from storage.records import StudyRow
from storage.session import Session
from studies.tables.table import Cell, Column, Document, Table

SHOWN = 8
"""Trials that a line names."""
COLUMNS = [Column(name) for name in ("attempts", "trials ended", "outcome", "why", "trials")]


def failures(session: Session, study: StudyRow) -> list[dict[str, Any]]:
    """Causes, the most frequent first: `outcome`, `message`, `attempts`, `trials`, `ended` (of the trials that it
    ended for good) and the last line that the latest of them logged."""
    groups: dict[tuple[str, str], dict[str, Any]] = {}
    for row in Reader(session).attempts(study.study_id):
        if row.outcome in (None, "completed"):
            continue
        group = groups.setdefault(
            (row.outcome, row.message),
            {"outcome": row.outcome, "message": row.message, "attempts": 0, "trials": [], "ended": 0, "last_line": ""},
        )
        group["attempts"] += 1
        group["ended"] += row.accepted
        if row.number not in group["trials"]:
            group["trials"].append(row.number)
        group["last_line"] = next((line for line in reversed(row.tail.splitlines()) if line.strip()), "")
    return sorted(groups.values(), key=lambda group: -group["attempts"])


def failures_document(groups: Sequence[Mapping[str, Any]]) -> Document:
    """A line a cause."""
    if not groups:
        return Document(notes=["no attempt has failed"])
    rows: list[list[Cell]] = []
    for each in groups:
        more = len(each["trials"]) - SHOWN
        trials = ", ".join(map(str, each["trials"][:SHOWN])) + (f" and {more} more" if more > 0 else "")
        why = each["message"] or each["last_line"]
        rows.append([str(each["attempts"]), str(each["ended"]), each["outcome"].replace("_", " "), why, trials])
    return Document([Table(COLUMNS, rows)])
