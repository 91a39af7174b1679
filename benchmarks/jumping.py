"""A worker whose clock can be moved from outside: `python -m benchmarks.jumping FILE ARGUMENTS…` runs the program.

FILE holds two numbers, as doubles: seconds that are added to the time of day, which may go either way, and seconds that
are added to the monotonic clock, which only goes forward, as it does over a suspended machine's sleep.
"""

from __future__ import annotations

import mmap
import struct
import sys
import time
from pathlib import Path

BYTES = struct.calcsize("dd")


def jump(file: Path, wall: float, monotonic: float) -> None:
    """Set the clock of the worker that runs with this file."""
    file.write_bytes(struct.pack("dd", wall, monotonic))


def install(file: Path) -> None:
    """Shift every clock that Python code reads from now on."""
    with file.open("r+b") as opened:
        shared = mmap.mmap(opened.fileno(), BYTES)
    wall, monotonic = time.time, time.monotonic
    time.time = lambda: wall() + struct.unpack("dd", shared[:])[0]
    time.monotonic = lambda: monotonic() + struct.unpack("dd", shared[:])[1]


if __name__ == "__main__":
    install(Path(sys.argv[1]))
    import cli

    sys.argv = ["cli.py", *sys.argv[2:]]
    cli.main()
