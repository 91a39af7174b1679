"""What a sampler is told about a setting, and what that leads to."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from typing import Any

import pytest
from optuna.trial import TrialState

from samplers.searches.plan import Point, Result
from samplers.searches.tune.cmaes_state import as_numbers, as_optuna_keeps_it
from samplers.searches.tune.constraints import Constraint
from samplers.searches.tune.outcome import Outcome
from tests.support.tuning import SPACE, Run, loss, tune

ONE = (("loss", "minimize"),)


def complete(value: float, trial: int = 0, **metrics: float) -> Result:
    return Result(trial, "COMPLETE", {"loss": value, **metrics})


OOM = Result(7, "FAIL", {}, "out of memory", "out_of_memory")
PRUNED = Result(8, "PRUNED", {}, "pruned at step 3", "pruned", last_report=(3, 2.0))


@pytest.mark.parametrize(
    ("results", "state", "values", "cause"),
    [
        ([complete(1.0), complete(2.0)], "COMPLETE", [1.5], None),
        ([complete(1.0), OOM], "COMPLETE", [1.0], "out_of_memory"),
        ([OOM, OOM], "FAIL", None, "out_of_memory"),
        ([complete(float("nan"))], "FAIL", None, "no finite value"),
        ([Result(0, "COMPLETE", {"other": 1.0})], "FAIL", None, "no finite value"),
        ([complete(1.0), PRUNED], "PRUNED", None, "pruned"),
        ([Result(0, "FAIL", {}, "invalid: too wide", None, refused=True)], "FAIL", None, "refused"),
        ([Result(0, "FAIL", {}, "withdrawn")], "FAIL", None, "failed"),
        ([complete(1.7e308), complete(1.7e308)], "COMPLETE", [1.7e308], None),
    ],
)
def test_one_outcome_of_all_seeds(results: list[Result], state: str, values: Any, cause: str | None) -> None:
    outcome = Outcome.of(3, results, ONE)
    assert (outcome.state, outcome.values, outcome.cause) == (state, values, cause)
    assert Outcome.from_json(outcome.to_json()) == outcome


def test_a_pruned_setting_shows_what_was_reported_last() -> None:
    other = Result(9, "PRUNED", {}, "pruned", last_report=(5, 4.0))
    assert Outcome.of(0, [PRUNED, other], ONE).last_report == (3, 3.0)
    assert Outcome.of(0, [Result(8, "PRUNED", {}, "by itself")], ONE).last_report is None


def test_failed_and_pruned_settings_are_shown_as_optuna_would() -> None:
    def by_setting(point: Point) -> Mapping[str, float] | Result:
        return {0: OOM, 1: PRUNED}.get(point.role["number"]) or loss(point)

    run = Run(tune(settings=8), by_setting)
    done = run.go()
    assert done is not None and not done.failed
    trials = run.past.study.get_trials(deepcopy=False)
    assert [trial.state for trial in trials[:3]] == [TrialState.FAIL, TrialState.PRUNED, TrialState.COMPLETE]
    assert trials[1].intermediate_values == {3: 2.0}


def test_a_search_of_which_nothing_completes_has_failed() -> None:
    done = Run(tune(settings=5), lambda point: OOM).go()
    assert done is not None and done.failed and done.reason == "5 settings × 1 seed are done; none completed"


def test_constraints_are_told_and_the_best_meets_them() -> None:
    run = Run(tune(constraints=["vram <= 2000"], settings=30, space={"x": {"float": [-5, 10]}, "n": {"range": [1, 4]}}))
    done = run.go()
    assert done is not None and not done.failed
    trials = run.past.study.get_trials(deepcopy=False)
    assert {trial.constraints["vram <= 2000"] for trial in trials} == {-1000.0, 0.0, 1000.0, 2000.0}
    assert run.chosen[run.state["best"]["setting"]]["n"] <= 2
    fewer = [params["n"] for params in run.chosen[15:]]
    assert sum(n <= 2 for n in fewer) > len(fewer) / 2  # the sampler has learnt it


def test_a_search_of_which_nothing_meets_the_constraints_has_failed() -> None:
    done = Run(tune(settings=5, constraints=["vram < 10"])).go()
    assert done is not None and done.failed and done.reason.endswith("none meets the constraints")


def test_a_constraint_whose_metric_is_missing_fails_the_seed() -> None:
    constraint = Constraint.parse("memory <= 2", "here")
    assert Outcome.of(0, [complete(1.0)], ONE, [constraint]).state == "FAIL"
    assert Outcome.of(0, [complete(1.0, memory=3.0)], ONE, [constraint]).constraints == {"memory <= 2": 1.0}


def test_enqueued_settings_come_first_and_what_they_leave_out_is_chosen() -> None:
    given = [{"x": 2.0, "rate": 0.01, "n": 1, "bias": True}, {"x": 3.5}]
    run = Run(tune(enqueue=given, settings=10))
    run.go()
    assert run.chosen[0] == given[0] and run.chosen[1]["x"] == 3.5 and set(run.chosen[1]) == set(given[0])
    assert [decision.record["by"] for decision in run.decisions[:3]] == ["enqueued", "enqueued", "tpe"]


def test_settings_that_are_enqueued_later_come_next() -> None:
    run = Run(tune(enqueue=[{"x": 2.0}], settings=20))
    run.go(6)
    run.override(enqueue=[{"x": 2.0}, {"x": 3.5}])
    run.go(1)
    assert run.decisions[-1].record["by"] == "enqueued" and run.chosen[-1]["x"] == 3.5


def test_patience_ends_the_search_as_a_decision() -> None:
    run = Run(tune(patience=5, settings=500, sampler="random"))
    done = run.go()
    assert done is not None and done.reason.startswith("5 settings without a better one; ")
    kinds = [decision.kind for decision in run.decisions]
    stop = kinds.index("stopped")
    assert set(kinds[:stop]) == {"chosen"} and kinds[stop + 1 :] == ["told"] * 3
    best = run.decisions[stop].state["best"]["setting"]
    assert run.decisions[stop].record["outcome"]["setting"] == best + 5


def test_patience_with_several_scores_waits_for_the_front() -> None:
    run = Run(tune((("loss", "minimize"), ("size", "maximize")), patience=6, settings=500, sampler="random"))
    done = run.go()
    assert done is not None and done.reason.endswith(f"{len(run.past.front)} of them form the front")


def test_a_space_that_is_exhausted_ends_the_search() -> None:
    space = {"n": {"range": [1, 4]}, "bias": [True, False]}

    def of_n(point: Point) -> Mapping[str, float]:
        return {"loss": float(point.config["n"])}

    run = Run(tune(space=space, where=["n < 4"], settings=500), of_n)
    done = run.go()
    assert done is not None and done.reason.startswith("all 6 settings of the space are chosen; ")
    assert len(run.results) == 6


def test_a_setting_like_an_earlier_one_is_told_its_results_without_running() -> None:
    run = Run(
        tune(space={"bias": [True, False]}, settings=6, enqueue=[{"bias": True}] * 6), lambda point: complete(1.0)
    )
    done = run.go()
    assert done is not None and [decision.record["same_as"] for decision in run.decisions[:6]] == [None, *[0] * 5]
    assert len(run.results) == 1
    told = [decision.record["outcome"]["trials"] for decision in run.decisions if decision.record["outcome"]]
    assert told == [[0]] * 6


def test_cma_es_state_is_kept_as_numbers_and_comes_back_as_it_was() -> None:
    cmaes = pytest.importorskip("cmaes")
    import numpy as np

    made = cmaes.CMA(mean=np.zeros(2), sigma=1.3, bounds=np.array([[-1.0, 1.0]] * 2), seed=3)
    made.tell([(made.ask(), float(value)) for value in range(made.population_size)])
    text = pickle.dumps(made).hex()
    kept = {f"cma:optimizer:{index}": text[at : at + 2045] for index, at in enumerate(range(0, len(text), 2045))}
    numbers = as_numbers({**kept, "cma:generation": 1})
    assert set(numbers) == {"cma:optimizer", "cma:generation"}
    again = as_optuna_keeps_it(numbers)
    back = pickle.loads(bytes.fromhex("".join(again[f"cma:optimizer:{index}"] for index in range(len(again) - 1))))
    made._rng.seed(7), back._rng.seed(7)
    assert back.ask().tolist() == made.ask().tolist() and back.generation == 1
    assert as_numbers(again) == numbers


@pytest.mark.parametrize(
    "attributes",
    [
        {"cma:optimizer:0": pickle.dumps(print).hex()},
        {"cma:optimizer": {"class": "Popen", "state": {}}},
        {"cma:optimizer": {"array": [1], "shape": [1], "of": "|O"}},
        {"sepcma:optimizer": [1, 2]},
    ],
)
def test_a_record_that_holds_something_else_as_cma_es_state_is_refused(attributes: Mapping[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"CMA-ES's state"):
        as_optuna_keeps_it(attributes)


def test_the_terminator_ends_a_search_in_which_little_is_left_to_gain() -> None:
    def seeds_differ_most(point: Point) -> Mapping[str, float]:
        return {"loss": (point.config["x"] - 2) ** 2 + 10.0 * point.seed}

    search = tune(sampler="random", space={"x": SPACE["x"]}, settings=200, repeats=2, terminator={"every": 10})
    run = Run(search, seeds_differ_most)
    done = run.go()
    assert done is not None and "is left to gain, less than the best one's error" in done.reason
    (stopped,) = [decision for decision in run.decisions if decision.kind == "stopped"]
    # Judged when the next setting is told: ten more have been told before it.
    assert stopped.state["told"] % 10 == 1 and stopped.state["told"] > 20


def test_the_terminator_lets_a_search_go_on_that_has_much_to_gain() -> None:
    run = Run(tune(sampler="random", settings=25, repeats=2, terminator={"every": 20}))
    run.go()
    assert all(decision.kind != "stopped" for decision in run.decisions)


def test_a_setting_of_which_a_seed_failed_is_not_the_best() -> None:
    def diverges_where_it_is_best(point: Point) -> Mapping[str, float] | Result:
        if point.config["x"] < 2 and point.seed > 1:
            return Result(0, "FAIL", {}, "loss is not finite", "diverged")
        return {"loss": point.config["x"]}

    run = Run(tune(space={"x": SPACE["x"]}, settings=16, repeats=3), diverges_where_it_is_best)
    done = run.go()
    whole = [params["x"] for params in run.chosen if params["x"] >= 2]
    assert min(params["x"] for params in run.chosen) < 2 and run.state["best"]["value"] == pytest.approx(min(whole))
    assert done is not None and not done.failed


def test_a_search_of_which_no_setting_has_all_seeds_says_so() -> None:
    def second_seed_fails(point: Point) -> Mapping[str, float] | Result:
        return Result(0, "FAIL", {}, "killed", "killed") if point.seed == 2 else {"loss": point.config["x"]}

    done = Run(tune(settings=5, repeats=2), second_seed_fails).go()
    assert done is not None and done.failed
    assert done.reason == "5 settings × 2 seeds are done; of each, a seed did not complete"
