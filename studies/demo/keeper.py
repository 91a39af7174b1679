"""The process that ends a demonstration: it waits for the end of its input, stops the server and removes the home.

python -m studies.demo.keeper HOME
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from storage import server


def end(home: Path) -> None:
    """Stop the server of a home, and remove both."""
    base = server.cluster(home).base  # elsewhere where root's server cannot reach the home
    try:
        server.down(home)
    finally:
        for each in (base, home):
            shutil.rmtree(each, ignore_errors=True)


if __name__ == "__main__":
    sys.stdin.buffer.read()
    end(Path(sys.argv[1]))
