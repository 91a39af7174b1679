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
    for shares in importances(run.past).values():
        assert next(iter(shares)) == "x" and shares["x"] > 0.5
        assert sum(shares.values()) == pytest.approx(1) and set(shares) == set(SPACE)


def test_ped_anova_alone_says_it_where_scikit_learn_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(tune(sampler="random", settings=60), of_x)
    run.go()
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "sklearn" else found(name))
    assert set(importances(run.past)) == {"ped_anova"}


def test_fanova_says_it_too_where_scikit_learn_is_installed() -> None:
    pytest.importorskip("sklearn")
    run = Run(tune(sampler="random", settings=60), of_x)
    run.go()
    assert set(importances(run.past)) == {"ped_anova", "fanova"}


def test_each_of_several_scores_has_its_own() -> None:
    run = Run(tune((("loss", "minimize"), ("size", "maximize")), sampler="random", settings=60), of_x)
    run.go()
    assert next(iter(importances(run.past, 0)["ped_anova"])) == "x"
    assert next(iter(importances(run.past, 1, "maximize")["ped_anova"])) == "n"


def test_few_settings_and_equal_ones_say_nothing() -> None:
    run = Run(tune(sampler="random", settings=5), of_x)
    run.go()
    assert importances(run.past) == {}
    run = Run(tune(sampler="random", settings=20), lambda point: {"loss": 1.0})
    run.go()
    assert importances(run.past) == {}


def test_an_axis_that_exists_in_some_settings_is_judged_too() -> None:
    run = Run(tune(sampler="random", settings=60, when={"rate": "n > 2"}), of_x)
    run.go()
    assert set(importances(run.past)["ped_anova"]) == set(SPACE)
