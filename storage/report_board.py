"""What a report adds to what the browser shows of a study: figures of its own, and a part of the note."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from storage.board import FIGURE, NOTE, NOTE_VERSION, lock_board, read_board
from storage.session import Session

MARK = "studyhall:report"
BEFORE = "report-"
"""Keys of a report's figures begin so; those that workers keep current never do."""


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
        attributes |= {f"{NOTE}0": note(old.note), NOTE_VERSION: old.version + 1, MARK: list(told)}
        rows = [{"key": key, "value": json.dumps(value)} for key, value in attributes.items()]
        before = json.loads(mark.value) if mark is not None else []
        gone = [f"{FIGURE}{key}:0" for key in before if key not in told]
        session.run("write_board", {"study_id": study_id, "gone": gone, "attributes": json.dumps(rows)})
        return list(told)
