"""A launched worker's process, tied to the one that started it: it is killed when that one ends, however that ends.

python -m studies.launch.tied PARENT COMMAND…
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from objectives.process_tree import die_with_parent

CHECKOUT = Path(__file__).parents[2]


def start_tied(command: Sequence[str], storage: str, home: str) -> subprocess.Popen[bytes]:
    """Start a worker; the storage's URL is in its environment, never among its arguments."""
    here = os.pathsep.join(filter(None, (str(CHECKOUT), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": here, "STUDYHALL_STORAGE": storage, "STUDYHALL_HOME": home}
    tied = [sys.executable, "-m", "studies.launch.tied", str(os.getpid()), *command]
    return subprocess.Popen(tied, env=environment, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    die_with_parent(int(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])
