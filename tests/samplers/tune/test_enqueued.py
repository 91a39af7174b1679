"""Settings that another Optuna program enqueued: which are settings of the space, and which are told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from samplers.searches.plan import Decision
from samplers.searches.tune.enqueued import ended_settings, enqueued_setting
from samplers.searches.tune.imported import ImportedSetting
from storage.other_programs import EndedTrial
from tests.support.tuning import CONFIG, Run, tune

SPACE: Mapping[str, Any] = {
    "x": {"float": [0, 1, 0.1]},
    "n": {"range": [1, 4]},
    "shape": [[1, 2], [3]],
    "kind": ["a", "b"],
}
BASE: Mapping[str, Any] = {"x": 0.5, "n": 2, "shape": [3], "kind": "b", "size": 4, "other": 1}


def search(**block: Any) -> Any:
    relations = {"derive": {"size": "n * 2"}, "where": ["n <= 3"], "when": {"kind": "n > 1"}}
    return tune(config=BASE, space=SPACE, **{**relations, **block})


@pytest.mark.parametrize(
    ("fixed", "config"),
    [
        ({"n": 3}, {"n": 3, "size": 6}),
        ({"n": 3.0, "x": 0.1 + 0.2}, {"n": 3, "size": 6, "x": 0.3}),
        ({"shape": "[1, 2]", "seed": 5}, {"shape": [1, 2]}),
        ({"kind": "a"}, {"kind": "a"}),
        ({"n": 1}, {"n": 1, "size": 2}),
    ],
)
def test_values_of_axes_are_a_setting_with_what_follows_from_them(fixed: Any, config: Any) -> None:
    made = search()
    setting = enqueued_setting(made.settings_in(made.start()), fixed)
    assert setting is not None and setting.config == {**BASE, **config}
    assert type(setting.config["n"]) is int


@pytest.mark.parametrize(
    "fixed",
    [
        {"n": 4},
        {"n": 7},
        {"n": "three"},
        {"n": 2.5},
        {"x": 0.25},
        {"x": float("nan")},
        {"kind": "c"},
        {"shape": "[1, 2"},
        {"other": 2},
        {"n": 1, "kind": "a"},
    ],
)
def test_what_is_no_setting_of_the_space(fixed: Any) -> None:
    made = search()
    assert enqueued_setting(made.settings_in(made.start()), fixed) is None


def ended(number: int, seed: int = 1, **setting: Any) -> EndedTrial:
    values = {"x": 0.5, "n": 1, "rate": 0.01, "bias": True, **setting}
    return EndedTrial(number, {**CONFIG, **values}, seed, values)


def test_settings_are_taken_in_once_with_the_seeds_that_have_ended() -> None:
    run = Run(tune(settings=6))
    run.go(8)
    known = [ended(9, n=2), ended(10, 2, n=2), ended(11, 4, n=2), ended(12, 2, n=3)]
    found = ended_settings(run.past.in_force, run.past, known)
    assert found is not None and found.source == "another program (trials 9, 10)"
    assert found.settings == [ImportedSetting({"x": 0.5, "rate": 0.01, "n": 2, "bias": True}, 2)]
    decision = run.search.with_past(run.past).ended(run.state, known)  # type: ignore[attr-defined]
    assert isinstance(decision, Decision) and decision.kind == "imported" and decision.points == ()
    run.take(decision)
    assert ended_settings(run.past.in_force, run.past, known) is None
    done = run.go()
    assert done is not None and "6 settings × 1 seed are done, 1 more was imported" in done.reason
    number = decision.record["settings"][0]["setting"]
    outcome = run.past.settings[number].outcome
    assert outcome is not None and outcome.completed == 2


def test_what_the_space_in_force_does_not_hold_stays_untold() -> None:
    run = Run(tune(settings=6))
    run.go(8)
    other = EndedTrial(9, {**CONFIG, "width": 16}, 1, {"x": 0.5, "n": 1, "rate": 0.01, "bias": True})
    assert ended_settings(run.past.in_force, run.past, [ended(8, x=11.0), other, EndedTrial(10, CONFIG, 1, {})]) is None
