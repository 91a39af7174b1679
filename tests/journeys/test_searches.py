"""Grids that several workers run, and that are edited meanwhile."""

from __future__ import annotations

from pathlib import Path

from tests.support.noted_grid import grid_of, ran
from tests.support.program import Begin, Program, answer, until


def test_eight_workers_on_sixteen_cells_make_sixteen_trials(program: Program, begin: Begin, tmp_path: Path) -> None:
    file = grid_of(tmp_path, "{axes: {a: [0, 1, 2, 3], b: [0, 1, 2, 3]}}", seconds=0.1)
    workers = [begin("run", "grid", "--study", "own", "--file", file, "--workers", 1) for _ in range(8)]
    for worker in workers:
        output, _ = worker.communicate(timeout=120)
        assert worker.returncode == 0, output
    assert len(ran(tmp_path)) == 16 and set(ran(tmp_path).values()) == {1}
    certificate = answer(program, "audit", "--study", "own")
    assert certificate["holds"] and certificate["points"]["planned"] == certificate["attempts"] == 16


def test_an_edited_grid_gets_what_is_new_and_withdraws_what_fell_out(
    program: Program, begin: Begin, tmp_path: Path
) -> None:
    file = grid_of(tmp_path, "{axes: {a: [0, 1], b: [0, 1, 2, 3]}, repeats: 2, seed: 5}", seconds=0.4)
    worker = begin("run", "grid", "--study", "own", "--file", file, "--workers", 1)
    until(lambda: len(ran(tmp_path)) >= 3)
    grid_of(tmp_path, "{axes: {a: [0, 2], b: [0, 1]}, repeats: 2, seed: 5}", seconds=0.4)
    other = program("run", "grid", "--study", "own", "--file", file, "--workers", 2)
    assert other.returncode == 0, other.stderr
    output, _ = worker.communicate(timeout=60)
    assert worker.returncode == 0, output
    certificate = answer(program, "audit", "--study", "own")
    assert certificate["holds"], certificate
    done = {f"{a}-{b}-{seed}" for a in (0, 2) for b in (0, 1) for seed in (5, 6)}
    assert done <= set(ran(tmp_path)) and set(ran(tmp_path).values()) == {1}
    assert certificate["points"]["withdrawn"] == 16 - len(set(ran(tmp_path)) - done) - 4
    assert certificate["points"]["waiting"] == certificate["points"]["running"] == 0
