"""GrowSampler under plain Optuna, without the engine."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.samplers import BaseSampler
from optuna.testing.pytest_samplers import BasicSamplerTestCase
from optuna.trial import TrialState

from samplers.ends import POINT, SCORE
from samplers.grow import GrowSampler
from storage.errors import UsageError
from storage.optuna_storage import StudyStorage
from tests.support.growth_trace import BASELINE, CHOICES, INCREMENTS, landscape


@pytest.fixture(autouse=True)
def quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)


class TestGrowSampler(BasicSamplerTestCase):
    """Optuna's own cases: the names there are not the search's, so they are sampled independently."""

    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        config = {"n_layer": 1, "budget": 1}
        return lambda: GrowSampler(config, {"n_layer": 1}, cost=SCORE, direction="minimize", on_stall={"budget": 1})


def objective(trial: optuna.Trial) -> float:
    config = GrowSampler.config(trial)
    metrics = landscape(config)
    trial.set_user_attr("params", metrics["params"])
    return metrics["score"]


def path(sampler: GrowSampler, study: optuna.Study) -> list[Any]:
    return [decision.record["chosen"]["param"] for decision in sampler.history(study)[0]]


@pytest.mark.parametrize("n_jobs", [1, 4])
def test_a_plain_study_takes_the_path_of_the_reference_and_stops_by_itself(n_jobs: int) -> None:
    sampler = GrowSampler(BASELINE, INCREMENTS, steps=12)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(objective, n_jobs=n_jobs)
    assert path(sampler, study) == CHOICES
    if n_jobs == 1:
        assert max(Counter(t.system_attrs[POINT]["hash"] for t in study.trials).values()) == 1


def test_an_objective_may_ask_name_by_name(tmp_path: Path) -> None:
    def by_name(trial: optuna.Trial) -> float:
        config = {name: trial.suggest_int(name, 1, 4096, log=True) for name in INCREMENTS}
        metrics = landscape({**BASELINE, **config, "seed": trial.suggest_int("seed", 0, 2**31 - 1)})
        trial.set_user_attr("params", metrics["params"])
        return metrics["score"]

    sampler = GrowSampler(BASELINE, INCREMENTS, steps=3)
    study = optuna.create_study(direction="maximize", sampler=sampler, storage=f"sqlite:///{tmp_path}/s.db")
    study.optimize(by_name, n_trials=10)
    again = GrowSampler(BASELINE, INCREMENTS, steps=3)
    study = optuna.load_study(study_name=study.study_name, storage=f"sqlite:///{tmp_path}/s.db", sampler=again)
    study.optimize(by_name)
    assert path(again, study) == CHOICES[:3]
    assert study.trials[3].params["seed"] == 1337 and set(study.trials[3].params) == {*INCREMENTS, "seed"}


def test_it_works_on_our_storage_too(url: str) -> None:
    sampler = GrowSampler(BASELINE, INCREMENTS, steps=2)
    study = optuna.create_study(direction="maximize", sampler=sampler, storage=StudyStorage(url))
    study.optimize(objective)
    assert path(sampler, study) == CHOICES[:2]


def test_a_study_whose_search_has_ended_evaluates_nothing_more() -> None:
    called = []

    def counted(trial: optuna.Trial) -> float:
        config = GrowSampler.config(trial)
        called.append(trial.number)
        trial.set_user_attr("params", landscape(config)["params"])
        return landscape(config)["score"]

    study = optuna.create_study(direction="maximize", sampler=GrowSampler(BASELINE, INCREMENTS, steps=1))
    study.optimize(counted)
    seen = len(called)
    study.optimize(counted)
    assert len(called) == seen and study.trials[-1].state == TrialState.PRUNED


def test_a_failed_candidate_is_out_of_its_round_and_a_trial_without_the_cost_ends_the_search() -> None:
    def fails_deep(trial: optuna.Trial) -> float:
        if GrowSampler.config(trial)["mlp_size"] == 64:
            raise RuntimeError("no")
        return objective(trial)

    sampler = GrowSampler(BASELINE, INCREMENTS, steps=1)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(fails_deep, catch=(RuntimeError,))
    table = {row["param"]: row for row in sampler.history(study)[0][0].record["candidates"]}
    assert not table["mlp_size"]["eligible"] and "failed" in table["mlp_size"]["reason"]

    study = optuna.create_study(direction="maximize", sampler=GrowSampler(BASELINE, INCREMENTS))
    study.optimize(lambda trial: landscape(GrowSampler.config(trial))["score"])
    assert len(study.trials) == 1


def test_two_optimizers_at_a_barrier_do_not_wait_for_each_other_forever(tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path}/s.db"
    optuna.create_study(direction="maximize", study_name="s", storage=storage)

    def one() -> None:
        sampler = GrowSampler(BASELINE, INCREMENTS, steps=2)
        optuna.load_study(study_name="s", storage=storage, sampler=sampler).optimize(objective)

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    sampler = GrowSampler(BASELINE, INCREMENTS, steps=2)
    assert path(sampler, optuna.load_study(study_name="s", storage=storage, sampler=sampler)) == CHOICES[:2]


def test_wrong_settings_and_a_wrong_direction_are_said() -> None:
    with pytest.raises(UsageError, match=r"'n_heads' .*n_head"):
        GrowSampler({"n_head": 1}, {"n_heads": 1})
    study = optuna.create_study(direction="minimize", sampler=GrowSampler(BASELINE, INCREMENTS))
    with pytest.raises(ValueError, match="direction"):
        study.optimize(objective, n_trials=1)


def test_a_value_that_the_objective_does_not_allow_is_an_error_not_another_value() -> None:
    study = optuna.create_study(direction="maximize", sampler=GrowSampler({"n_head": 5}, {"n_head": 1}))
    with pytest.raises(ValueError, match="the search wants n_head=5"):
        study.optimize(lambda trial: trial.suggest_int("n_head", 1, 4), n_trials=1)


def noisy(trial: optuna.Trial) -> float:
    config = GrowSampler.config(trial)
    draw = random.Random(repr(sorted(config.items())))
    trial.set_user_attr("params", 1.0 * config["a"] + config["b"])
    return float(config["a"] + config["b"] + draw.gauss(0, 0.5))


def test_a_race_buys_seeds_up_to_the_margin_that_the_sampler_is_given() -> None:
    def trainings(within: float) -> int:
        sampler = GrowSampler({"a": 1, "b": 1}, {"a": 1, "b": 1}, steps=1, repeats=2, max_repeats=6, within=within)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        study.optimize(noisy)
        assert sampler.history(study)[0][0].record["rule"] == "loss race"
        return len(study.trials)

    assert trainings(0.9) < trainings(0.001)


def test_a_study_that_version_03_began_goes_on_under_its_rule() -> None:
    sampler = GrowSampler({"a": 1, "b": 1}, {"a": 1, "b": 1}, steps=2, repeats=2, max_repeats=6)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(noisy, n_trials=1)
    [first] = study.trials
    point = {name: value for name, value in first.system_attrs[POINT].items() if name != "since"}
    old = optuna.create_study(direction="maximize", sampler=sampler)
    old.add_trial(
        optuna.trial.create_trial(
            value=first.value, params={}, user_attrs=first.user_attrs, system_attrs={POINT: point}
        )
    )
    old.optimize(noisy)
    made = sampler.history(old)[0]
    assert len(made) == 2 and not any("rule" in decision.record for decision in made)
