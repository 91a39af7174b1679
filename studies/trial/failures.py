"""`show --failures`: every attempt that did not end well, grouped by its cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from objectives.outcome import UNREAD, Kind
from samplers.searches.fit.fit import FATAL_OUTCOMES
from storage.program import program_name
from storage.reader import Reader
from storage.records import StudyRow
from storage.session import Session
from studies.definition.definition import SEEK_LIMITS
from studies.tables.table import Cell, Column, Document, Table

MAX_NAMED_TRIALS = 8
"""Trials that a line names."""
FAILED_OUTCOMES = {kind.value for kind in Kind} - {Kind.COMPLETED.value, Kind.PRUNED.value}
FAILURE_COLUMNS = [Column(name) for name in ("attempts", "trials ended", "outcome", "why", "trials")]


@dataclass(frozen=True)
class Failures:
    """Causes, the most frequent first: `outcome`, `message`, `attempts`, `trials`, `ended` (how many trials it ended
    for good) and the last line that the latest of them logged."""

    causes: Sequence[Mapping[str, Any]]
    study: str = ""
    """Its name."""

    def document(self) -> Document:
        """A line a cause."""
        if not self.causes:
            return Document(notes=["no attempt has failed"])
        unread = any(cause["message"].startswith(UNREAD) for cause in self.causes)
        reread = f"{program_name()} retry --study {self.study} --reread"
        again = f"correct `metrics:`, then read again what scripts left: {reread}"
        return Document([Table(FAILURE_COLUMNS, list(map(_row, self.causes)))], [again] if unread else [])

    def to_json(self) -> list[Mapping[str, Any]]:
        """`show --failures --json`."""
        return list(self.causes)


def failed_for_good(session: Session, study: StudyRow) -> int:
    """How many trials ran and failed for good. To a search for a limit, a failure that says no is an answer."""
    answers = [kind.value for kind in Kind if kind.value not in FATAL_OUTCOMES] if study.search in SEEK_LIMITS else []
    return Reader(session).failed(study.study_id, answers)


@dataclass(frozen=True)
class FailureHints:
    """What the next commands after failures depend on."""

    unread: bool = False
    """Whether a script ended well and its metrics could not be read."""
    others: bool = False
    """Whether a trial failed of anything else."""
    trial: int | None = None
    """The last trial that failed for good."""


def failure_hints(session: Session, study: StudyRow) -> FailureHints:
    """Read from the attempts that ended trials."""
    ends = [row for row in Reader(session).attempts(study.study_id) if row.accepted and row.outcome in FAILED_OUTCOMES]
    unread = [row.message.startswith(UNREAD) for row in ends]
    return FailureHints(any(unread), not all(unread), ends[-1].number if ends else None)


def failures(session: Session, study: StudyRow) -> Failures:
    """Read them."""
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
    return Failures(sorted(groups.values(), key=lambda group: -group["attempts"]), study.name)


def _row(cause: Mapping[str, Any]) -> list[Cell]:
    more = len(cause["trials"]) - MAX_NAMED_TRIALS
    trials = ", ".join(map(str, cause["trials"][:MAX_NAMED_TRIALS])) + (f" and {more} more" if more > 0 else "")
    why = cause["message"] or cause["last_line"]
    return [str(cause["attempts"]), str(cause["ended"]), cause["outcome"].replace("_", " "), why, trials]
