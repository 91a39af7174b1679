"""More seeds for a grid's best settings, once its batches have ended: each purchase is a decision with its table."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import optuna
import pytest

from samplers.grid import GridSampler
from samplers.searches.grid.grid import Grid
from samplers.searches.plan import Decision, Done, Need, Point, Result
from storage.errors import UsageError

BLOCK = {"axes": {"x": [1, 2, 3, 4, 5]}, "repeats": 2, "seed": 0, "racing": {"max_repeats": 6}}


def noisy(config: Mapping[str, Any], seed: int) -> float:
    """3 and 4 are close; the others are far behind."""
    worth = {1: 0.0, 2: 0.5, 3: 5.0, 4: 5.05, 5: 1.0}[config["x"]]
    return worth + random.Random(f"{config['x']} {seed}").gauss(0, 0.3)


def run(grid: Grid, score: Callable[[Point], float | None]) -> tuple[list[Decision], Done, dict[str, Result]]:
    """As the engine does: a batch is planned with its decision, and results are shown once none is missing."""
    state, made, ended = grid.start(), [], dict[str, Result]()
    results: Mapping[str, Result] = {}
    for _ in range(100):
        step = grid.advance(state, results)
        results = {}
        if isinstance(step, Decision):
            made.append(step)
            state = json.loads(json.dumps(step.state))
            for point in step.points:
                value = score(point)
                if value is not None:
                    ended.setdefault(point.hash, Result(len(ended), "COMPLETE", {"score": value}))
        elif isinstance(step, Need):
            assert step.settled
            results = {point.hash: ended[point.hash] for point in step.points if point.hash in ended}
        else:
            return made, step, ended
    raise AssertionError("it does not end")


def grid(**more: Any) -> Grid:
    return Grid.parse({**BLOCK, **more}, {"x": 1}, "here", ("score", "maximize"))


def test_the_best_settings_alone_get_more_seeds_until_the_limit() -> None:
    made, done, ended = run(grid(racing={"max_repeats": 6, "within": 0.0001}), lambda p: noisy(p.config, p.seed))
    assert [each.kind for each in made] == ["planned", *["raced"] * (len(made) - 1)]
    table = {row["setting"]["x"]: row["seeds"] for row in made[-1].record["table"]}
    assert table == {1: 2, 2: 2, 3: 6, 4: 6, 5: 2} and len(ended) == 5 * 2 + 2 * 4
    assert done.waits and done.reason == "5 settings × 2 to 6 seeds are done"
    assert made[1].record["points"] == 2 and {row["more"] for row in made[1].record["table"]} == {0, 1}
    assert made[-1].record["told"].startswith("no more seeds are worth their trials (sure ")


def test_a_clear_best_needs_no_more_seeds_and_a_wider_margin_fewer() -> None:
    made, _, ended = run(grid(), lambda p: float(p.config["x"]) + 0.001 * p.seed)
    assert len(ended) == 10 and [each.kind for each in made] == ["planned", "raced"]
    assert made[-1].record["best"] == {"x": 5} and made[-1].record["sure"] == 1.0
    wide = run(grid(racing={"max_repeats": 6, "within": 0.9}), lambda p: noisy(p.config, p.seed))[2]
    assert len(wide) == 10


def test_a_setting_with_a_trial_that_is_missing_or_failed_is_out_of_the_race() -> None:
    made, _, _ = run(grid(), lambda p: None if p.config["x"] == 4 else noisy(p.config, p.seed))
    assert {row["setting"]["x"] for row in made[-1].record["table"]} == {1, 2, 3, 5}


def test_two_settings_race_against_each_other() -> None:
    close = grid(axes={"x": [3, 4]}, racing={"max_repeats": 16})
    made, done, ended = run(close, lambda p: noisy(p.config, p.seed))
    assert made[-1].kind == "raced" and len(ended) > 4 and done.reason == "2 settings × 2 to 16 seeds are done"
    clear = grid(axes={"x": [1, 3]}, racing={"max_repeats": 16})
    made, _, ended = run(clear, lambda p: noisy(p.config, p.seed))
    assert [each.kind for each in made] == ["planned", "raced"] and len(ended) == 4


def test_a_grid_without_racing_is_as_it_was() -> None:
    plain = Grid.parse({"axes": {"x": [1, 2]}}, {"x": 1}, "here", ("score", "maximize"))
    assert plain.start().keys() == {"next", "settings", "grid", "config"}
    made, done, _ = run(plain, lambda p: 1.0)
    assert [each.kind for each in made] == ["planned"] and done.reason == "2 settings × 1 seed are done"


def test_a_wrong_block_is_one_line() -> None:
    with pytest.raises(UsageError, match=r"grid\.racing\.max_repeats: 1 is not|1 is not a whole number from 2"):
        grid(racing={"max_repeats": 1})
    with pytest.raises(UsageError, match="between 0 and 1"):
        grid(racing={"max_repeats": 4, "within": 2})
    with pytest.raises(UsageError, match="can race"):
        grid(axes={"x": {"range": [1, 9000]}})


def test_the_sampler_buys_the_same_seeds() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = GridSampler({"x": [1, 2, 3, 4, 5]}, repeats=2, seed=0, max_repeats=6, within=0.0001)
    study = optuna.create_study(direction="maximize", sampler=sampler)

    def objective(trial: optuna.Trial) -> float:
        config = GridSampler.config(trial)
        return noisy(config, config["seed"])

    study.optimize(objective)
    seeds = Counter(GridSampler.config(trial)["x"] for trial in study.trials if trial.state.name == "COMPLETE")
    assert seeds == {1: 2, 2: 2, 3: 6, 4: 6, 5: 2}
