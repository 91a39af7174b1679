"""TuneSampler in plain Optuna programs: studies that are interrupted, and Optuna's own cases for two samplers.

tests/journeys/test_tune_sampler.py has those of all others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import optuna
import pytest
from optuna.samplers import BaseSampler
from optuna.testing.pytest_samplers import (
    BasicSamplerTestCase,
    MultiObjectiveSamplerTestCase,
    SingleOnlySamplerTestCase,
)
from optuna.trial import TrialState

from samplers.tune import WITHOUT, TuneSampler
from storage.errors import UsageError


@pytest.fixture(autouse=True)
def quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)


def of(name: str, **arguments: Any) -> Callable[[], BaseSampler]:
    return lambda: TuneSampler({"name": name, **arguments}, seed=3)


class TestRandom(BasicSamplerTestCase, MultiObjectiveSamplerTestCase):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return of("random")


class TestCmaEs(BasicSamplerTestCase, SingleOnlySamplerTestCase):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return of("cmaes", n_startup_trials=0)


def objective(trial: optuna.Trial) -> float:
    x = trial.suggest_float("x", -5, 5)
    if trial.suggest_categorical("bent", [True, False]):
        return (x - 1) ** 2 + trial.suggest_int("n", 0, 4)
    return x**2


def params(study: optuna.Study) -> list[dict[str, Any]]:
    return [trial.params for trial in study.trials]


@pytest.mark.parametrize("name", ["tpe", "random", "cmaes", "nsgaii", "qmc"])
def test_a_study_goes_on_as_if_it_had_not_been_interrupted(name: str) -> None:
    """After each trial another process goes on; Optuna's own samplers begin again with their first numbers."""
    whole = optuna.create_study(sampler=TuneSampler(name, seed=1))
    whole.optimize(objective, n_trials=16)
    pieces = optuna.create_study(sampler=TuneSampler(name, seed=1))
    for _ in range(16):
        pieces.sampler = TuneSampler(name, seed=1)
        pieces.optimize(objective, n_trials=1)
    assert params(whole) == params(pieces)
    assert len({str(each) for each in params(whole)}) > 8


def test_the_order_in_which_open_trials_end_makes_no_difference() -> None:
    space = {"x": optuna.distributions.FloatDistribution(-5, 5), "n": optuna.distributions.IntDistribution(0, 4)}

    def chosen(backwards: bool) -> list[dict[str, Any]]:
        study = optuna.create_study(sampler=TuneSampler({"name": "tpe", "n_startup_trials": 4}, seed=1, ahead=4))
        running = [study.ask(space) for _ in range(4)]
        for _ in range(6):
            if backwards:  # all open ones end at once, the oldest last
                for trial in reversed(running):
                    study.tell(trial, trial.params["x"] ** 2)
                running = [study.ask(space) for _ in range(4)]
            else:  # one at a time
                for _ in range(4):
                    oldest = running.pop(0)
                    study.tell(oldest, oldest.params["x"] ** 2)
                    running.append(study.ask(space))
        return params(study)

    assert chosen(True) == chosen(False)


def test_a_choice_without_a_trial_that_still_runs_says_so() -> None:
    study = optuna.create_study(sampler=TuneSampler("random", ahead=2))
    slow = study.ask()
    study.tell(study.ask(), 1.0)
    study.tell(study.ask(), 1.0)
    study.tell(slow, 1.0)
    study.tell(study.ask(), 1.0)
    assert [trial.system_attrs.get(WITHOUT) for trial in study.trials] == [None, None, [0], None]
    assert all(trial.state == TrialState.COMPLETE for trial in study.trials)


def test_a_function_from_a_seed_to_a_sampler() -> None:
    by_function = optuna.create_study(sampler=TuneSampler(lambda seed: optuna.samplers.TPESampler(seed=seed), seed=1))
    by_name = optuna.create_study(sampler=TuneSampler("tpe", seed=1))
    for study in (by_function, by_name):
        study.optimize(objective, n_trials=12)
    assert params(by_function) == params(by_name)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"sampler": "tpee"}, "TuneSampler: sampler: no sampler 'tpee'; did you mean 'tpe'?"),
        ({"sampler": {"name": "tpe", "n": 1}}, "tpe takes no 'n'"),
        ({"sampler": lambda seed: seed}, "which is no sampler"),
        ({"seed": -1}, "TuneSampler: seed: -1 is not a whole number"),
        ({"ahead": 0}, "TuneSampler: ahead: 0 is not a whole number from 1"),
    ],
)
def test_a_wrong_argument_is_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        TuneSampler(**arguments)
