"""Renews a study's note and figures in the dashboard, if anything has changed since the last time."""

from __future__ import annotations

import json

from storage.dashboard import lock_dashboard, read_dashboard, write_dashboard
from storage.ledger import Ledger
from storage.reader import Reader
from storage.records import StudyRow
from storage.session import Session
from studies.answers.answer import answer
from studies.answers.causes import cause_lines
from studies.dashboard.note import OWN, note
from studies.drawing.drawn_by_plotly import plotly_json
from studies.figures.study import pictures_of, with_units
from studies.history.counts import Counts
from studies.results.show import show

DRAWING_VERSION = 4
"""Raised when the same study is drawn in another way."""


def renew(session: Session, name: str, storage: str | None) -> bool:
    """One transaction: read the study, and write if it has changed. False if another process is writing just now.

    Args:
        session: One that nothing else uses meanwhile.
        name: The study's.
        storage: The URL of the storage without a password; None for the embedded server.

    Raises:
        UsageError: The study is not one of ours.
        StorageError: It could not be read or written.
    """
    with session.transaction():
        study = Reader(session).find_study(name)
        if study is None:
            return True
        if not lock_dashboard(session, study.study_id):
            return False
        counts = Counts.of(Reader(session).counted_study(name))
        last = Ledger(session, study.study_id).last_decision()
        alive = Reader(session).living_workers(study.study_id) > 0
        token = _token(study, counts, alive, None if last is None else last[0])
        old = read_dashboard(session, study.study_id)
        if old.token == token:
            return True
        found = show(session, study)
        shown = found.to_json()
        said, causes = answer(study, shown), cause_lines(found.points, study.search)
        text = note(study, counts, alive, found.decisions, found.document(), storage, said, causes)
        pictures = [with_units(each, study) for each in pictures_of(study, shown, found.points)]
        figures = {each.key: json.dumps(plotly_json(each)) for each in pictures}
        readers = old.note.partition(f"*{OWN}*\n")[2]
        write_dashboard(session, study.study_id, old, token, text + readers, figures)
    return True


def _token(study: StudyRow, counts: Counts, alive: bool, last: int | None) -> list[object]:
    """Everything that the note and the figures depend on."""
    budget = [study.steps, study.max_trials, study.late]
    ended = [study.outcome, study.failed, study.draining]
    stands = [study.name, last, alive, [*counts.to_json().values()], *ended, budget]
    return [DRAWING_VERSION, *stands, study.definitions[-1]]
