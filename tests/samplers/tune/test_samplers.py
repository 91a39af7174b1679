"""Every sampler of Optuna: the same choices whether the process is new or not, for one score and for several."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import optuna
import pytest

from samplers.searches.plan import Decision
from samplers.searches.tune.choice import seed_of
from tests.support.tuning import MINIMIZE, Run, tune

SEVERAL = (("loss", "minimize"), ("size", "maximize"))
SMALL = {"population_size": 6}
SAMPLERS: list[tuple[Any, int]] = [
    ("tpe", 20),
    ({"name": "tpe", "multivariate": False, "constant_liar": False, "n_startup_trials": 4}, 20),
    ({"name": "tpe", "multivariate": True, "group": True}, 18),
    ({"name": "gp", "n_startup_trials": 3}, 6),
    ("cmaes", 40),
    ({"name": "cmaes", "with_margin": True}, 30),
    ({"name": "nsgaii", **SMALL}, 40),
    ({"name": "nsgaiii", **SMALL}, 40),
    ("qmc", 20),
    ({"name": "qmc", "qmc_type": "halton", "scramble": True}, 20),
    ("random", 20),
]
NUMBERS = {"x": {"float": [-5, 10]}, "rate": {"log": [1e-4, 1e-1]}, "n": {"range": [1, 4]}}


@pytest.mark.parametrize(("sampler", "settings"), SAMPLERS)
@pytest.mark.parametrize("scores", [MINIMIZE, SEVERAL])
def test_a_process_that_begins_anew_chooses_the_same(sampler: Any, settings: int, scores: Any) -> None:
    if "cmaes" in str(sampler) and len(scores) > 1:
        pytest.skip("CMA-ES takes one score")
    search = tune(scores, sampler=sampler, where=["x + n <= 12"], settings=settings, space=NUMBERS)
    run = Run(search)
    done = run.go()
    assert done is not None and not done.failed
    for number in sorted({5, settings // 2, settings - 1}):
        past = search.past()
        for earlier in run.decisions[:number]:
            past.add(earlier.kind, earlier.record)
        again = search.with_past(past).advance(run.decisions[number - 1].state, run.results)
        assert isinstance(again, Decision)
        assert json.loads(json.dumps([again.record, again.state])) == [
            run.decisions[number].record,
            run.decisions[number].state,
        ]


@pytest.mark.parametrize("name", ["tpe", "gp", "nsgaii", "random"])
@pytest.mark.parametrize("scores", [MINIMIZE, SEVERAL])
def test_a_setting_is_the_one_that_optuna_would_choose(name: str, scores: Any) -> None:
    """A study of Optuna's own, given the settings that were told and those that run, asks for the same."""
    sampler: Mapping[str, Any] = {"n_startup_trials": 5} if name in ("tpe", "gp") else {}
    run = Run(tune(scores, sampler={"name": name, **sampler}, settings=12, space=NUMBERS))
    run.go(12)
    made = {
        "tpe": optuna.samplers.TPESampler,
        "gp": optuna.samplers.GPSampler,
        "nsgaii": optuna.samplers.NSGAIISampler,
        "random": optuna.samplers.RandomSampler,
    }[name](seed=seed_of(1, 11), **sampler)
    study = optuna.create_study(sampler=made, directions=[direction for _, direction in scores])
    told = {each.record["outcome"]["setting"]: each.record["outcome"] for each in run.decisions[4:]}
    for number, params in enumerate(run.chosen[:11]):
        state = optuna.trial.TrialState.COMPLETE if number in told else optuna.trial.TrialState.RUNNING
        values = told[number]["values"] if number in told else None
        attributes = run.decisions[number].record["attributes"]["setting"]
        trial = optuna.trial.create_trial(
            state=state,
            params=dict(params),
            values=values,
            distributions=run.past.distributions,
            system_attrs=attributes,
        )
        study.add_trial(trial)
    asked = study.ask(dict(run.past.distributions)).params
    assert {key: float(f"{value:.12g}") for key, value in asked.items()} == run.chosen[11]


def test_what_a_sampler_keeps_for_itself_is_in_the_record() -> None:
    runs = {}
    for name in ("nsgaii", "cmaes", "qmc"):
        sampler = {"name": name, **(SMALL if name == "nsgaii" else {})}
        runs[name] = Run(tune(sampler=sampler, space=NUMBERS, settings=40))
        runs[name].go()
    written = {
        name: [decision.record["attributes"] for decision in run.decisions if decision.kind == "chosen"]
        for name, run in runs.items()
    }
    assert {each["setting"]["NSGAIISampler:generation"] for each in written["nsgaii"]} >= {0, 1, 2}
    assert any("NSGAIISampler:parent:1" in each["study"] for each in written["nsgaii"])
    assert any("cma:optimizer" in each["setting"] for each in written["cmaes"])
    assert all(len(each["study"]) == 1 for each in written["qmc"][1:])
