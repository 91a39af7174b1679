"""The objective difficulty: the published figures, what it refuses, and the study that ships."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from subprocess import CompletedProcess, run
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from objectives import difficulty
from samplers.searches.grid.grid import Grid
from storage.home import CHECKOUT
from studies.definition.definition import Definition
from studies.settings.difficulty import HOPELESS, SPREAD, marked
from tests.support.program import answer

FILE = CHECKOUT / "studies" / "difficulty.yaml"
Program = Callable[..., CompletedProcess[str]]


@dataclass(frozen=True)
class Trial:
    seed: int


def measure(config: dict[str, Any], seed: int = 42) -> float:
    return difficulty.objective(config, Trial(seed))["difficulty"]


def test_it_returns_what_it_says_and_the_same_for_the_same_seed() -> None:
    config = {"batch": 8, "length": 256, "target": 0.5}
    metrics = difficulty.objective(config, Trial(7))
    assert tuple(metrics) == difficulty.METRICS
    assert metrics["distance"] == abs(metrics["difficulty"] - 0.5)
    assert 0 < metrics["entropy"] <= 5
    assert difficulty.objective(config, Trial(7)) == metrics != difficulty.objective(config, Trial(8))


def test_the_measure_is_that_of_int64_tokens_one_sequence_after_the_other() -> None:
    tokens = np.array([[1, 2, 3, 4], [5, 6, 7, 300]], np.uint16)
    buffer = b"".join(token.to_bytes(8, "little") for token in (1, 2, 3, 4, 5, 6, 7, 300))
    assert difficulty.bytes_a_token(tokens) == len(zlib.compress(buffer, 9)) / 8
    assert difficulty.entropy(tokens) == 3.0
    assert difficulty.entropy(np.zeros((2, 3), np.uint16)) == 0.0


def test_larger_alphas_make_harder_problems() -> None:
    small = {"batch": 16, "length": 1024}
    by_x = [measure({**small, "alpha_X": alpha, "alpha_Z": 0.03}) for alpha in (0.001, 0.1, 1.0)]
    by_z = [measure({**small, "alpha_X": 0.001, "alpha_Z": alpha}) for alpha in (0.004, 0.125, 1.0)]
    assert by_x == sorted(by_x) and by_z == sorted(by_z)
    assert by_x[-1] > HOPELESS


def test_a_problem_without_choice_is_nearly_nothing() -> None:
    metrics = difficulty.objective({"batch": 8, "length": 512, "vocab_size": 1, "states": 1}, Trial(0))
    assert metrics["difficulty"] < 0.02 and metrics["entropy"] == 0.0


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"lenght": 5}, "config: unknown key 'lenght'; did you mean 'length'?"),
        ({"dataset": "stdlib"}, "config: dataset is 'stdlib'; difficulty measures 'gssm'"),
        ({"batch": 0}, "config: batch: 0 is not a whole number from 1 to 134,217,728"),
        ({"batch": 2**20}, "config: batch * length is 2,147,483,648 tokens; 134,217,728 are allowed"),
        ({"target": 9}, "config: target is 9; bytes per token, from 0 to 8, are needed"),
        ({"target": float("nan")}, "config: target is nan; bytes per token, from 0 to 8, are needed"),
        ({"alpha_X": 0}, "config: alpha_X is 0; a number from 1e-100 to 1e+100 is needed"),
        ({"nodes": [{}]}, "config: nodes[0]: name is missing"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_one_line(config: dict[str, Any], told: str) -> None:
    assert difficulty.validate(config) == told


def test_tokens_are_counted_without_drawing_any() -> None:
    assert difficulty.cost({"batch": 1024, "length": 4096}) == {"tokens": 4194304.0}
    assert difficulty.validate({"batch": 2**13, "length": 2**14}) is None


def test_it_needs_no_torch() -> None:
    told = run(
        [sys.executable, "-c", "import objectives.difficulty, sys; assert 'torch' not in sys.modules"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stderr


def cell(difficulty: float, **setting: float) -> dict[str, Any]:
    return {"setting": setting, "means": {"difficulty": difficulty}}


def test_cells_near_the_target_are_marked_and_those_that_are_hopeless() -> None:
    cells = [cell(0.74, a=1), cell(0.99, a=2), cell(0.6, a=3), cell(0.775, a=4), cell(0.98, a=5)]
    assert [each.mark for each in marked(cells)] == ["nearest", "hopeless", "", "nearest", ""]
    assert [each.setting["a"] for each in marked(cells)] == [1, 2, 3, 4, 5]


def test_where_no_cell_is_near_the_closest_is_marked() -> None:
    assert [each.mark for each in marked([cell(0.2), cell(0.5), cell(0.97)])] == ["", "", "nearest"]
    assert [each.mark for each in marked([cell(0.2), cell(0.99)])] == ["", "hopeless"]
    assert marked([]) == []


@given(st.lists(st.floats(0, 1.2), min_size=1), st.floats(0.1, 0.9))
def test_the_closest_cell_is_marked_and_every_other_only_within_the_spread(means: list[float], target: float) -> None:
    marks = marked([cell(mean) for mean in means], target)
    best = min(marks, key=lambda each: each.distance)
    assert best.mark == ("hopeless" if best.difficulty > HOPELESS else "nearest")
    for each in marks:
        assert (each.mark == "hopeless") == (each.difficulty > HOPELESS)
        assert each.mark != "nearest" or each.distance <= max(SPREAD, best.distance)


def test_the_definition_that_ships_is_a_grid_that_can_run() -> None:
    definition = Definition.load(FILE, "grid")
    assert difficulty.validate(definition.config) is None
    assert Grid.parse(definition.settings, definition.config, str(FILE)).settings.size == 16
    assert definition.score_metric in difficulty.METRICS


def test_it_runs_as_a_study_from_the_command_line(program: Program) -> None:
    laptop = ("batch=8", "length=256", "grid.repeats=2", "grid.axes={alpha_X: [0.001, 1.0], alpha_Z: [0.004, 0.125]}")
    given_ = [word for each in laptop for word in ("--set", each)]
    told = program("run", "grid", "--study", "difficulty", "--workers", 2, *given_)
    assert told.returncode == 0, told.stdout + told.stderr
    shown = answer(program, "show", "--study", "difficulty")
    assert len(shown["results"]) == 4 and all(each["n"] == 2 for each in shown["results"])
    assert shown["results"][0]["setting"] == {"alpha_X": 0.001, "alpha_Z": 0.125}
    assert answer(program, "audit", "--study", "difficulty")["holds"]


def test_an_impossible_definition_is_one_line_and_nothing_is_written(program: Program) -> None:
    told = program("run", "grid", "--study", "difficulty", "--set", "hidden_nodes=40")
    assert told.returncode == 2 and len(told.stderr.strip().splitlines()) == 1, told.stderr
    assert "the tables would have about 10^25 entries" in told.stderr
