"""How much each axis matters."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping

import pytest

from samplers.searches.plan import Point
from samplers.searches.tune.importance import importances
from tests.support.tuning import SPACE, Run, tune


def of_x(point: Point) -> Mapping[str, float]:
    return {"loss": (point.config["x"] - 2) ** 2 + 0.01 * point.config["n"], "size": -float(point.config["n"])}


def test_the_axis_that_matters_is_named() -> None:
    run = Run(tune(sampler="random", settings=60), of_x)
    run.go()
    assert importances(run.past).settings == 60
    for shares in importances(run.past).by_method.values():
        assert next(iter(shares)) == "x" and shares["x"] > 0.5 and set(shares) == set(SPACE)
        assert all(0 <= share <= 1 for share in shares.values())


def test_ranges_say_it_of_few_settings_and_where_scikit_learn_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(tune(sampler="random", settings=60), of_x)
    run.go()
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "sklearn" else found(name))
    assert set(importances(run.past).by_method) == {"ranges"}


def test_fanova_says_it_too_where_scikit_learn_is_installed() -> None:
    pytest.importorskip("sklearn")
    run = Run(tune(sampler="random", settings=60), of_x)
    run.go()
    assert list(importances(run.past).by_method) == ["fanova", "ranges"]


def test_ped_anova_waits_until_the_best_tenth_is_more_than_a_handful() -> None:
    run = Run(tune(sampler="random", settings=100), of_x)
    run.go()
    shares = importances(run.past).by_method["ped_anova"]
    assert next(iter(shares)) == "x" and sum(shares.values()) == pytest.approx(1)


def test_each_of_several_scores_has_its_own() -> None:
    run = Run(tune((("loss", "minimize"), ("size", "maximize")), sampler="random", settings=60), of_x)
    run.go()
    assert next(iter(importances(run.past, 0).by_method["ranges"])) == "x"
    assert next(iter(importances(run.past, 1, "maximize").by_method["ranges"])) == "n"


def test_few_settings_and_equal_ones_say_nothing() -> None:
    run = Run(tune(sampler="random", settings=5), of_x)
    run.go()
    assert importances(run.past).by_method == {}
    run = Run(tune(sampler="random", settings=20), lambda point: {"loss": 1.0})
    run.go()
    assert importances(run.past).by_method == {}


def test_an_axis_that_exists_in_some_settings_is_judged_too() -> None:
    run = Run(tune(sampler="random", settings=60, when={"rate": "n > 2"}), of_x)
    run.go()
    assert set(importances(run.past).by_method["ranges"]) == set(SPACE)
