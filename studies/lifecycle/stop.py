"""Verbs that change a study from outside: retry, stop, delete."""

from __future__ import annotations

import shutil

from storage.errors import UsageError
from storage.home import home, study_folder
from storage.ledger import Ledger
from storage.reader import Reader
from storage.records import StudyRow
from storage.session import Session
from storage.studies import delete_study, drain_study
from studies.launch.launcher import read_launches
from studies.launch.states import cancel


def stop(session: Session, study: StudyRow) -> str:
    """Tell every worker to drain, and take those that wait at a scheduler out of its queue; says how many there are."""
    drain_study(session, study.study_id)
    alive = Reader(session).living_workers(study.study_id)
    told = f"{study.name}: told to {alive} worker{'' if alive == 1 else 's'}; what runs is finished first"
    return "\n".join([told, *cancel(read_launches(session, study.study_id))])


def delete(session: Session, study: StudyRow) -> str:
    """Delete a study and its files on this host.

    Raises:
        UsageError: Workers are at it.
    """
    alive = Reader(session).living_workers(study.study_id)
    if alive:
        raise UsageError(f"--study: {alive} workers are at {study.name!r}; `stop` it first")
    ledger, launches = Ledger(session, study.study_id), read_launches(session, study.study_id)
    with ledger.planning():
        delete_study(session, study.study_id)
    cancelled = cancel(launches)
    shutil.rmtree(study_folder(home(), study.name, study.created_at), ignore_errors=True)
    return "\n".join([f"{study.name}: deleted", *cancelled])
