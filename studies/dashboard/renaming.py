"""`rename`, and the same in the dashboard: the study keeps its trials, decisions, seal, logs and checkpoints."""

from __future__ import annotations

from storage.dashboard import read_dashboard
from storage.errors import UsageError
from storage.records import StudyRow
from storage.renaming import rename_study
from storage.session import Session
from studies.dashboard.renewal import renew
from studies.launch.launcher import read_launches
from studies.launch.states import with_queued


def rename(session: Session, study: StudyRow, name: str, storage: str | None) -> str:
    """Give a study another name, and its note too; a line for the user.

    Args:
        session: One that nothing else uses meanwhile.
        study: The study.
        name: The new name.
        storage: The URL of the storage without a password; None for the embedded server.

    Raises:
        UsageError: The name is not valid or not free, or workers run the study or are queued to; nothing was written.
    """
    queued = with_queued(read_launches(session, study.study_id))
    if queued:
        raise UsageError(f"{queued[0].text} will run {study.name!r}; `stop` it first", "rename")
    rename_study(session, study, name)
    if read_dashboard(session, study.study_id).token is not None:
        renew(session, name, storage)
    return f"{study.name}: renamed to {name}"
