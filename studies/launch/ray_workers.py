"""The code that runs inside Ray: the workers' tasks and the actor that owns them. Imports Ray."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import ray

from studies.launch.tied import start_tied

GIVEN_BACK = 130
"""The exit status of a worker that gave its trials back: its task moves to another node."""


class WorkerGoneError(Exception):
    """The worker gave its trials back or was killed: Ray runs its task again."""


def work(arguments: Sequence[str], storage: str, home: str | None) -> int:
    """A task: one worker, until the study ends. Returns its exit status."""
    status = start_tied(arguments, storage, home).wait()
    if status == GIVEN_BACK or status < 0:
        raise WorkerGoneError(status)
    return status


class Workers:
    """The tasks of one launch. Ray restarts it and them when its node is lost; it ends after its tasks."""

    def __init__(
        self, count: int, num_gpus: int, num_cpus: int, arguments: Sequence[str], storage: str, home: str | None
    ) -> None:
        task = ray.remote(
            num_gpus=num_gpus, num_cpus=num_cpus, max_retries=-1, retry_exceptions=[WorkerGoneError], max_calls=1
        )(work)
        self.tasks = [task.options(name="studyhall worker").remote(arguments, storage, home) for _ in range(count)]
        me = ray.get_runtime_context().current_actor
        threading.Thread(target=self._end_after_them, args=(me,), daemon=True).start()

    def begun(self) -> bool:
        """True once the actor runs."""
        return True

    def _end_after_them(self, me: Any) -> None:
        ray.wait(self.tasks, num_returns=len(self.tasks))
        ray.kill(me, no_restart=True)
