"""`run --laptop`: a study that is begun so goes on so, says so, and reads its file so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.program import Program, answer, refused

FILE = (
    "search: grid\nobjective: own.py:own\nscore: {metric: score, direction: maximize}\n"
    "grid: {axes: {n: [1, 2, 3, 4]}}\nconfig: {n: 1, k: 1}\n"
)
BLOCK = "laptop: {grid: {axes: {n: [1, 2]}}, config: {k: 10}}\n"


@pytest.fixture
def run(tmp_path: Path) -> list[object]:
    (tmp_path / "own.py").write_text("def own(config):\n    return {'score': config['n'] * config['k']}\n")
    (tmp_path / "own.yaml").write_text(FILE + BLOCK)
    return ["run", "own", "--file", tmp_path / "own.yaml"]


def scores(program: Program) -> list[float]:
    return sorted(row["mean"] for row in answer(program, "show", "own")["results"])


def test_a_study_goes_on_as_it_was_begun(program: Program, run: list[object], tmp_path: Path) -> None:
    ahead = program(*run, "--laptop", "--dry-run")
    assert ahead.returncode == 0 and "2 settings" in ahead.stdout, ahead.stdout + ahead.stderr
    begun = program(*run, "--laptop")
    assert begun.returncode == 0 and "with its laptop: block" in begun.stderr, begun.stderr
    assert "begun with --laptop" in begun.stdout and scores(program) == [10, 20]
    assert program(*run).returncode == 0 and scores(program) == [10, 20]
    assert program("run", "own").returncode == 0 and scores(program) == [10, 20]
    assert "own (grid --laptop)" in program("status", "own").stdout and answer(program, "status", "own")["laptop"]

    (tmp_path / "own.yaml").write_text(FILE.replace("[1, 2, 3, 4]", "[7, 8]") + BLOCK)
    assert program(*run).returncode == 0 and scores(program) == [10, 20]
    (tmp_path / "own.yaml").write_text(FILE + BLOCK.replace("[1, 2]", "[1, 2, 5]"))
    assert program(*run, "--laptop").returncode == 0 and scores(program) == [10, 20, 50]
    (tmp_path / "own.yaml").write_text(FILE)
    refused(program(*run), "laptop: is missing", "put it back")
    assert answer(program, "audit", "own")["holds"]


def test_a_study_that_was_begun_without_is_not_turned(program: Program, run: list[object]) -> None:
    assert program(*run).returncode == 0
    refused(program(*run, "--laptop"), "begun without it", "--study OTHER")
    refused(program("run", "own", "--laptop"), "begun without it")
    assert scores(program) == [1, 2, 3, 4] and "laptop" not in answer(program, "show", "own")


def test_laptop_needs_a_block_and_a_study_to_begin(program: Program, run: list[object], tmp_path: Path) -> None:
    refused(program(*run[:2], "--laptop", "--join"), "--join cannot change a study")
    (tmp_path / "own.yaml").write_text(FILE)
    refused(program(*run, "--laptop"), "no block `laptop:`")
    refused(program(*run, "--laptop", "--dry-run"), "no block `laptop:`")
    assert program("show", "own").returncode == 2


def test_a_copy_goes_on_as_its_original_was_begun(program: Program, run: list[object]) -> None:
    assert program(*run, "--laptop", "--max-trials", 1).returncode == 0
    assert program("copy", "own", "other").returncode == 0
    assert program("run", "other", "--max-trials", 9).returncode == 0
    assert sorted(row["mean"] for row in answer(program, "show", "other")["results"]) == [10, 20]
