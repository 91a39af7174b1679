"""What the program writes is its user's alone, whatever the umask."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.support.program import GOOD, growth_of

Program = Callable[..., CompletedProcess[str]]


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def test_logs_run_folders_locks_and_backups_are_private(program: Program, tmp_path: Path, open_umask: None) -> None:
    body = (
        "def own(config, trial):\n"
        "    for each in trial.run_dir.parents[1].iterdir():\n"
        "        print(each.name, oct(each.stat().st_mode & 0o777))\n"
    )
    assert program("run", "grow", "--study", "own", "--file", growth_of(tmp_path, body + GOOD)).returncode == 0
    backup = tmp_path / "backup"
    assert program("storage", "backup", backup).returncode == 0
    home = tmp_path / "home"
    runs = [home / "runs", *(home / "runs").rglob("*")]
    files = [each for each in runs if each.is_file()]
    logs = [each for each in files if each.suffix == ".log"]
    while_it_ran = dict(line.split() for each in logs for line in each.read_text().splitlines())
    locks = [mode for name, mode in while_it_ran.items() if name.startswith("lock-")]
    assert locks and set(locks) == {"0o600"}
    for path in [*runs, home / "trusted", backup]:
        allowed = stat.S_IMODE(path.stat().st_mode)
        assert allowed == (0o700 if path.is_dir() else 0o600), f"{path} {allowed:o}"
