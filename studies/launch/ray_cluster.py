"""`--launch ray`: workers as Ray tasks that ask Ray for their GPUs.

Ray schedules. Tasks that do not fit yet wait in Ray's queue, so that more workers start as the cluster grows. A task
whose node is lost starts again on another, without limit. The tasks belong to a detached actor without resources, which
is restarted in the same way, so the launching process may end.
"""

from __future__ import annotations

import os
import re
import socket
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from storage.errors import UsageError, one_line
from studies.launch.launcher import Launch, Work
from studies.slots.options import Elsewhere

ADDRESS = re.compile(r"auto|(?P<host>[\w.-]+|\[[0-9a-fA-F:]+\]):(?P<port>\d{1,5})")
CONNECT_SECONDS = 5


@dataclass(frozen=True)
class RayLauncher:
    """Starts workers as tasks of a running cluster."""

    address: str
    num_gpus: int
    """Of each worker."""
    num_workers: int | None
    """None: as many as fit into the cluster now."""

    @staticmethod
    def of(address: str | None, num_gpus: int | None, num_workers: int | None) -> RayLauncher:
        """The options as typed, checked without Ray.

        Raises:
            UsageError: The address is malformed.
        """
        if address is not None and not ADDRESS.fullmatch(address):
            raise UsageError(f"--address: {address!r} is not auto or HOST:PORT, as `ray start --head` prints it")
        return RayLauncher(address or "auto", num_gpus or 0, num_workers)

    def check(self, slots: Elsewhere) -> None:
        """Whether the cluster is up and a worker fits on one of its nodes.

        Raises:
            UsageError: It is not, or none fits.
        """
        if find_spec("ray") is None:
            raise UsageError("--launch ray: Ray is not installed: `pip install -e '.[ray]'`")
        nodes = _nodes(self._connect())
        most = {kind: max(node["Resources"].get(kind, 0) for node in nodes) for kind in ("GPU", "CPU")}
        for option, kind, asked in (("--num-gpus", "GPU", self.num_gpus), ("--workers", "CPU", slots.cpus or 1)):
            if asked > most[kind]:
                raise UsageError(f"{option}: {asked} {kind}s for each worker; no node has more than {most[kind]:g}")

    def hosts(self) -> list[str]:
        """The host names of the cluster's nodes."""
        return sorted({node["NodeManagerHostname"] for node in _nodes(self._connect())})

    def preview_text(self, work: Work) -> str:
        """The tasks to submit, for people."""
        cpus = work.slots.cpus or 1
        tasks = f"{self._workers(cpus)} Ray tasks of {self.num_gpus} GPUs and {cpus} CPUs each at {self.address}"
        return f"{tasks}\neach of them: cli.py {' '.join(work.arguments)}"

    def submit(self, work: Work) -> Launch:
        """Submit the workers to Ray."""
        from studies.launch.ray_workers import Workers

        ray, cpus = self._connect(), work.slots.cpus or 1
        name = f"studyhall-{work.study}-{uuid.uuid4().hex[:8]}"
        count = self._workers(cpus)
        # Each host has its own home, unless STUDYHALL_HOME names one: that one is taken as shared.
        home = str(work.home) if "STUDYHALL_HOME" in os.environ else None
        actor = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)(Workers)
        detached = actor.options(name=name, lifetime="detached")
        workers = detached.remote(count, self.num_gpus, cpus, work.arguments, work.storage, home)
        ray.get(workers.begun.remote())
        logs = f"`ray logs` at {ray.get_runtime_context().gcs_address}"
        return Launch("ray", name, name, count, logs, socket.gethostname())

    def _workers(self, cpus: int) -> int:
        """As many as requested, or as fit into the cluster; at least one."""
        if self.num_workers is not None:
            return self.num_workers
        total = self._connect().cluster_resources()
        rooms = [total.get("CPU", 0) // cpus, *([total.get("GPU", 0) // self.num_gpus] if self.num_gpus else [])]
        return max(1, int(min(rooms)))

    def _connect(self) -> Any:
        """Ray's module, connected.

        Raises:
            UsageError: No cluster answers at the address.
        """
        match = ADDRESS.fullmatch(self.address)
        assert match is not None
        if match["host"]:
            try:  # Ray itself would retry for minutes
                socket.create_connection((match["host"].strip("[]"), int(match["port"])), CONNECT_SECONDS).close()
            except (OSError, OverflowError) as error:
                raise UsageError(f"--address: no Ray cluster at {self.address}: {error}") from None
        import ray

        if not ray.is_initialized():
            try:
                ray.init(address=self.address, namespace="studyhall", log_to_driver=False, logging_level="ERROR")
            except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
                raise UsageError(f"--address: no Ray cluster at {self.address}: {one_line(error)}") from None
        return ray


def _nodes(ray: Any) -> Sequence[Any]:
    return [node for node in ray.nodes() if node["Alive"]]
