"""A space that changes while a search runs: the sampler is told the past again, in the new space."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from optuna.trial import FrozenTrial, TrialState

from samplers.searches.plan import Decision, Need, Point
from storage.errors import UsageError
from tests.support.tuning import CONFIG, SPACE, Run, loss, tune

NUMBERS = {name: SPACE[name] for name in ("x", "rate", "n")}


def seen(run: Run) -> list[FrozenTrial]:
    """What the sampler is shown."""
    return run.past.study.get_trials(deepcopy=False)


def begun(settings: int = 12, sampler: Any = "random", **block: Any) -> Run:
    run = Run(tune(sampler=sampler, settings=settings, **block))
    run.go()
    return run


def test_a_wider_range_keeps_every_setting() -> None:
    run = begun()
    run.override(space={**SPACE, "n": {"range": [1, 9]}}, settings=60)
    assert [trial.state for trial in seen(run)] == [TrialState.COMPLETE] * 12
    assert {trial.distributions["n"].high for trial in seen(run)} == {9}  # type: ignore[attr-defined]
    run.go()
    assert max(params["n"] for params in run.chosen) > 4 and len(run.chosen) == 60


def test_a_narrower_range_leaves_out_what_lies_beyond_it() -> None:
    run = begun()
    run.override(space={**SPACE, "n": {"range": [1, 2]}})
    for trial, params in zip(seen(run), run.chosen, strict=True):
        inside = params["n"] <= 2
        assert (trial.state == TrialState.COMPLETE) == inside and bool(trial.params) == inside


def test_an_added_choice_is_one_that_earlier_settings_did_not_take() -> None:
    run = begun(space={**SPACE, "bias": ["a", "b"]})
    run.override(space={**SPACE, "bias": ["a", "b", "c"]}, settings=40)
    assert {trial.distributions["bias"].choices for trial in seen(run)} == {("a", "b", "c")}  # type: ignore[attr-defined]
    run.go()
    assert {params["bias"] for params in run.chosen} == {"a", "b", "c"}


def test_an_added_axis_has_the_value_of_the_config_in_earlier_settings() -> None:
    run = begun()
    run.override(space={**SPACE, "width": {"range": [4, 16]}})
    assert {trial.params["width"] for trial in seen(run)} == {CONFIG["width"]}


def test_an_added_axis_that_the_config_lacks_has_its_default_in_earlier_settings() -> None:
    run = begun()
    run.override(space={**SPACE, "heads": {"range": [1, 4], "default": 2}})
    assert {trial.params["heads"] for trial in seen(run)} == {2}


def test_an_added_axis_without_a_value_for_earlier_settings_is_refused() -> None:
    with pytest.raises(UsageError, match=r"own.yaml: tune.space.heads: the settings chosen before have no value"):
        begun().override(space={**SPACE, "heads": {"range": [1, 4]}})


def test_an_axis_is_taken_out() -> None:
    run = begun()
    run.override(space={name: axis for name, axis in SPACE.items() if name != "rate"}, settings=20)
    assert all("rate" not in trial.params for trial in seen(run))
    run.go()
    assert all("rate" not in params for params in run.chosen[12:])


def test_a_condition_that_is_added_takes_the_axis_out_where_it_does_not_hold() -> None:
    run = begun()
    run.override(when={"rate": "n > 2"})
    assert all(("rate" in trial.params) == (trial.params["n"] > 2) for trial in seen(run))


@pytest.mark.parametrize("sampler", ["tpe", "cmaes", {"name": "nsgaii", "population_size": 4}])
def test_a_search_goes_on_after_each_kind_of_change_as_a_new_process_would(sampler: Any) -> None:
    run = Run(tune(sampler=sampler, space=NUMBERS, settings=40))
    changes: list[Mapping[str, Any]] = [
        {"space": {**NUMBERS, "x": {"float": [-9, 10]}}},
        {"space": {**NUMBERS, "x": {"float": [-3, 9]}}},
        {"space": {**NUMBERS, "width": {"range": [4, 16]}}},
        {"sampler": "random", "repeats": 2},
        {"sampler": sampler, "ahead": 2},
    ]
    for change in changes:
        run.go(8)
        run.override(**change)
    done = run.go()
    assert done is not None and not done.failed and len(run.chosen) == 40
    for number in range(5, len(run.decisions), 9):
        past = run.search.past()
        for earlier in run.decisions[:number]:
            past.add(earlier.kind, earlier.record)
        again = run.search.with_past(past).advance(run.decisions[number - 1].state, run.results)
        if run.decisions[number].kind != "override":
            assert isinstance(again, Decision)
            assert json.loads(json.dumps(again.record)) == run.decisions[number].record


def test_fewer_open_settings_are_told_before_the_next_is_chosen() -> None:
    run = Run(tune(ahead=6))
    run.go(6)
    run.override(ahead=2)
    run.go(6)
    assert [decision.kind for decision in run.decisions[7:]] == [*["told"] * 4, *["chosen"] * 2]


def test_more_seeds_are_asked_for_where_a_setting_is_still_open() -> None:
    run = Run(tune(ahead=3))
    run.go(5)
    run.override(repeats=3)
    need = run.search.with_past(run.past).advance(run.state, run.results)
    assert isinstance(need, Need) and [point.seed for point in need.points] == [1, 2, 3]


def test_more_settings_are_chosen_after_the_end() -> None:
    run = begun(settings=5)
    run.override(settings=9)
    run.go()
    assert len(run.chosen) == 9


def test_a_change_that_does_not_fit_is_refused_with_its_place() -> None:
    run = begun()
    for change, words in (
        ({"space": {"x": {"float": [3, 1]}}}, "tune.space.x.float: the range is empty: 3 is above 1"),
        ({"ahead": 0}, "tune.ahead: 0 is not a whole number from 1"),
        ({"settings": None}, "tune.settings: is missing"),
    ):
        with pytest.raises(UsageError, match=words):
            run.override(**change)


def test_the_outlook_is_what_is_open_and_without_a_past_what_the_search_begins_with() -> None:
    run = Run(tune(ahead=4, repeats=2))
    beginning = run.search.outlook(run.search.start())
    run.go(10)
    assert [point.hash for point in beginning] == [point.hash for each in run.decisions[:4] for point in each.points]
    ahead = run.search.with_past(run.past).outlook(run.state)
    assert [point.hash for point in ahead] == [point.hash for each in run.decisions[6:] for point in each.points]
    without = [point.hash for point in run.search.outlook(run.state)]
    assert without == [point.hash for point in beginning]
    assert len(run.search.with_past(run.search.past()).outlook(run.state)) == 8


def test_the_outlook_of_a_race_keeps_its_seeds_waiting() -> None:
    run = Run(tune(sampler="random", settings=20, racing={"max_repeats": 9}))
    while not run.state["race"]["seeds"]:
        run.go(1)
    wanted = {point.hash for point in run.decisions[-1].points}
    assert wanted and wanted <= {point.hash for point in run.search.with_past(run.past).outlook(run.state)}


@pytest.mark.parametrize(
    "sampler", ["tpe", {"name": "nsgaii", "population_size": 4}, {"name": "gp", "n_startup_trials": 3}]
)
def test_a_constraint_that_is_added_judges_earlier_settings_by_their_metrics(sampler: Any) -> None:
    run = Run(tune(sampler=sampler, space=NUMBERS, settings=12, ahead=2, constraints=["vram <= 3000"]))
    run.go(6)
    run.override(constraints=["vram <= 3000", "size < 0"])
    done = run.go()
    assert done is not None and not done.failed
    sizes = {number: -params["n"] - params["x"] for number, params in enumerate(run.chosen)}
    assert {trial.number: trial.constraints["size < 0"] for trial in seen(run)} == pytest.approx(sizes)
    assert {len(trial.constraints) for trial in seen(run)} == {2}
    run.override(constraints=["size < 0"])
    run.go()
    assert {tuple(trial.constraints) for trial in seen(run)} == {("size < 0",)}


@pytest.mark.parametrize(
    ("first", "then", "limit"), [(None, ["vram <= 1000"], 1), (["vram <= 1000"], ["vram <= 2000"], 2)]
)
def test_the_best_setting_meets_the_constraints_in_force_when_they_change(first: Any, then: Any, limit: int) -> None:
    def larger_is_better(point: Point) -> Mapping[str, float]:
        return {"loss": -float(point.config["n"]), "vram": 1000.0 * point.config["n"]}

    run = Run(tune(settings=16, constraints=first), larger_is_better)
    run.go()
    run.override(constraints=then)
    done = run.go()
    assert done is not None and f": {-limit}" in done.reason and run.state["best"]["value"] == -limit
    assert run.past.front == [(-limit,)] and run.state["completed"] == 16
    run.override(constraints=None)
    run.go()
    assert run.state["best"]["value"] == -4 == -max(params["n"] for params in run.chosen)


def test_a_constraint_on_a_metric_that_earlier_settings_lack_is_taken_to_be_met() -> None:
    def with_memory_later(point: Point) -> Mapping[str, float]:
        return {**loss(point), **({"memory": 9.0} if len(run.chosen) >= 8 else {})}

    run = Run(tune(settings=12, ahead=1), with_memory_later)
    run.go(8)
    run.override(constraints=["memory < 5"])
    done = run.go()
    assert done is not None and run.state["completed"] == 12 and run.state["best"]["setting"] < 7
    judged = [outcome.feasible for setting in run.past.settings if (outcome := setting.outcome) is not None]
    assert judged[:7] == [True] * 7 and judged[7:] == [False] * 5


def test_the_settings_of_a_narrower_space_are_all_chosen_before_it_ends() -> None:
    run = Run(tune(space={"n": {"range": [1, 20]}}, settings=8))
    run.go()
    run.override(space={"n": {"range": [1, 5]}}, settings=200)
    done = run.go()
    assert done is not None and done.reason.startswith("all 5 settings of the space are chosen")
    assert {1, 2, 3, 4, 5} <= {params["n"] for params in run.chosen}


@pytest.mark.parametrize("changes", [{"config": {"width": 16}}, {"tune": {"seed": 5}}])
def test_another_config_or_seed_opens_a_space_whose_settings_were_all_chosen(changes: Mapping[str, Any]) -> None:
    run = Run(tune(space={"n": [1, 2, 3]}, settings=100))
    done = run.go()
    assert done is not None and done.reason.startswith("all 3 settings")
    before = len(run.chosen)
    run.take(run.search.with_past(run.past).override(run.state, changes))
    run.go()
    new = [decision.record for decision in run.decisions if decision.kind == "chosen"][before:]
    assert {record["config"]["n"] for record in new if record["same_as"] is None} == {1, 2, 3}


def test_a_setting_keeps_its_seeds_when_the_first_seed_changes() -> None:
    run = Run(tune(settings=10, ahead=3))
    run.go(6)
    measured = len(run.results)
    run.override(seed=50)
    run.go(3)
    assert len(run.results) == measured + 3, "what was planned is what tells the settings that were open"


def test_an_enqueued_setting_that_takes_the_place_of_one_that_was_tried_is_tried() -> None:
    run = begun(settings=4, enqueue=[{"x": 1.0}, {"x": 2.0}])
    run.override(enqueue=[{"x": 1.0}, {"x": 3.0}, {"x": 4.0}], settings=8)
    run.go()
    assert [params["x"] for params in run.chosen[:2]] == [1.0, 2.0]
    assert [params["x"] for params in run.chosen[4:6]] == [3.0, 4.0]


def test_an_enqueued_setting_that_is_not_allowed_any_more_is_passed_over() -> None:
    run = begun(settings=2, enqueue=[{"x": 1.0}])
    run.override(enqueue=[{"x": 1.0}, {"x": 9.0}], where=["x < 5"], settings=6)
    done = run.go()
    assert done is not None and not done.failed and len(run.chosen) == 6
    assert all(params["x"] < 5 for params in run.chosen[2:])


def test_the_end_says_how_many_seeds_earlier_settings_have() -> None:
    run = begun(settings=6)
    run.override(settings=8, repeats=3)
    done = run.go()
    assert done is not None and "8 settings × 1 to 3 seeds are done" in done.reason
