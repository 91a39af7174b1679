"""A slot: one place on this host where a trial can run. A GPU, a share of one, or CPU threads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from studies.slots.devices import VISIBLE
from studies.slots.leases import Span

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
NO_SHARE = Span(0, 0)


@dataclass(frozen=True)
class Slot:
    """Where a trial runs, and what its process is given for it."""

    name: str
    device: str  # "cuda" or "cpu"
    threads: int
    gpu: str | None = None  # the device's uuid
    share: Span = NO_SHARE  # of the device's lock file
    memory_fraction: float = 1.0  # of the device's memory
    packed: bool = False  # its share is made for each trial, by the trial's estimate; until then it is the whole device

    @property
    def device_key(self) -> str:
        """The device that it may share with other slots."""
        return self.gpu or self.device

    @property
    def shares_device(self) -> bool:
        """Whether it is a part of a GPU, whose other parts any process of this host may use."""
        return self.gpu is not None and self.memory_fraction < 1

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that keep a trial inside its slot, and name it."""
        own = {**dict.fromkeys(THREAD_VARIABLES, str(self.threads)), "STUDYHALL_SLOT": self.name}
        if self.gpu is None:
            return {**own, VISIBLE: ""}
        return {**own, VISIBLE: self.gpu, "STUDYHALL_MEMORY_FRACTION": f"{self.memory_fraction:.6g}"}
