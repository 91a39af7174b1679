"""`copy`: a study as it stands, under another name, with its decisions and its logs on this host."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from samplers.searches.plural import counted
from storage.copying import copy_study
from storage.dashboard import read_dashboard
from storage.errors import StorageError, UsageError
from storage.home import home, link_trials, study_folder
from storage.names import check_name
from storage.owner import only_by_owner
from storage.reader import Reader
from storage.records import StudyRow
from storage.renaming import lock_idle
from storage.session import Session
from studies.audit.audit import certificate_of
from studies.audit.evidence import Evidence, evidence_held
from studies.dashboard.renewal import renew


def copy(session: Session, study: StudyRow, name: str, storage: str | None) -> str:
    """Copy a study in one transaction; a line for the user.

    The copy has digests of its own, computed anew, which would hide a change that the original's show: so the original
    has to pass its audit, and the copy its own, before it is there.

    Args:
        session: One that nothing else uses meanwhile.
        study: The study.
        name: Of the copy.
        storage: The URL of the storage without a password; None for the embedded server.

    Raises:
        UsageError: The name is not valid or not free, workers run the study, or its audit fails; nothing was written.
    """
    check_name(name, "copy")
    folder: Path | None = None
    try:
        with only_by_owner(session, "copy a study"), session.transaction():
            lock_idle(session, study, "copy")
            certificate = certificate_of(evidence_held(session, study.name))
            if certificate.seal is None:
                raise UsageError(
                    f"{study.name!r} does not pass its audit, and a copy would hide that: {certificate.violations[0]}",
                    "copy",
                )
            made = copy_study(session, study, name, certificate.seal)
            copied = evidence_held(session, name)
            again = certificate_of(copied)
            if not again.holds:
                raise StorageError(f"the copy does not pass its audit: {again.violations[0]}", "copy")
            folder = study_folder(home(), made.folder, made.created_at)
            _link_files(session, study, copied, folder)
    except BaseException:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    if read_dashboard(session, made.study_id).token is not None:
        renew(session, name, storage)
    counts = f"{counted(again.points['planned'], 'trial')}, {counted(again.decisions['made'], 'decision')}"
    return f"{study.name}: copied to {name}: {counts}"


def _link_files(session: Session, study: StudyRow, copied: Evidence, folder: Path) -> None:
    """The logs and files of its trials on this host. Without them the copy is whole all the same."""
    old = study_folder(home(), study.folder, study.created_at)
    numbers = [row.number for row in copied.points]
    with suppress(OSError):
        if old.is_dir():
            link_trials(old, folder, {*Reader(session).over_trials(copied.study.study_id, numbers)})
