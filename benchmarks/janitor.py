"""A process that removes what a benchmark made on the machine, however the benchmark ends.

It reads how to undo each thing, a line of JSON each. When its pipe closes, by the benchmark or by its death,
it undoes them, the last one first. So there is one way to clear up, and it is always taken.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

Undo = list[str]
"""`run COMMAND…`, `remove FOLDER`, or `kill MARK`: every process with MARK in its environment."""


class Janitor:
    """The benchmark's end of the pipe."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", __file__], stdin=subprocess.PIPE, start_new_session=True, text=True
        )

    def at_the_end(self, *undo: str) -> None:
        """Register how a thing is undone, before it is made."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(undo) + "\n")
        self._process.stdin.flush()

    def finish(self) -> None:
        """Undo everything now."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()
        self._process.wait()


def clear_up(lines: list[Undo]) -> None:
    """Undo everything; the other end of the pipe is closed."""
    for what, *rest in reversed(lines):
        if what == "kill":
            kill(rest[0])
        elif what == "remove":
            shutil.rmtree(rest[0], ignore_errors=True)
        else:
            subprocess.run(rest, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def kill(mark: str) -> None:
    """Kill every process with this text in its environment, and wait until they are gone."""
    deadline = time.monotonic() + 20
    while found := marked(mark):
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            return
        time.sleep(0.05)


def marked(mark: str) -> list[int]:
    """The other living processes that have this text in their environment."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            with suppress(OSError):
                if mark.encode() in (folder / "environ").read_bytes():
                    found.append(int(folder.name))
    return found


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    clear_up([json.loads(line) for line in sys.stdin])
