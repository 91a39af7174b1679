"""A worker clears its own home: what is left here of trials that ended on another host, or were withdrawn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from storage.home import TrialFolder, study_folder
from storage.reader import Reader
from storage.records import StudyRow
from storage.session import Session

UNFINISHED = ("checkpoint", "lock-*")
"""What a trial's folder holds until the trial is over."""


def clear_home(session: Session, study: StudyRow, home: Path) -> None:
    """Remove checkpoints and locks of the study's trials that are over and have no process on this host."""
    left = dict(_unfinished(study_folder(home, study.folder, study.created_at)))
    for number in Reader(session).over_trials(study.study_id, [*left]) if left else ():
        with suppress(OSError):  # another worker clears it at the same moment, or it is not ours
            left[number].clear()


def _unfinished(folder: Path) -> Iterator[tuple[int, TrialFolder]]:
    """The folders of trials that may have been left unfinished, by number."""
    for each in folder.glob("trial-*"):
        digits = each.name.removeprefix("trial-")
        if digits.isdecimal() and any(next(each.glob(kind), None) for kind in UNFINISHED):
            yield int(digits), TrialFolder(each)
