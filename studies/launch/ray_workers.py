"""What runs inside Ray: the workers, and the actor that keeps asking for them. Imported where Ray is."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import ray

from studies.launch.tied import start_tied

GIVEN_BACK = 130
"""A worker's exit status when it was told to leave: its task is for another node."""


def work(command: Sequence[str], storage: str, home: str) -> int:
    """A task: one worker, until the study ends. Its exit status."""
    status = start_tied(command, storage, home).wait()
    if status == GIVEN_BACK or status < 0:
        raise WorkerGoneError(status)
    return status


class WorkerGoneError(Exception):
    """The worker was told to leave, or killed: Ray tries its task again."""


class Workers:
    """The tasks of one launch. It begins anew with its node, and its tasks with it; it ends when they have."""

    def __init__(self, count: int, num_gpus: int, cpus: int, command: Sequence[str], storage: str, home: str) -> None:
        options = {"num_gpus": num_gpus, "num_cpus": cpus, "max_retries": -1, "retry_exceptions": [WorkerGoneError]}
        task = ray.remote(**options)(work)
        self.tasks = [task.options(name=f"studyhall worker {n}").remote(command, storage, home) for n in range(count)]
        me = ray.get_runtime_context().current_actor
        threading.Thread(target=self._leave_after_them, args=(me,), daemon=True).start()

    def _leave_after_them(self, me: Any) -> None:
        ray.wait(self.tasks, num_returns=len(self.tasks))
        ray.kill(me, no_restart=True)


def begin_workers(
    name: str, count: int, num_gpus: int, cpus: int, command: Sequence[str], storage: str, home: str
) -> None:
    """Start them under a detached actor, and return once it is there."""
