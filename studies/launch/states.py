"""The states of launched workers in Slurm. No answer is no error: the states are then unknown."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from studies.launch.launcher import Launch
from studies.launch.slurm import cancel_queued, states

LIVE = {"pending", "running", "completing", "configuring", "suspended", "requeued", "requeue_hold", "resizing"}
"""A job in one of these states works, or may work again."""
CACHE_SECONDS = 10  # for which `status` shows the same answer: a scheduler has many users


def over(launch: Launch) -> bool:
    """Whether the scheduler reports that no job of the launch is left."""
    found = states(_slurms([launch]))
    return bool(found) and not LIVE & set(found[launch.job].values())


def with_queued(launches: Sequence[Launch]) -> list[Launch]:
    """Those of which the scheduler reports a job that works, or will work."""
    found = states(_slurms(launches))
    return [launch for launch in launches if LIVE & set(found.get(launch.job, {}).values())]


def cancel(launches: Sequence[Launch]) -> list[str]:
    """Cancel queued workers, a line for each job. Running workers drain by themselves."""
    found, lines = states(_slurms(launches)), []
    for launch in launches:
        queued = sum(state == "pending" for state in found.get(launch.job, {}).values())
        if queued and cancel_queued(launch):
            lines.append(f"slurm job {launch.job}: {queued} queued cancelled")
    return lines


def launches_json(launches: Sequence[Launch]) -> list[dict[str, Any]]:
    """Each with the states of its jobs; null if unknown."""
    found = _recent_states(launches)
    return [{**asdict(launch), "jobs": found.get(launch.job)} for launch in launches]


def launch_lines(launches: Sequence[Launch]) -> list[str]:
    """`slurm job 17: 4 workers (2 running, 2 pending); logs: …`."""
    found, lines = _recent_states(launches), []
    for launch in launches:
        counts = Counter(found.get(launch.job, {}).values()).most_common()
        shown = f" ({', '.join(f'{count} {state}' for state, count in counts)})" if counts else ""
        lines.append(f"{launch.text}{shown}; logs: {launch.logs}")
    return lines


def _slurms(launches: Sequence[Launch]) -> tuple[Launch, ...]:
    return tuple(launch for launch in launches if launch.launcher == "slurm")


def _recent_states(launches: Sequence[Launch]) -> Mapping[str, Mapping[str, str]]:
    return _states_at(_slurms(launches), int(time.monotonic() // CACHE_SECONDS))


@lru_cache(maxsize=16)
def _states_at(launches: tuple[Launch, ...], moment: int) -> Mapping[str, Mapping[str, str]]:
    return states(launches)
