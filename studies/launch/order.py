"""`run --launch`: what was asked for, checked, and the command that every launched worker runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from storage.errors import UsageError, nearest
from studies.launch.ray_cluster import RayOrder
from studies.launch.record import Launch
from studies.launch.slurm import SlurmOrder
from studies.slot import Elsewhere

LAUNCHERS = ("slurm", "ray")
OWN = {
    "slurm": ("--nodes", "--gpus-per-node", "--time", "--partition", "--slurm"),
    "ray": ("--address", "--num-gpus", "--num-workers"),
}
"""The options of each."""


class Launcher(Protocol):
    """Where workers are to run: a `SlurmOrder` or a `RayOrder`."""

    def check(self, slots: Elsewhere) -> None:
        """Whether it is there and would take this.

        Raises:
            UsageError: It would not.
        """

    def hosts(self) -> Sequence[str]:
        """The hosts that a worker may come to."""

    def shown(self, work: Work) -> str:
        """What would be submitted."""

    def submit(self, work: Work) -> Launch:
        """Start the workers, or put them where they will be started."""


@dataclass(frozen=True)
class Work:
    """What is launched: workers of one study."""

    study: str
    arguments: Sequence[str]
    """Of each worker's command line; they hold no secret."""
    storage: str
    """The URL that it is to use, with its password."""
    home: Path
    folder: Path
    """Of this launch alone; 0700."""
    slots: Elsewhere

    @property
    def url_file(self) -> Path:
        """Where a worker finds the URL; 0600."""
        return self.folder / "storage"

    def write_url(self) -> None:
        """Make the folder, and the file that only its owner can read."""
        self.folder.mkdir(mode=0o700, parents=True)
        self.url_file.touch(mode=0o600, exist_ok=False)
        self.url_file.write_text(self.storage)


@dataclass(frozen=True)
class Wanted:
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
