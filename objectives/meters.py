"""How much of its slot a trial's process uses: memory at its peak, and the share of the time that it computes."""

from __future__ import annotations

import os
import resource
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import torch

LOOK = 0.2  # seconds between looks at how busy a GPU is


class MemoryMeter(Protocol):
    """Counts from its making on. Bytes."""

    total: int
    """That the device has."""

    def peak(self) -> int:
        """The most that was held at once so far."""


def memory_meter(device: str) -> MemoryMeter:
    """For a trial's device, "cuda" or "cpu"."""
    return Cuda(torch.device(device)) if device == "cuda" else Process()


class Cuda:
    """What tensors took on the process's one GPU."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.total = torch.cuda.get_device_properties(device).total_memory
        torch.cuda.reset_peak_memory_stats(device)

    def peak(self) -> int:
        torch.cuda.synchronize(self._device)
        return torch.cuda.max_memory_allocated(self._device)


class Process:
    """The host's memory, by the pages that this process holds: what it holds before the model is made is left out."""

    def __init__(self) -> None:
        self.total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        self._before = _resident()

    def peak(self) -> int:
        return max(0, _most_resident() - self._before)


def _resident() -> int:
    """Bytes held now; where the system does not tell, the most so far."""
    status = Path("/proc/self/statm")
    if not status.exists():
        return _most_resident()
    return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _most_resident() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


class BusyMeter:
    """The share of the time between `with` and its end that the slot was busy, from 0 to 1.

    On a CPU: the process's own time over that of its threads. On a GPU: the mean of what NVML says, or None where it
    says nothing.
    """

    def __init__(self, device: str) -> None:
        self._gpu = device == "cuda"
        self._seen: list[int] = []
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._seconds = self._busy = 0.0

    def __enter__(self) -> BusyMeter:
        self._seconds, self._busy = -time.perf_counter(), -time.process_time()
        if self._gpu:
            self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._seconds += time.perf_counter()
        self._busy += time.process_time()
        self._over.set()
        if self._gpu:
            self._watcher.join()

    @property
    def share(self) -> float | None:
        if self._gpu:
            return sum(self._seen) / len(self._seen) / 100 if self._seen else None
        return min(1.0, self._busy / max(self._seconds, 1e-9) / torch.get_num_threads())

    def _watch(self) -> None:
        with suppress(Exception):  # no NVML, or one that does not tell: there is no figure then
            while not self._over.wait(LOOK):
                self._seen.append(torch.cuda.utilization())
