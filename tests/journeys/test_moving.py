"""`storage move` that is killed."""

from __future__ import annotations

import time
from pathlib import Path

from tests.support.program import Begin, Program


def test_a_move_that_is_killed_goes_on(program: Program, begin: Begin, two_studies: Path, empty_url: str) -> None:
    for wait in (0.2, 0.5, 0.8):
        moving = begin("storage", "move", empty_url)
        time.sleep(wait)  # wherever it is then
        moving.kill()
        moving.wait()
    ended = program("storage", "move", empty_url)
    assert ended.returncode == 0 and ended.stdout.count("no worker runs the original any more") == 2, ended.stderr
    for study in ("trace", "gitter"):
        assert program("audit", "--study", study, "--storage", empty_url).returncode == 0
