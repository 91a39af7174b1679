"""A launched worker's process, tied to its parent process: however the parent ends, the worker is killed.

python -m studies.launch.tied PARENT ARGUMENTS…
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

from objectives.process.process_tree import die_with_parent
from storage.home import CHECKOUT, python_path


def start_tied(arguments: Sequence[str], storage: str, home: str | None) -> subprocess.Popen[bytes]:
    """Start a worker from this host's checkout. The storage's URL is in its environment, never among its arguments."""
    environment = {**os.environ, "PYTHONPATH": python_path(os.environ), "STUDYHALL_STORAGE": storage}
    if home is not None:
        environment["STUDYHALL_HOME"] = home
    tied = [sys.executable, "-m", "studies.launch.tied", str(os.getpid()), *arguments]
    return subprocess.Popen(tied, env=environment, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    die_with_parent(int(sys.argv[1]))
    os.execv(sys.executable, [sys.executable, str(CHECKOUT / "cli.py"), *sys.argv[2:]])
