"""A launch: what a launcher offers, what it is given, and how it is kept with its study, without any secret."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from storage.reader import Reader
from storage.session import Session
from storage.studies import keep_launch
from studies.slots.options import Elsewhere


@dataclass(frozen=True)
class Launch:
    """Workers that were asked of a scheduler."""

    launcher: str
    job: str
    """As the scheduler names it."""
    name: str
    """Of the job: an id alone may be another cluster's."""
    workers: int
    logs: str
    """Where they lie."""
    host: str
    """That asked."""
    launched_at: str = ""
    """Of the database's clock, once it is kept."""

    def shown(self) -> str:
        """`slurm job 17: 4 workers`."""
        return f"{self.launcher} job {self.job}: {self.workers} worker{'' if self.workers == 1 else 's'}"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def record_launch(session: Session, study_id: int, launch: Launch) -> None:
    """Keep it with the study."""
    told = {name: value for name, value in launch.to_json().items() if name != "launched_at"}
    key = f"studyhall:launch:{launch.launcher}:{launch.job}"
    keep_launch(session, study_id, key, told)


def read_launches(session: Session, study_id: int) -> list[Launch]:
    """Every launch of a study, the oldest first."""
    return [Launch(**json.loads(text)) for text in Reader(session).launches(study_id)]


class Launcher(Protocol):
    """Where workers are to run: a `SlurmOrder` or a `RayOrder`."""

    def check(self, slots: Elsewhere) -> None:
        """Whether it is there and would take this.

        Raises:
            UsageError: It would not.
        """

    def hosts(self) -> Sequence[str]:
        """The hosts that a worker may come to."""

    def shown(self, work: Work) -> str:
        """What would be submitted."""

    def submit(self, work: Work) -> Launch:
        """Start the workers, or put them where they will be started."""


@dataclass(frozen=True)
class Work:
    """What is launched: workers of one study."""

    study: str
    arguments: Sequence[str]
    """Of each worker's command line; they hold no secret."""
    storage: str
    """The URL that it is to use, with its password."""
    home: Path
    folder: Path
    """Of this launch alone; 0700."""
    slots: Elsewhere

    @property
    def url_file(self) -> Path:
        """Where a worker finds the URL; 0600."""
        return self.folder / "storage"

    def write_url(self) -> None:
        """Make the folder, and the file that only its owner can read."""
        self.folder.mkdir(mode=0o700, parents=True)
        self.url_file.touch(mode=0o600, exist_ok=False)
        self.url_file.write_text(self.storage)
