"""A launch: a launcher's interface, its input, and the record of a launch in its study, without any secret."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from storage.reader import Reader
from storage.session import Session
from storage.studies import keep_launch
from studies.slots.options import Elsewhere


@dataclass(frozen=True)
class Launch:
    """Workers that were submitted to a scheduler."""

    launcher: str
    job: str
    """Its id at the scheduler."""
    name: str
    """Of the job: another cluster may use the same id."""
    workers: int
    logs: str
    """The workers' log files."""
    host: str
    """It was launched from."""
    launched_at: str = ""
    """By the database's clock, once it is recorded."""

    @property
    def text(self) -> str:
        """`slurm job 17: 4 workers`."""
        return f"{self.launcher} job {self.job}: {self.workers} worker{'s' * (self.workers != 1)}"


def record_launch(session: Session, study_id: int, launch: Launch) -> None:
    """Record it in its study; the database adds the time."""
    record = {name: value for name, value in asdict(launch).items() if name != "launched_at"}
    keep_launch(session, study_id, f"studyhall:launch:{launch.launcher}:{launch.job}", record)


def read_launches(session: Session, study_id: int) -> list[Launch]:
    """Every launch of a study, the oldest first."""
    return [Launch(**json.loads(text)) for text in Reader(session).launches(study_id)]


def read_launches_of(session: Session, study_ids: Sequence[int]) -> dict[int, list[Launch]]:
    """The same of several studies, by id."""
    return Reader(session).by_study(lambda value: Launch(**json.loads(value)), "read_launches", study_ids)


class Launcher(Protocol):
    """A scheduler and its options: a `SlurmLauncher` or a `RayLauncher`."""

    def check(self, slots: Elsewhere) -> None:
        """Whether the scheduler is reachable and would accept such workers.

        Raises:
            UsageError: It would not.
        """

    def hosts(self) -> Sequence[str]:
        """The hosts that a worker may run on."""

    def preview_text(self, work: Work) -> str:
        """The submission, for people."""

    def submit(self, work: Work) -> Launch:
        """Start the workers, or queue them."""


@dataclass(frozen=True)
class Work:
    """The workers of one study to launch."""

    study: str
    arguments: Sequence[str]
    """Of each worker's command line, without any secret."""
    storage: str
    """The URL for the workers, with its password."""
    home: Path
    folder: Path
    """Of this launch alone; 0700."""
    slots: Elsewhere

    @property
    def url_file(self) -> Path:
        """The file that holds the URL for a worker; 0600."""
        return self.folder / "storage"

    def write_url(self) -> None:
        """Make the folder and the file, which only their owner can read."""
        self.folder.mkdir(mode=0o700, parents=True)
        self.url_file.touch(mode=0o600, exist_ok=False)
        self.url_file.write_text(self.storage)
