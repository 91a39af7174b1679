"""More seeds for the best settings of a tune."""

from __future__ import annotations

import json
from collections.abc import Mapping
from random import Random

import pytest

from samplers.searches.plan import Decision, Point, Result
from samplers.searches.tune.race import sure_text
from storage.errors import UsageError
from tests.support.tuning import Run, loss, tune

RACING = {"max_repeats": 9, "within": 0.05}


def noisy(point: Point) -> Mapping[str, float]:
    noise = Random(f"{sorted(point.config.items())} {point.seed}").gauss(0, 2)
    return {"loss": loss(point)["loss"] + noise}


def raced(run: Run) -> list[Decision]:
    return [decision for decision in run.decisions if decision.kind == "raced"]


def test_the_best_settings_get_more_seeds_until_one_is_chosen() -> None:
    run = Run(tune(sampler="random", settings=40, repeats=2, racing=RACING), noisy)
    done = run.go()
    decisions = raced(run)
    assert done is not None and not done.failed and len(decisions) > 2
    last = decisions[-1]
    assert last.record["more"] == [] and last.state["race"]["over"] and last.points == ()
    leader = last.record["standing"]["leader"]
    assert run.state["best"]["setting"] == leader
    assert done.reason.endswith(f"({sure_text(run.state['best']['sure'])})")
    assert all(2 < count <= 9 for _, count in last.state["race"]["seeds"])
    assert len(run.results) == 80 + sum(count - 2 for _, count in last.state["race"]["seeds"])


def test_each_purchase_plans_the_new_seeds_alone() -> None:
    run = Run(tune(sampler="random", settings=40, repeats=2, racing=RACING), noisy)
    run.go()
    first, second = raced(run)[:2]
    assert {point.seed for point in first.points} == {3}  # seeds 1 and 2 are those of every setting
    assert [outcome["setting"] for outcome in second.record["outcomes"]] == [
        number for number, _ in first.record["more"]
    ]
    assert all(len(outcome["by_seed"]) == 3 for outcome in second.record["outcomes"])


def test_one_seed_each_is_enough_to_begin_with() -> None:
    run = Run(tune(sampler="random", settings=40, racing=RACING), noisy)
    run.go()
    first = raced(run)[0]
    assert len(first.record["more"]) == 8 and first.record["standing"]["loss"] is None


def test_a_process_that_begins_anew_races_the_same() -> None:
    run = Run(tune(sampler="random", settings=20, repeats=2, racing=RACING), noisy)
    run.go()
    for number, decision in enumerate(run.decisions):
        if decision.kind == "raced":
            past = run.search.past()
            for earlier in run.decisions[:number]:
                past.add(earlier.kind, earlier.record)
            again = run.search.with_past(past).advance(run.decisions[number - 1].state, run.results)
            assert isinstance(again, Decision)
            assert json.loads(json.dumps([again.record, again.state])) == [decision.record, decision.state]


def test_a_setting_whose_new_seed_fails_leaves_the_race() -> None:
    def fails(point: Point) -> Mapping[str, float] | Result:
        return Result(0, "FAIL", {}, "out of memory", "out_of_memory") if point.seed > 2 else noisy(point)

    run = Run(tune(sampler="random", settings=20, repeats=2, racing=RACING), fails)
    done = run.go()
    assert done is not None and not done.failed and raced(run)[-1].record["more"] == []


def test_more_settings_after_a_race_are_raced_too() -> None:
    run = Run(tune(sampler="random", settings=15, repeats=2, racing=RACING), noisy)
    run.go()
    before = len(raced(run))
    run.override(settings=25)
    run.go()
    assert len(raced(run)) > before and len(run.chosen) == 25


@pytest.mark.parametrize("seed", range(6))
def test_settings_of_one_configuration_share_the_seeds_that_a_race_buys(seed: int) -> None:
    def hardly_differs(point: Point) -> Mapping[str, float]:
        noise = Random(f"{seed} {point.config['n']} {point.config['bias']} {point.seed}").gauss(0, 1)
        return {"loss": 0.05 * point.config["n"] + noise}

    space = {"n": {"range": [1, 12]}, "bias": [1, 2, 4, 8]}
    run = Run(tune(space=space, settings=40, repeats=2, seed=seed, racing={"max_repeats": 10}), hardly_differs)
    run.go()
    (*_, last) = raced(run)
    if last.record["standing"] is not None:
        assert run.state["best"]["setting"] == last.record["standing"]["leader"]
    by_hash: dict[str, set[object]] = {}
    for number, setting in enumerate(run.past.settings):
        assert setting.outcome is not None and setting.outcome.setting == number
        by_hash.setdefault(setting.hash, set()).add((setting.outcome.completed, tuple(setting.outcome.values or ())))
    assert len(by_hash) < 40 and all(len(known) == 1 for known in by_hash.values())
    shown = run.past.study.get_trials(deepcopy=False)
    assert all(trial.values == list(each.outcome.values) for trial, each in zip(shown, run.past.settings, strict=True))  # type: ignore[union-attr, arg-type]
    run.override(settings=60)
    run.go()
    assert len(run.past.settings) == 60
    best = run.past.settings[run.state["best"]["setting"]].outcome
    assert best is not None and best.values is not None and run.past.is_on_front(best)
    assert [run.state["best"]["value"]] == list(best.values)


@pytest.mark.parametrize(
    ("scores", "racing", "words"),
    [
        ((("loss", "minimize"),), {"max_repeats": 1}, "tune.racing.max_repeats: 1 is not a whole number from 2"),
        ((("loss", "minimize"),), {"within": 0.1}, "max_repeats: N"),
        ((("loss", "minimize"), ("size", "maximize")), RACING, "tune.racing: a race has one score, and there are 2"),
    ],
)
def test_a_race_that_cannot_be(scores: tuple[tuple[str, str], ...], racing: object, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        tune(scores, repeats=2, racing=racing)
