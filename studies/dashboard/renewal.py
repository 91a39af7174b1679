"""Bring what the browser shows of a study up to date, if anything has changed since."""

from __future__ import annotations

import json

from storage.dashboard import lock_dashboard, read_dashboard, write_dashboard
from storage.ledger import Ledger
from storage.reader import Reader
from storage.records import StudyRow
from storage.session import Session
from studies.dashboard.note import OWN, note
from studies.figures.drawn_by_plotly import plotly_json
from studies.figures.study import pictures_of
from studies.history.counts import Counts
from studies.results.show import show

DRAWN = 2
"""Raised when the same study is to be drawn otherwise."""


def renew(session: Session, name: str, storage: str | None) -> bool:
    """One transaction: look, and write what differs. False if somebody else is at it just now.

    Args:
        session: Of nobody else; nothing else is done in it meanwhile.
        name: The study's.
        storage: The URL of the storage without a password, where that is not the embedded server.

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
        counts = read_counts(session, name)
        last = Ledger(session, study.study_id).last_decision()
        alive = Reader(session).living_workers(study.study_id) > 0
        token = _token(study, counts, alive, None if last is None else last[0])
        old = read_dashboard(session, study.study_id)
        if old.token == token:
            return True
        found = show(session, study)
        shown = found.to_json()
        text = note(study, counts, alive, found.decisions, shown, storage)
        figures = {each.key: json.dumps(plotly_json(each)) for each in pictures_of(study, shown, found.points)}
        write_dashboard(session, study.study_id, old, token, text + _own_part(old.note), figures)
    return True


def read_counts(session: Session, name: str) -> Counts:
    """A study's trials by state."""
    (row,) = Reader(session).studies(name)
    return Counts.of(row)


def _token(study: StudyRow, counts: Counts, alive: bool, last: int | None) -> list[object]:
    """What everything that is shown depends on."""
    budget = [study.steps, study.max_trials, study.late]
    trials = [*counts.to_json().values()]
    return [DRAWN, last, alive, trials, study.outcome, study.failed, study.draining, budget, study.definitions[-1]]


def _own_part(text: str) -> str:
    """What a reader wrote below our note in the browser."""
    return text.partition(f"*{OWN}*\n")[2]
