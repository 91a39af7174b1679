"""`--notify` where a worker leaves for a reason of its own: the study's notice waits for the end of the study."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.program import Begin, Program, answer, until

TRAIN = """
import sys, time
from pathlib import Path
number = sys.argv[1]
Path(f"began-{number}").touch()
while not Path(f"gate-{number}").exists():
    time.sleep(0.02)
print("score", number)
"""
GRID = """
search: grid
objective: {command: "python3 train.py {a}", metrics: {stdout: {score: "score (.*)"}}}
score: {metric: score, direction: maximize}
grid: {axes: {a: [1, 2, 3]}}
config: {a: 1}
"""


@pytest.fixture
def run(tmp_path: Path) -> list[object]:
    """`run` of a grid whose trial with `a` waits for a file `gate-a`; each notice is a line in `notices`."""
    (tmp_path / "train.py").write_text(TRAIN)
    (tmp_path / "own.yaml").write_text(GRID)
    notify = ["--notify", f'echo "$STUDY|$ENDING|$REASON" >> {tmp_path / "notices"}']
    return ["run", "grid", "--study", "own", "--file", tmp_path / "own.yaml", "--workers", 1, "--quiet", *notify]


def edit_the_script(folder: Path) -> None:
    (folder / "train.py").write_text(f"{TRAIN}# edited\n")


def open_gates(folder: Path, *numbers: int) -> None:
    for number in numbers:
        (folder / f"gate-{number}").touch()


def until_begun(folder: Path, number: int) -> None:
    until(lambda: (folder / f"began-{number}").exists())


def test_a_worker_that_leaves_for_a_reason_of_its_own_leaves_the_notice_to_the_end(
    program: Program, begin: Begin, run: list[object], tmp_path: Path
) -> None:
    refused = begin(*run, "--same-code")
    until_begun(tmp_path, 1)
    other = begin(*run)
    until_begun(tmp_path, 2)
    edit_the_script(tmp_path)
    open_gates(tmp_path, 1)
    printed, _ = refused.communicate(timeout=60)
    assert refused.returncode == 1 and "--same-code: the code was changed" in printed, printed
    assert answer(program, "status", "--study", "own")["state"] == "running"
    assert not (tmp_path / "notices").exists()
    open_gates(tmp_path, 2, 3)
    printed, _ = other.communicate(timeout=60)
    assert other.returncode == 0, printed
    assert (tmp_path / "notices").read_text().startswith("own|done|done: ")
    assert (tmp_path / "notices").read_text().count("\n") == 1


def test_the_only_worker_gives_notice_of_a_reason_of_its_own(begin: Begin, run: list[object], tmp_path: Path) -> None:
    refused = begin(*run, "--same-code")
    until_begun(tmp_path, 1)
    edit_the_script(tmp_path)
    open_gates(tmp_path, 1)
    printed, _ = refused.communicate(timeout=60)
    assert refused.returncode == 1, printed
    assert (tmp_path / "notices").read_text().startswith("own|failed|--same-code: ")
