"""Finds the processes below a process and kills them, by Linux's /proc."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
PROC = Path("/proc")


def adopt_orphans() -> None:
    """Make orphans among this process's descendants its own children, even those that called setsid."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent ends, however the parent ends."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # the parent ended before the call
        os._exit(1)


def wake_when_parent_ends() -> None:
    """Have the kernel continue this process, if it is stopped, when its parent ends."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGCONT)


def children(pid: int) -> list[int]:
    """Processes whose parent is `pid`."""
    return [child for child, parent in _parents() if parent == pid]


def descendants(pid: int) -> list[int]:
    """Every process below `pid`, nearest first."""
    below: dict[int, list[int]] = {}
    for child, parent in _parents():
        below.setdefault(parent, []).append(child)
    found: list[int] = []
    level = [pid]
    while level:
        level = [child for each in level for child in below.get(each, ())]
        found += level
    return found


def _parents() -> Iterator[tuple[int, int]]:
    """Every process and its parent."""
    for stat in PROC.glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            yield int(stat.parent.name), int(stat.read_text().rpartition(")")[2].split()[1])


def kill_descendants(seconds: float = 10.0) -> None:
    """Kill and reap every process below this one, again and again until none is left."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        except ChildProcessError:
            return  # no child means no descendant: orphans become our children
        for pid in descendants(os.getpid()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.002)


def kill_session(leader: int) -> None:
    """Kill every process of a session: a trial's processes whose keeper is gone."""
    for stat in PROC.glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            if int(stat.read_text().rpartition(")")[2].split()[3]) == leader:
                os.kill(int(stat.parent.name), signal.SIGKILL)


def anonymous_memory(pids: list[int]) -> int:
    """Bytes of memory that these processes hold, without pages of files."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError, ValueError, IndexError):
            for each in (PROC / str(pid) / "status").read_text().splitlines():
                if each.startswith(("RssAnon:", "RssShmem:")):
                    total += int(each.split()[1]) * 1024
    return total


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)
