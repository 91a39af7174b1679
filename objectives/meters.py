"""Measures how a trial's process uses its slot: peak memory, and the share of time that it computes."""

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

POLL_SECONDS = 0.2  # between looks at a GPU's utilization


class MemoryMeter(Protocol):
    """Measures memory in bytes, from its creation on."""

    total: int
    """The device's memory."""

    def peak(self) -> int:
        """The most memory that was held at once so far."""


def memory_meter(device: str) -> MemoryMeter:
    """The meter for a trial's device, "cuda" or "cpu"."""
    return CudaMemory(torch.device(device)) if device == "cuda" else HostMemory()


class CudaMemory:
    """The memory of tensors on the process's GPU."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.total = torch.cuda.get_device_properties(device).total_memory
        torch.cuda.reset_peak_memory_stats(device)

    def peak(self) -> int:
        torch.cuda.synchronize(self._device)
        return torch.cuda.max_memory_allocated(self._device)


class HostMemory:
    """The resident memory of this process, less the memory that it held when the meter was created."""

    def __init__(self) -> None:
        self.total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        self._before = _resident()

    def peak(self) -> int:
        return max(0, _peak_resident() - self._before)


def _resident() -> int:
    """Bytes held now; the peak so far on systems without /proc."""
    status = Path("/proc/self/statm")
    if not status.exists():
        return _peak_resident()
    return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _peak_resident() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


class BusyMeter:
    """Measures the share of time, from 0 to 1, that the slot is busy inside a `with` block.

    On a CPU it is the process's CPU time divided by the time of its threads. On a GPU it is the mean utilization that
    NVML reports, or None without NVML.
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
        with suppress(Exception):  # without a working NVML there is no figure
            while not self._over.wait(POLL_SECONDS):
                self._seen.append(torch.cuda.utilization())
