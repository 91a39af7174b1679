"""`stop` and `delete`."""

from __future__ import annotations

import shutil

from storage.errors import UsageError
from storage.home import home, study_folder
from storage.ledger import Ledger
from storage.owner import only_by_owner
from storage.reader import Reader
from storage.records import StudyRow
from storage.session import Session
from storage.studies import delete_study, drain_study
from studies.launch.launcher import read_launches
from studies.launch.states import cancel


def stop(session: Session, study: StudyRow) -> list[str]:
    """Let every worker drain and cancel queued workers; a line each."""
    drain_study(session, study.study_id)
    alive = Reader(session).living_workers(study.study_id)
    stopping = f"{alive} worker{'s' * (alive != 1)} will stop after the running trials"
    cancelled = cancel(read_launches(session, study.study_id))
    return [f"{study.name}: {stopping}" if alive else f"{study.name} has no running workers", *cancelled]


def delete(session: Session, study: StudyRow) -> list[str]:
    """Delete a study and its files on this host; a line each.

    Raises:
        UsageError: Workers are running it.
    """
    alive = Reader(session).living_workers(study.study_id)
    if alive:
        raise UsageError(f"--study: {alive} worker{'s run' if alive > 1 else ' runs'} {study.name!r}; `stop` it first")
    ledger, launches = Ledger(session, study.study_id), read_launches(session, study.study_id)
    with only_by_owner(session, "delete a study"), ledger.planning():
        delete_study(session, study.study_id)
    cancelled = cancel(launches)
    shutil.rmtree(study_folder(home(), study.folder, study.created_at), ignore_errors=True)
    return [f"{study.name}: deleted", *cancelled]
