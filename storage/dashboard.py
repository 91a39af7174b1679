"""What the browser shows of a study, as optuna-dashboard reads it: a note and figures among the study's attributes.

Each is one attribute, however long: the dashboard joins an attribute's pieces `:0`, `:1`, … and looks through all of a
study's attributes for each trial that it lists, so that few of them make a large study quick.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storage.locks import DASHBOARD_LOCKS
from storage.session import Session

BEFORE = "report-"
"""Keys of a report's figures begin so; those that workers keep current never do."""

MARK = "studyhall:board"
REPORT_MARK = "studyhall:report"
NOTE_VERSION, NOTE = "dashboard:note_ver", "dashboard:note_str:"
FIGURE = "dashboard:plot_data:"


@dataclass(frozen=True)
class Board:
    """What was written last."""

    token: Sequence[Any] | None
    """What it was made from; None: nothing was written yet."""
    figures: Sequence[str]
    """Keys of the figures."""
    note: str
    """As it stands now, whoever wrote it."""
    version: int
    """Of the note; the dashboard refuses an edit of an older one."""
    pieces: int
    """That the note is stored in."""


def lock_board(session: Session, study_id: int) -> bool:
    """Inside a transaction: be the only one who writes there. False: somebody else is at it."""
    return bool(session.one("lock_board", {"space": DASHBOARD_LOCKS, "study_id": study_id}).held)


def read_board(session: Session, study_id: int) -> Board:
    """What stands there now."""
    rows = session.run("read_board", {"study_id": study_id})
    found: dict[str, Any] = {row.key: json.loads(row.value) for row in rows}
    mark = found.get(MARK) or {}
    pieces = [found[f"{NOTE}{place}"] for place in range(sum(key.startswith(NOTE) for key in found))]
    version = int(found.get(NOTE_VERSION) or 0)
    return Board(mark.get("token"), mark.get("figures", ()), "".join(pieces), version, len(pieces))


def write_board(
    session: Session, study_id: int, old: Board, token: Sequence[Any], note: str, figures: Mapping[str, str]
) -> None:
    """Replace what stands there by a note and by figures as plotly's JSON, by their keys."""
    attributes: dict[str, Any] = {f"{FIGURE}{key}:0": text for key, text in figures.items()}
    if note != old.note:
        attributes |= {f"{NOTE}{place}": "" for place in range(1, old.pieces)}
        attributes |= {f"{NOTE}0": note, NOTE_VERSION: old.version + 1}
    attributes[MARK] = {"token": list(token), "figures": list(figures)}
    rows = [{"key": key, "value": json.dumps(value)} for key, value in attributes.items()]
    gone = [f"{FIGURE}{key}:0" for key in old.figures if key not in figures]
    session.run("write_board", {"study_id": study_id, "gone": gone, "attributes": json.dumps(rows)})


def add_report(
    session: Session, study_id: int, note: Callable[[str], str], figures: Mapping[str, str]
) -> list[str] | None:
    """Put figures, as plotly's JSON by their keys, in place of those of the last report; and make the note anew.

    One transaction. None: a worker is at it just now.

    Args:
        session: Of nobody else.
        study_id: The study's.
        note: From the note as it stands, whoever wrote it, to what it shall be.
        figures: By key, without `BEFORE`.
    """
    with session.transaction():
        if not lock_board(session, study_id):
            return None
        old, mark = read_board(session, study_id), session.one("read_report_mark", {"study_id": study_id})
        told = {f"{BEFORE}{key}": text for key, text in figures.items()}
        attributes: dict[str, object] = {f"{FIGURE}{key}:0": text for key, text in told.items()}
        attributes |= {f"{NOTE}{place}": "" for place in range(1, old.pieces)}
        attributes |= {f"{NOTE}0": note(old.note), NOTE_VERSION: old.version + 1, REPORT_MARK: list(told)}
        rows = [{"key": key, "value": json.dumps(value)} for key, value in attributes.items()]
        before = json.loads(mark.value) if mark is not None else []
        gone = [f"{FIGURE}{key}:0" for key in before if key not in told]
        session.run("write_board", {"study_id": study_id, "gone": gone, "attributes": json.dumps(rows)})
        return list(told)
