"""A slot: one place on this host where a trial can run. So far, CPU threads."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from storage.errors import UsageError

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


@dataclass(frozen=True)
class Slot:
    """Where a trial runs, and what its process is given for it."""

    name: str
    device: str
    threads: int

    @property
    def place(self) -> str:
        """The device that it may share with other slots."""
        return self.environment["CUDA_VISIBLE_DEVICES"] or self.device

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that keep a trial inside its slot."""
        return {**dict.fromkeys(THREAD_VARIABLES, str(self.threads)), "CUDA_VISIBLE_DEVICES": ""}


def cpu_slots(workers: int | None, threads: int | None) -> tuple[Slot, ...]:
    """`workers` slots of `threads` threads each; by default one thread a slot, and as many slots as there are cores.

    Raises:
        UsageError: Fewer than one of either.
    """
    for option, value in (("--workers", workers), ("--threads", threads)):
        if value is not None and value < 1:
            raise UsageError(f"{option}: {value} is too few; 1 or more")
    per_slot = threads or 1
    count = workers or max(1, cores() // per_slot)
    return tuple(Slot(f"cpu{index}", "cpu", per_slot) for index in range(count))


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
