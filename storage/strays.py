"""Servers that live without their files: nobody reaches them, and they would take a new server's socket with them.

PostgreSQL ends by itself a minute or so after its data folder was deleted, and unlinks its socket by name then: the
socket of the server that was started there meanwhile. Linux alone shows where a process works; elsewhere none is found.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

DELETED = " (deleted)"


def stop_strays(data: Path, socket: Path) -> None:
    """End every server of a data folder that was deleted, or whose socket was: with all its processes, at once.

    Its transactions are rolled back, as after a crash. Returns before the processes have ended.
    """
    lost = {f"{data}{DELETED}"} | (set() if socket.exists() else {str(data)})
    found = dict(_working_in(lost))
    for pid in found.keys() - {child for child, parent in found.items() if parent in found}:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGQUIT)  # PostgreSQL's immediate shutdown


def _working_in(folders: set[str]) -> Iterator[tuple[int, int]]:
    """PostgreSQL's processes that work in one of these folders, each with its parent."""
    for each in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            if str((each / "cwd").readlink()) in folders and (each / "comm").read_text().startswith("postgres"):
                yield int(each.name), int((each / "stat").read_text().rpartition(")")[2].split()[1])
