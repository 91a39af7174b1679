"""A storage with two studies that have nearly everything that a study can have."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.growth_trace import write_definition
from tests.support.program import Program

GRID = """
search: grid
objective: landscape.py:fails
score: {metric: score, direction: maximize}
grid: {axes: {x: [1, 2, 3]}, repeats: 2}
config: {x: 1}
"""


@pytest.fixture
def two_studies(program: Program, tmp_path: Path) -> Path:
    """A growth of two steps; a grid with failed and retried trials, stopped in the middle. The growth's definition."""
    file = write_definition(tmp_path, steps=2)
    assert program("run", "grow", "--study", "trace", "--file", file).returncode == 0
    with (tmp_path / "landscape.py").open("a") as objective:
        objective.write(
            "\n\ndef fails(config, trial):\n    trial.report(1, score=0.5)\n    return 1 / (config['x'] - 2)\n"
        )
    (tmp_path / "grid.yaml").write_text(
        GRID.replace("landscape.py:fails\nscore: {metric: score", "landscape.py:fails\nscore: {metric: value")
    )
    program("run", "grid", "--study", "gitter", "--file", tmp_path / "grid.yaml", "--max-trials", "5")
    assert program("retry", "--study", "gitter", "--failed").returncode == 0
    return file
