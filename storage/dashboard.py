"""What the dashboard shows of a study, as optuna-dashboard reads it: a note and figures among the study's attributes.

Each is one attribute, however long: the dashboard joins an attribute's pieces `:0`, `:1`, … and looks through all of a
study's attributes for each trial that it lists, so that few of them make a large study quick.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storage.locks import DASHBOARD_LOCKS
from storage.session import Session

REPORT_PREFIX = "report-"
"""Keys of a report's figures begin with it; those that workers keep current never do."""

MARK = "studyhall:board"
REPORT_MARK = "studyhall:report"
NOTE_VERSION, NOTE = "dashboard:note_ver", "dashboard:note_str:"
FIGURE = "dashboard:plot_data:"


@dataclass(frozen=True)
class Shown:
    """What the dashboard shows of a study now."""

    token: Sequence[Any] | None
    """What the workers' note and figures were made from; None: nothing was written yet."""
    figures: Sequence[str]
    """Keys of the workers' figures."""
    report: Sequence[str]
    """Keys of the last report's figures."""
    note: str
    """As it stands, with what its readers added."""
    version: int
    """The note's; the dashboard refuses an edit of an older version."""
    pieces: int
    """How many attributes hold the note."""


def lock_dashboard(session: Session, study_id: int) -> bool:
    """Inside a transaction: become the only writer of the study's note and figures. False: another process writes."""
    return bool(session.one("lock_dashboard", {"space": DASHBOARD_LOCKS, "study_id": study_id}).held)


def read_dashboard(session: Session, study_id: int) -> Shown:
    """The note and the figures' keys as they are stored."""
    rows = session.run("read_dashboard", {"study_id": study_id})
    found: dict[str, Any] = {row.key: json.loads(row.value) for row in rows}
    mark = found.get(MARK) or {}
    pieces = [found[f"{NOTE}{number}"] for number in range(sum(key.startswith(NOTE) for key in found))]
    version = int(found.get(NOTE_VERSION) or 0)
    report = found.get(REPORT_MARK) or ()
    return Shown(mark.get("token"), mark.get("figures", ()), report, "".join(pieces), version, len(pieces))


def write_dashboard(
    session: Session, study_id: int, old: Shown, token: Sequence[Any], note: str, figures: Mapping[str, str]
) -> None:
    """Replace the workers' note and figures. `figures` are plotly's JSON by key."""
    mark = {MARK: {"token": list(token), "figures": list(figures)}}
    _write(session, study_id, old, note, figures, old.figures, mark)


def change_note(session: Session, study_id: int, note: Callable[[str], str]) -> bool:
    """Rewrite the note in one transaction; figures and marks stay. False: a worker is writing just now.

    Args:
        session: One that nothing else uses meanwhile.
        study_id: The study's.
        note: From the note as it stands to the new one.
    """
    with session.transaction():
        if not lock_dashboard(session, study_id):
            return False
        old = read_dashboard(session, study_id)
        _write(session, study_id, old, note(old.note), {}, (), {})
    return True


def add_report(
    session: Session, study_id: int, note: Callable[[str], str], figures: Mapping[str, str]
) -> list[str] | None:
    """Replace the last report's figures and rewrite the note, in one transaction. None: a worker is writing just now.

    Args:
        session: One that nothing else uses meanwhile.
        study_id: The study's.
        note: From the note as it stands to the new one.
        figures: Plotly's JSON by key, without `REPORT_PREFIX`.
    """
    with session.transaction():
        if not lock_dashboard(session, study_id):
            return None
        old = read_dashboard(session, study_id)
        added = {f"{REPORT_PREFIX}{key}": text for key, text in figures.items()}
        _write(session, study_id, old, note(old.note), added, old.report, {REPORT_MARK: list(added)})
        return list(added)


def _write(
    session: Session,
    study_id: int,
    old: Shown,
    note: str,
    figures: Mapping[str, str],
    last: Iterable[str],
    mark: Mapping[str, object],
) -> None:
    """Write figures in place of the `last` ones, the note if it changed, and the writer's mark: one statement."""
    attributes: dict[str, object] = {f"{FIGURE}{key}:0": text for key, text in figures.items()} | {**mark}
    if note != old.note:
        attributes |= {f"{NOTE}{number}": "" for number in range(1, old.pieces)}
        attributes |= {f"{NOTE}0": note, NOTE_VERSION: old.version + 1}
    rows = [{"key": key, "value": json.dumps(value)} for key, value in attributes.items()]
    gone = [f"{FIGURE}{key}:0" for key in last if key not in figures]
    session.run("write_dashboard", {"study_id": study_id, "gone": gone, "attributes": json.dumps(rows)})
