"""`run --launch`: what was asked for, checked, and the command that every launched worker runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from storage.errors import UsageError, nearest
from studies.launch.launcher import Launcher
from studies.launch.ray_cluster import RayOrder
from studies.launch.slurm import SlurmOrder

LAUNCHERS = ("slurm", "ray")
OWN = {
    "slurm": ("--nodes", "--gpus-per-node", "--time", "--partition", "--slurm"),
    "ray": ("--address", "--num-gpus", "--num-workers"),
}
"""The options of each."""


@dataclass(frozen=True)
class LaunchOptions:
    """The options of `run` that are about launching, as typed."""

    launch: str | None
    nodes: int | None
    gpus_per_node: int | None
    time: str | None
    partition: str | None
    slurm: Sequence[str]
    address: str | None
    num_gpus: int | None
    num_workers: int | None
    wait: bool

    @property
    def gpus(self) -> int | None:
        """Of each worker, if workers are launched."""
        return None if self.launch is None else (self.gpus_per_node if self.launch == "slurm" else self.num_gpus) or 0

    def launcher(self) -> Launcher | None:
        """The launcher that is asked for, if one is.

        Raises:
            UsageError: An option is wrong, or another launcher's.
        """
        if self.launch is not None and self.launch not in LAUNCHERS:
            raise UsageError(f"--launch: no launcher {self.launch!r}{nearest(self.launch, LAUNCHERS)}")
        for launcher, options in OWN.items():
            given = [name for name in options if getattr(self, name[2:].replace("-", "_")) not in (None, ())]
            if given and launcher != self.launch:
                raise UsageError(f"{given[0]}: goes with --launch {launcher}")
        if self.wait and self.launch is None:
            raise UsageError("--wait: goes with --launch; a worker of your own is waited for anyway")
        for option, value, least in (
            ("--nodes", self.nodes, 1),
            ("--gpus-per-node", self.gpus_per_node, 0),
            ("--num-gpus", self.num_gpus, 0),
            ("--num-workers", self.num_workers, 1),
        ):
            if value is not None and not least <= value <= 10_000:
                raise UsageError(f"{option}: {value} is not a number from {least} to 10,000")
        if self.launch == "slurm":
            return SlurmOrder.of(self.nodes, self.gpus_per_node, self.time, self.partition, self.slurm)
        if self.launch == "ray":
            return RayOrder.of(self.address, self.num_gpus, self.num_workers)
        return None
