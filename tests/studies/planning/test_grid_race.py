"""A grid whose best settings get more seeds, through the engine: replayed, audited and shown."""

from __future__ import annotations

from pathlib import Path

from tests.support.program import Program, answer

OBJECTIVE = """
import random

def noisy(config):
    worth = {1: 0.0, 2: 0.5, 3: 5.0, 4: 5.05, 5: 1.0}[config["x"]]
    return {"score": worth + random.Random(f"{config['x']} {config['seed']}").gauss(0, 0.3)}
"""
DEFINITION = """
search: grid
objective: noisy.py:noisy
score: {metric: score, direction: maximize}
grid: {axes: {x: [1, 2, 3, 4, 5]}, repeats: 2, seed: 0, racing: {max_repeats: 5, within: 0.0001}}
config: {x: 1}
"""


def test_a_grid_buys_seeds_for_its_best_settings_and_every_purchase_is_derived_again(
    program: Program, tmp_path: Path
) -> None:
    (tmp_path / "noisy.py").write_text(OBJECTIVE)
    (tmp_path / "cells.yaml").write_text(DEFINITION)
    ran = program("run", "grid", "--study", "cells", "--file", tmp_path / "cells.yaml", "--workers", 2)
    assert ran.returncode == 0, ran.stderr
    assert "5 settings × 2 to 5 seeds are done" in ran.stderr
    shown = answer(program, "show", "--study", "cells")["results"]
    assert {row["setting"]["x"]: row["n"] for row in shown} == {1: 2, 2: 2, 3: 5, 4: 5, 5: 2}
    assert all(row["ranked"] for row in shown)
    replayed = answer(program, "replay", "--study", "cells")
    assert replayed["agrees"] and [each["kind"] for each in replayed["decisions"]][:2] == ["planned", "raced"]
    assert answer(program, "audit", "--study", "cells")["holds"]
    assert "more trials of 2 settings whose order is unsure" in program("replay", "--study", "cells").stdout


def test_a_limit_that_is_raised_after_the_end_goes_on_with_the_same_race(program: Program, tmp_path: Path) -> None:
    """The seeds bought before are planned already: nothing new is to be planned between two of its decisions."""
    (tmp_path / "noisy.py").write_text(OBJECTIVE)
    (tmp_path / "cells.yaml").write_text(DEFINITION)
    run = ("run", "grid", "--study", "cells", "--workers", 2)
    assert program(*run, "--file", tmp_path / "cells.yaml").returncode == 0
    ran = program(*run, "--set", "grid.racing={max_repeats: 9, within: 0.0001}")
    assert ran.returncode == 0, ran.stderr
    shown = answer(program, "show", "--study", "cells")["results"]
    assert {row["setting"]["x"]: row["n"] for row in shown} == {1: 2, 2: 2, 3: 9, 4: 9, 5: 2}
    assert answer(program, "replay", "--study", "cells")["agrees"] and answer(program, "audit", "cells")["holds"]
