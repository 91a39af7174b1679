"""Rename a study in place: its row and its mark alone. Digests use its key, and its folders keep their name."""

from __future__ import annotations

from storage.errors import UsageError
from storage.names import check_name
from storage.reader import Reader
from storage.records import StudyRow
from storage.session import Session


def rename_study(session: Session, study: StudyRow, name: str) -> None:
    """Give a study another name, in one transaction. A worker knows its study by its name, so none may live.

    Raises:
        UsageError: The name is not valid or not free, or workers are running the study; nothing was written.
    """
    check_name(name, "rename")
    with session.transaction():
        lock_idle(session, study, "rename")
        if not session.run("rename_study", {"study_id": study.study_id, "name": name}):
            raise UsageError(f"a study {name!r} exists; choose another name", "rename")


def lock_idle(session: Session, study: StudyRow, verb: str) -> None:
    """Hold a study until the transaction ends: no worker runs it, and none can sign in.

    Raises:
        UsageError: Workers are running it.
    """
    session.run("lock_study", {"study_id": study.study_id})
    session.run("lock_workers", {"study_id": study.study_id})
    alive = Reader(session).living_workers(study.study_id)
    if alive:
        raise UsageError(f"{alive} worker{'s run' if alive > 1 else ' runs'} {study.name!r}; `stop` it first", verb)
