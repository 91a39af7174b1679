"""`--launch ray`: workers as Ray tasks that ask Ray for their GPUs.

Ray schedules; nothing here does. Tasks that do not fit yet wait in Ray's queue, so that more workers begin as the cluster
grows, and a task whose node is lost begins anew on another, for ever. They belong to a detached actor without any
resources, which begins again like they do: whoever launched them may leave.
"""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from storage.errors import UsageError
from studies.launch.record import Launch

if TYPE_CHECKING:
    from studies.launch.order import Work
    from studies.slot import Elsewhere

NAMESPACE = "studyhall"


@dataclass(frozen=True)
class RayOrder:
    """Workers as tasks of a cluster that is up."""

    address: str
    num_gpus: int
    """Of each worker."""
    num_workers: int | None
    """None: as many as the cluster has room for now."""

    def check(self, slots: Elsewhere) -> None:
        """Whether the cluster is there.

        Raises:
            UsageError: It is not, or has no node that a worker could ever run on.
        """
        if find_spec("ray") is None:
            raise UsageError("--launch ray: Ray is not installed: `pip install 'studyhall[ray]'`")
        with self._connected() as ray:
            self._check_room(ray)

    def _check_room(self, ray: Any) -> None:
        most = max((node["Resources"].get("GPU", 0) for node in _nodes(ray)), default=0)
        if self.num_gpus > most:
            raise UsageError(f"--num-gpus: {self.num_gpus} for each worker; the cluster's nodes have {most:g} at most")

    def hosts(self) -> list[str]:
        """The cluster's nodes by their host's name."""
        with self._connected() as ray:
            return sorted({node["NodeManagerHostname"] for node in _nodes(ray)})

    def shown(self, work: Work) -> str:
        """The tasks that would be submitted."""
        cpus = _cpus(work)
        told = (
            f"Ray at {self.address}: {self.num_workers or 'as many as fit'} tasks of {self.num_gpus} GPUs, {cpus} CPUs"
        )
        return f"{told}, max_retries=-1\neach: {' '.join(work.command)}"

    def submit(self, work: Work) -> Launch:
        """Hand the workers to Ray."""
        from studies.launch.ray_workers import begin_workers

        with self._connected() as ray:
            count = self.num_workers or self._room(ray, _cpus(work))
            name = f"studyhall-{work.study}-{uuid.uuid4().hex[:8]}"
            begin_workers(ray, name, count, self.num_gpus, _cpus(work), work.command, work.storage, str(work.home))
            logs = f"Ray's own: `ray logs` on {self._shown_address(ray)}"
        return Launch("ray", name, name, count, logs, socket.gethostname())

    def _room(self, ray: Any, cpus: int) -> int:
        """Workers that the cluster has resources for, at least one."""
        total = ray.cluster_resources()
        rooms = [total.get("CPU", 0) // cpus, *([total.get("GPU", 0) // self.num_gpus] if self.num_gpus else [])]
        return max(1, int(min(rooms)))

    def _shown_address(self, ray: Any) -> str:
        return str(ray.get_runtime_context().gcs_address)

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        import ray

        if not ray.is_initialized():
            try:
                ray.init(address=self.address, namespace=NAMESPACE, log_to_driver=False, logging_level="ERROR")
            except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
                reason = str(error).strip().splitlines()[0]
                raise UsageError(f"--address: no Ray cluster at {self.address!r}: {reason}") from None
        yield ray


def _nodes(ray: Any) -> Sequence[Any]:
    return [node for node in ray.nodes() if node["Alive"]]


def _cpus(work: Work) -> int:
    """CPUs that a worker asks Ray for."""
    return work.slots.cpus or 1
