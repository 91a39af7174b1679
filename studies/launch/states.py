"""What has become of launched workers, as Slurm tells it: asked lazily, and quietly where it does not answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from studies.launch.record import Launch
from studies.launch.slurm import cancel_queued, states

LIVE = {"pending", "running", "completing", "configuring", "suspended", "requeued", "requeue_hold", "resizing"}
"""A job in one of these may still work, or work again."""


def over(launch: Launch) -> bool:
    """Whether the scheduler says that no job of it is left."""
    told = states(launch) if launch.launcher == "slurm" else None
    return told is not None and not LIVE & set(told.values())


def cancel(launches: Sequence[Launch]) -> list[str]:
    """Take what has not begun out of the queue: what was done, a line each. What runs drains by itself."""
    lines = []
    for launch in launches:
        if launch.launcher == "slurm":
            queued = sum(state == "pending" for state in (states(launch) or {}).values())
            if queued and cancel_queued(launch):
                lines.append(f"slurm job {launch.job}: {queued} queued cancelled")
    return lines


def launch_json(launch: Launch) -> dict[str, Any]:
    """With the state of each job; null where nobody tells."""
    return {**launch.to_json(), "jobs": states(launch) if launch.launcher == "slurm" else None}


def launch_line(launch: Launch) -> str:
    """`slurm job 17: 4 workers (2 running, 2 pending); logs: …`."""
    told = states(launch) if launch.launcher == "slurm" else None
    counts = ", ".join(f"{count} {state}" for state, count in Counter((told or {}).values()).most_common())
    return f"{launch.shown()}{f' ({counts})' if counts else ''}; logs: {launch.logs}"
