"""A growth that begins points ahead of their decision, killed in the middle."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from tests.support.growth_trace import CHOICES
from tests.support.program import Begin, Program
from tests.support.speculating import facts, speculating


def test_killed_in_the_middle_it_comes_to_the_same_end(program: Program, begin: Begin, tmp_path: Path) -> None:
    run = ("run", "grow", "--study", "trace", "--file", speculating(tmp_path), "--workers", 3)
    for _ in range(3):
        workers = [begin(*run), begin(*run)]
        time.sleep(2.0)  # wherever they are then
        for worker in workers:
            worker.send_signal(signal.SIGKILL)
            worker.wait()
    assert program(*run).returncode == 0
    path, audit = facts(program)
    assert path == CHOICES[:4] and audit["holds"] and audit["duplicates"] == audit["holes"] == 0
