"""`--launch ray`: workers as Ray tasks that ask Ray for their GPUs.

Ray schedules; nothing here does. Tasks that do not fit yet wait in Ray's queue, so that more workers begin as the
cluster grows, and a task whose node is lost begins anew on another, for ever. They belong to a detached actor without
any resources, which begins again like they do: whoever launched them may leave.
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
PATIENCE = 5  # seconds to wait for an address that does not answer


@dataclass(frozen=True)
class RayOrder:
    """Workers as tasks of a cluster that is up."""

    address: str
    num_gpus: int
    """Of each worker."""
    num_workers: int | None
    """None: as many as the cluster has room for now."""

    @staticmethod
    def of(address: str | None, num_gpus: int | None, num_workers: int | None) -> RayOrder:
        """The options as typed, checked as far as that goes without Ray.

        Raises:
            UsageError: The address is none.
        """
        if address is not None and not ADDRESS.fullmatch(address):
            raise UsageError(f"--address: {address!r} is not auto or HOST:PORT, as `ray start --head` prints it")
        return RayOrder(address or "auto", num_gpus or 0, num_workers)

    def check(self, slots: Elsewhere) -> None:
        """Whether the cluster is there, and has a node that a worker could run on.

        Raises:
            UsageError: It is not, or has none.
        """
        if find_spec("ray") is None:
            raise UsageError("--launch ray: Ray is not installed: `pip install 'studyhall[ray]'`")
        nodes = _nodes(self._connect())
        most = {kind: max(node["Resources"].get(kind, 0) for node in nodes) for kind in ("GPU", "CPU")}
        for option, kind, asked in (("--num-gpus", "GPU", self.num_gpus), ("--workers", "CPU", slots.cpus or 1)):
            if asked > most[kind]:
                raise UsageError(f"{option}: {asked} {kind}s for each worker; no node has more than {most[kind]:g}")

    def hosts(self) -> list[str]:
        """The cluster's nodes by their host's name."""
        return sorted({node["NodeManagerHostname"] for node in _nodes(self._connect())})

    def shown(self, work: Work) -> str:
        """The tasks that would be submitted."""
        cpus = work.slots.cpus or 1
        told = f"{self._workers(cpus)} Ray tasks of {self.num_gpus} GPUs and {cpus} CPUs each at {self.address}"
        return f"{told}\neach of them: cli.py {' '.join(work.arguments)}"

    def submit(self, work: Work) -> Launch:
        """Hand the workers to Ray."""
        from studies.launch.ray_workers import begin_workers

        ray, cpus = self._connect(), work.slots.cpus or 1
        name = f"studyhall-{work.study}-{uuid.uuid4().hex[:8]}"
        count = self._workers(cpus)
        # Another host's home is its own, unless ours was named: then it is taken to be shared.
        home = str(work.home) if "STUDYHALL_HOME" in os.environ else None
        begin_workers(name, count, self.num_gpus, cpus, work.arguments, work.storage, home)
        logs = f"`ray logs` at {ray.get_runtime_context().gcs_address}"
        return Launch("ray", name, name, count, logs, socket.gethostname())

    def _workers(self, cpus: int) -> int:
        """As many as were asked for, or as the cluster has resources for; at least one."""
        if self.num_workers is not None:
            return self.num_workers
        total = self._connect().cluster_resources()
        rooms = [total.get("CPU", 0) // cpus, *([total.get("GPU", 0) // self.num_gpus] if self.num_gpus else [])]
        return max(1, int(min(rooms)))

    def _connect(self) -> Any:
        """Ray's module, connected.

        Raises:
            UsageError: No cluster answers there.
        """
        match = ADDRESS.fullmatch(self.address)
        assert match is not None
        if match["host"]:
            try:  # Ray itself would try for minutes
                socket.create_connection((match["host"].strip("[]"), int(match["port"])), PATIENCE).close()
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
