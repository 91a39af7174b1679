"""`run --launch`: its options, checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from storage.errors import UsageError, nearest
from studies.launch.launcher import Launcher
from studies.launch.ray_cluster import RayLauncher
from studies.launch.slurm import SlurmLauncher

OPTIONS = {
    "slurm": ("--nodes", "--gpus-per-node", "--time", "--partition", "--slurm"),
    "ray": ("--address", "--num-gpus", "--num-workers"),
}
"""Of each launcher."""


@dataclass(frozen=True)
class LaunchOptions:
    """The options of `run` that concern launching, as typed."""

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
        """Of each launched worker; None: nothing is launched."""
        return None if self.launch is None else (self.gpus_per_node if self.launch == "slurm" else self.num_gpus) or 0

    def launcher(self) -> Launcher | None:
        """The launcher of `--launch`, if given.

        Raises:
            UsageError: An option is wrong, or another launcher's.
        """
        if self.launch is not None and self.launch not in OPTIONS:
            raise UsageError(f"--launch: no launcher {self.launch!r}{nearest(self.launch, OPTIONS)}")
        for launcher, options in OPTIONS.items():
            given = [name for name in options if getattr(self, name[2:].replace("-", "_")) not in (None, ())]
            if given and launcher != self.launch:
                raise UsageError(f"{given[0]}: needs --launch {launcher}")
        if self.wait and self.launch is None:
            raise UsageError("--wait: needs --launch; without it `run` always waits")
        for option, value, least in (
            ("--nodes", self.nodes, 1),
            ("--gpus-per-node", self.gpus_per_node, 0),
            ("--num-gpus", self.num_gpus, 0),
            ("--num-workers", self.num_workers, 1),
        ):
            if value is not None and not least <= value <= 10_000:
                raise UsageError(f"{value} is not a number from {least} to 10,000", option)
        if self.launch == "slurm":
            return SlurmLauncher.of(self.nodes, self.gpus_per_node, self.time, self.partition, self.slurm)
        if self.launch == "ray":
            return RayLauncher.of(self.address, self.num_gpus, self.num_workers)
        return None
