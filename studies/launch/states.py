"""What has become of launched workers, as Slurm tells it: asked lazily, and quietly where it does not answer."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from studies.launch.launcher import Launch
from studies.launch.slurm import cancel_queued, states

LIVE = {"pending", "running", "completing", "configuring", "suspended", "requeued", "requeue_hold", "resizing"}
"""A job in one of these may still work, or work again."""
FRESH = 10  # seconds for which an answer serves whoever only looks: a scheduler has many to answer


def over(launch: Launch) -> bool:
    """Whether the scheduler says that no job of it is left."""
    told = states([launch]) if launch.launcher == "slurm" else {}
    return bool(told) and not LIVE & set(told[launch.job].values())


def cancel(launches: Sequence[Launch]) -> list[str]:
    """Take what has not begun out of the queue: what was done, a line each. What runs drains by itself."""
    lines = []
    for job, told in states(_slurms(launches)).items():
        queued = sum(state == "pending" for state in told.values())
        if queued and cancel_queued(next(launch for launch in launches if launch.job == job)):
            lines.append(f"slurm job {job}: {queued} queued cancelled")
    return lines


def launches_json(launches: Sequence[Launch]) -> list[dict[str, Any]]:
    """Each with the state of its jobs; null where nobody tells."""
    told = _looked(_slurms(launches), int(time.monotonic() // FRESH))
    return [{**launch.to_json(), "jobs": told.get(launch.job)} for launch in launches]


def launch_lines(launches: Sequence[Launch]) -> list[str]:
    """`slurm job 17: 4 workers (2 running, 2 pending); logs: …`."""
    told = _looked(_slurms(launches), int(time.monotonic() // FRESH))
    lines = []
    for launch in launches:
        counts = Counter(told.get(launch.job, {}).values()).most_common()
        shown = f" ({', '.join(f'{count} {state}' for state, count in counts)})" if counts else ""
        lines.append(f"{launch.shown()}{shown}; logs: {launch.logs}")
    return lines


def _slurms(launches: Sequence[Launch]) -> tuple[Launch, ...]:
    return tuple(launch for launch in launches if launch.launcher == "slurm")


@lru_cache(maxsize=16)
def _looked(launches: tuple[Launch, ...], moment: int) -> Mapping[str, Mapping[str, str]]:
    return states(launches)
