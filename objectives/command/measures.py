"""What is measured of any command: its time, its last reported step, its memory on the host and on GPUs.

    cost: peak_memory        # or seconds, iter, vram; memory in bytes

Memory is that of all of the command's processes together, looked at a few times a second. A metric of that name that
the script writes itself comes first.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from contextlib import suppress

from objectives.process.process_tree import PROC, descendants

MEASURES = ("seconds", "iter", "peak_memory", "vram")
POLL_SECONDS = 0.2


class Measures:
    """Measures a command from its start; only what is wanted."""

    def __init__(self, pid: int, wanted: Collection[str]) -> None:
        self._pid, self._wanted = pid, wanted
        self._began = time.monotonic()
        self._next = self._began
        self._peaks: dict[int, int] = {}
        self._vram: int | None = None

    def look(self) -> None:
        """Look at the processes, unless that was done a moment ago."""
        now = time.monotonic()
        if now < self._next or not {"peak_memory", "vram"} & set(self._wanted):
            return
        self._next = now + POLL_SECONDS
        pids = [self._pid, *descendants(self._pid)]
        if "peak_memory" in self._wanted:
            for pid in pids:
                self._peaks[pid] = max(_peak_resident(pid), self._peaks.get(pid, 0))
        if "vram" in self._wanted and (held := _on_gpus(set(pids))) is not None:
            self._vram = max(held, self._vram or 0)

    def result(self, step: int | None) -> dict[str, float]:
        """What is wanted and known. `step`: the last one that was reported."""
        known = {
            "seconds": time.monotonic() - self._began,
            "iter": step,
            "peak_memory": sum(self._peaks.values()) or None,
            "vram": self._vram,
        }
        return {name: float(value) for name, value in known.items() if name in self._wanted and value is not None}


def _peak_resident(pid: int) -> int:
    """The most bytes that a process held at once so far, by the kernel's own mark; 0 if it has ended."""
    with suppress(OSError, ValueError, IndexError):
        for line in (PROC / str(pid) / "status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def _on_gpus(pids: Collection[int]) -> int | None:
    """Bytes that these processes hold on all GPUs; None where NVML does not name them, as in some containers."""
    try:
        import pynvml

        pynvml.nvmlInit()
        held = 0
        for index in range(pynvml.nvmlDeviceGetCount()):
            device = pynvml.nvmlDeviceGetHandleByIndex(index)
            for each in pynvml.nvmlDeviceGetComputeRunningProcesses(device):
                held += (each.usedGpuMemory or 0) if each.pid in pids else 0
    except Exception:  # no driver, no permission, a GPU that is lost: then there is no figure
        return None
    return held or None
