"""Settings that ran elsewhere: taken in by one decision, told before anything else is chosen."""

from __future__ import annotations

import json
from typing import Any

import pytest

from samplers.searches.plan import Need, Point, Result
from samplers.searches.tune.imported import ImportedSetting
from tests.support.tuning import Run, loss, tune

HERE = {"x": 2.0, "rate": 0.01, "n": 1, "bias": True}
"""The best setting there is."""


def taken_in(run: Run, *params: dict[str, Any], seeds: int = 1) -> None:
    given = [ImportedSetting(each, seeds) for each in params]
    run.take(run.search.with_past(run.past).imported(run.state, given, "runs.csv"))


def test_imported_settings_are_told_first_and_the_search_goes_on_from_them() -> None:
    run = Run(tune(settings=12))
    taken_in(run, HERE, {**HERE, "x": 3.0}, {**HERE, "n": 4})
    assert run.state["next"] == 3 and run.state["open"] == []
    run.go(2)
    assert [each.kind for each in run.decisions] == ["imported", "told", "chosen"]
    assert [each["values"] for each in run.decisions[1].record["outcomes"]] == [[1.01], [2.01], [4.01]]
    assert run.past.study.trials[0].values == [1.01] and run.past.study.trials[3].state.name == "RUNNING"
    assert run.state["best"] == {"setting": 0, "value": 1.01}
    done = run.go()
    assert done is not None
    assert done.reason == "12 settings × 1 seed are done, 3 more were imported; the best is setting 0: 1.01"


def test_a_choice_depends_on_what_was_imported() -> None:
    """After fifteen results beside the best setting, TPE chooses near it; without them it draws at random."""
    near = [{**HERE, "x": 2.0 + place / 20} for place in range(15)]
    far = [{**HERE, "x": -5.0 + place / 20} for place in range(15)]
    run = Run(tune(settings=12, ahead=1))
    taken_in(run, *near, *far)
    run.go()
    alone = Run(tune(settings=12, ahead=1))
    alone.go()
    assert sum(abs(each["x"] - 2) < 1.5 for each in run.chosen) > sum(abs(each["x"] - 2) < 1.5 for each in alone.chosen)


def test_each_setting_has_the_seeds_that_it_came_with() -> None:
    run = Run(tune(repeats=3, settings=5))
    taken_in(run, HERE, seeds=2)
    assert [point.seed for point in run.decisions[0].points] == [1, 2]
    run.go(2)
    assert run.decisions[1].record["outcomes"][0]["completed"] == 2
    assert len(run.decisions[2].points) == 3


def test_a_seed_that_is_missing_is_waited_for_and_nothing_is_withdrawn_meanwhile() -> None:
    run = Run(tune(repeats=3))
    taken_in(run, HERE, seeds=2)
    first, second = run.decisions[0].points
    step = run.search.with_past(run.past).advance(run.state, {first.hash: Result(0, "COMPLETE", loss(first))})
    assert isinstance(step, Need) and step.points == (second,)
    outlook = run.search.with_past(run.past).outlook(run.state)
    assert {point.hash for point in outlook} == {first.hash, second.hash}
    taken_in(run, {**HERE, "n": 2})
    run.go(1)
    assert [each["setting"] for each in run.decisions[-1].record["outcomes"]] == [0, 1]


def test_settings_are_taken_in_while_others_are_open_and_after_the_end() -> None:
    run = Run(tune(settings=6, ahead=3, racing={"max_repeats": 4}))
    run.go(5)
    taken_in(run, HERE)
    assert run.state["next"] == 6 and len(run.state["open"]) == 3
    done = run.go()
    assert done is not None and done.reason.startswith("6 settings × 1 to 4 seeds are done, 1 more was imported")
    taken_in(run, {**HERE, "x": 2.25})
    assert not run.state["race"]["over"]
    again = run.go()
    assert again is not None and "2 more were imported" in again.reason
    assert [each.kind for each in run.decisions if each.kind == "chosen"] == ["chosen"] * 6


def test_the_same_records_fold_to_the_same_next_choice() -> None:
    run = Run(tune(settings=20))
    run.go(7)
    taken_in(run, HERE, {**HERE, "n": 3})
    run.go(4)
    past = run.search.past()
    for each in run.decisions:
        past.add(each.kind, each.record)
    results = dict(run.results)
    step, again = (run.search.with_past(each).advance(run.state, results) for each in (run.past, past))
    assert json.dumps(getattr(step, "record", None)) == json.dumps(getattr(again, "record", None))


@pytest.mark.parametrize("sampler", ["nsgaii", "nsgaiii"])
def test_a_genetic_sampler_counts_them_as_a_generation(sampler: str) -> None:
    run = Run(tune(sampler={"name": sampler, "population_size": 4}, settings=4, ahead=1))
    taken_in(run, *({**HERE, "x": float(place)} for place in range(4)))
    attributes = [each["attributes"]["setting"] for each in run.decisions[0].record["settings"]]
    assert {*attributes[0].values()} == {0} and attributes == attributes[:1] * 4
    run.go(2)
    assert 1 in run.decisions[2].record["attributes"]["setting"].values(), "its parents are those that were imported"


def test_one_that_failed_is_told_as_failed() -> None:
    def objective(point: Point) -> Result:
        return Result(0, "FAIL", {}, "out of memory", "out_of_memory")

    run = Run(tune(settings=3), objective)
    taken_in(run, HERE)
    run.go(1)
    assert run.state["completed"] == 0 and run.state["best"] is None
    assert run.past.study.trials[0].state.name == "FAIL"
