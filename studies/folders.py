"""Where the files of a study's trials lie: logs, checkpoints and the locks that keep two attempts apart on one host."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from storage.errors import StorageError


@dataclass(frozen=True)
class TrialFolder:
    """One trial's files."""

    path: Path

    def make(self) -> None:
        """Raises:
        StorageError: The folder cannot be made.
        """
        try:
            self.checkpoint.mkdir(parents=True, exist_ok=True)
            self.files.mkdir(exist_ok=True)
        except OSError as error:
            raise StorageError(f"{self.path}: cannot keep a trial's files: {error.strerror}") from error

    def log(self, attempt: int) -> Path:
        return self.path / f"attempt-{attempt}.log"

    @property
    def lock(self) -> Path:
        return self.path / f"lock-{socket.gethostname()}"

    @property
    def checkpoint(self) -> Path:
        return self.path / "checkpoint"

    @property
    def files(self) -> Path:
        return self.path / "files"


def study_folder(home: Path, study: str, created_at: datetime) -> Path:
    """With the time of its making, so that studies of one name in two storages, or made anew, keep apart."""
    return home / "runs" / f"{study}-{created_at:%Y%m%d-%H%M%S-%f}"


def trial_folder(home: Path, study: str, created_at: datetime, number: int) -> TrialFolder:
    """Where trial `number` keeps its files on this host."""
    return TrialFolder(study_folder(home, study, created_at) / f"trial-{number}")
