"""Launches of a study, as they are kept with it: an attribute of the study for each, without any secret."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from storage.session import Session


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
    session.run("insert_launch", {"study_id": study_id, "key": key, "value": json.dumps(told)})


def read_launches(session: Session, study_id: int) -> list[Launch]:
    """Every launch of a study, the oldest first."""
    rows = session.run("read_launches", {"study_id": study_id})
    return [_launch(json.loads(row.value)) for row in rows]


def _launch(told: Mapping[str, Any]) -> Launch:
    return Launch(**told)
