"""The tune search: pure, with a ledger in memory."""

from __future__ import annotations

import json

import pytest

from samplers.searches.plan import Decision, Need
from tests.support.tuning import CONFIG, Run, loss, tune


def test_settings_are_chosen_told_and_the_best_is_named() -> None:
    run = Run(tune(settings=30, repeats=2))
    done = run.go()
    assert done is not None and not done.failed
    assert [decision.kind for decision in run.decisions] == ["chosen"] * 30 + ["told"] * 4
    assert len(run.results) == 60
    told = [decision.record["outcome"] for decision in run.decisions if decision.record["outcome"]]
    assert [outcome["setting"] for outcome in told] == list(range(30))
    best = min(told, key=lambda outcome: outcome["values"][0])
    assert (
        done.reason == f"30 settings × 2 seeds are done; the best is setting {best['setting']}: {best['values'][0]:g}"
    )


def test_a_setting_is_told_when_ahead_further_ones_have_been_chosen() -> None:
    run = Run(tune(ahead=4))
    run.go(6)
    assert [decision.record["outcome"] and decision.record["outcome"]["setting"] for decision in run.decisions] == [
        *[None] * 4,
        *[0, 1],
    ]
    assert [need.why for need in run.needs] == ["setting 0: 1 trial", "setting 1: 1 trial"]


def test_the_sampler_is_told_the_mean_over_seeds() -> None:
    run = Run(tune(repeats=3, seed=5))
    run.go(5)
    first = run.decisions[0].points
    assert [point.seed for point in first] == [5, 6, 7]
    told = run.decisions[4].record["outcome"]
    assert told["values"] == [pytest.approx(sum(loss(point)["loss"] for point in first) / 3)] and told["completed"] == 3


def test_results_that_came_early_change_nothing() -> None:
    """All results of the open settings are known, and the choice is the one made with only the first of them."""
    run = Run(tune(settings=40))
    run.go(14)
    search = run.search.with_past(run.past)
    need = search.advance(run.state, run.results)
    assert isinstance(need, Need)
    of_first = {point.hash: run._result(point) for point in need.points}
    everything = {point.hash: run._result(point) for decision in run.decisions for point in decision.points}
    assert len(everything.keys() - run.results.keys()) == 4
    alone, all_known = (search.advance(run.state, {**run.results, **more}) for more in (of_first, everything))
    assert isinstance(alone, Decision) and isinstance(all_known, Decision)
    assert alone.record["params"] == all_known.record["params"]


def test_an_advance_that_is_not_recorded_leaves_nothing_behind() -> None:
    run = Run(tune(settings=40, where=["x + n <= 8"]))
    run.go(20)
    step = run.search.with_past(run.past).advance(run.state, run.results)
    assert isinstance(step, Need)
    run.results |= {point.hash: run._result(point) for point in step.points}
    once, again = (run.search.with_past(run.past).advance(run.state, run.results) for _ in range(2))
    assert once == again


def test_state_and_record_do_not_grow() -> None:
    run = Run(tune(settings=60))
    run.go()
    sizes = [len(json.dumps([decision.record, decision.state])) for decision in run.decisions[:60]]
    assert max(sizes[40:]) < 1.2 * max(sizes[10:20])


def test_where_is_respected_by_drawing_again() -> None:
    run = Run(tune(where=["x <= -4"], settings=12))
    run.go()
    assert all(params["x"] <= -4 for params in run.chosen)
    draws = [decision.record["draws"] for decision in run.decisions if decision.kind == "chosen"]
    assert max(draws) > 1


def test_a_narrow_where_is_met_by_drawing_at_random() -> None:
    run = Run(tune(where=["x <= -4.9"], settings=6, sampler="qmc"))
    run.go()
    chosen = [decision.record for decision in run.decisions if decision.kind == "chosen"]
    assert all(record["params"]["x"] <= -4.9 for record in chosen)
    assert {record["by"] for record in chosen} == {"qmc", "random"}


def test_a_where_that_nothing_satisfies_ends_the_search() -> None:
    run = Run(tune(where=["x > 100"]))
    done = run.go()
    assert done is not None and done.failed and "no further setting" in done.reason


def test_an_axis_exists_only_where_its_condition_holds() -> None:
    run = Run(tune(when={"rate": "n > 2"}, config={**CONFIG, "rate": 0.5}))
    run.go()
    chosen = [decision.record for decision in run.decisions if decision.kind == "chosen"]
    assert {("rate" in record["params"], record["params"]["n"] > 2) for record in chosen} == {
        (True, True),
        (False, False),
    }
    assert all(record["config"]["rate"] == 0.5 for record in chosen if record["params"]["n"] <= 2)


def test_derived_values_are_in_the_config_and_are_no_parameters() -> None:
    run = Run(tune(derive={"width": "8 * n"}))
    run.go(3)
    for decision in run.decisions:
        (point,) = decision.points
        assert point.config["width"] == 8 * point.config["n"] and "width" not in point.params
