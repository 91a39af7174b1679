"""A sampler outside Optuna, made as OptunaHub's are: from BaseSampler, with what it learns in attributes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from samplers.searches.plan import Decision
from tests.support.tuning import Run, tune

CLIMBER = """
import random

from optuna.distributions import CategoricalDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.search_space import IntersectionSearchSpace
from optuna.trial import TrialState


class Climber(BaseSampler):
    def __init__(self, share=0.1, seed=None):
        self.share, self.random, self.first = share, random.Random(seed), RandomSampler(seed=seed)
        self.space = IntersectionSearchSpace()

    def infer_relative_search_space(self, study, trial):
        return self.space.calculate(study)

    def sample_relative(self, study, trial, search_space):
        ended = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if not ended:
            return {}
        best = min(ended, key=lambda each: each.value)
        chosen = {}
        for name, axis in search_space.items():
            if isinstance(axis, CategoricalDistribution):
                chosen[name] = self.random.choice(axis.choices)
            else:
                step = self.share * (axis.high - axis.low)
                value = min(max(best.params[name] + self.random.uniform(-step, step), axis.low), axis.high)
                chosen[name] = value if isinstance(best.params[name], float) else round(value)
        study._storage.set_trial_system_attr(trial._trial_id, "climber:from", best.number)
        return chosen

    def sample_independent(self, study, trial, name, distribution):
        return self.first.sample_independent(study, trial, name, distribution)

    def after_trial(self, study, trial, state, values):
        told = study._storage.get_study_system_attrs(study._study_id).get("climber:told", [])
        study._storage.set_study_system_attr(study._study_id, "climber:told", [*told, trial.number])
        study._storage.set_trial_system_attr(trial._trial_id, "climber:end", state.name)
"""


@pytest.fixture(params=["FILE.py:Class", "module.path:Class"])
def climber(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The class by its file and by its module."""
    (tmp_path / "climbers").mkdir()
    file = tmp_path / "climbers" / f"hill_{request.param[0].lower()}.py"
    file.write_text(CLIMBER)
    if request.param.startswith("FILE"):
        return f"{file}:Climber"
    monkeypatch.syspath_prepend(tmp_path)
    return f"climbers.{file.stem}:Climber"


def test_it_chooses_from_results_and_a_new_process_chooses_the_same(climber: str) -> None:
    search = tune(sampler={"name": climber, "share": 0.05}, settings=30)
    search.check_here()
    run = Run(search)
    done = run.go()
    assert done is not None and not done.failed
    near = [params for params in run.chosen[20:] if abs(params["x"] - 2) < 2]
    assert len(near) > 5, "it climbs"
    assert all("climber:from" in decision.record["attributes"]["setting"] for decision in run.decisions[5:30])
    for number in (5, 20, len(run.decisions) - 1):
        past = search.past()
        for earlier in run.decisions[:number]:
            past.add(earlier.kind, earlier.record)
        again = search.with_past(past).advance(run.decisions[number - 1].state, run.results)
        assert isinstance(again, Decision)
        found = [run.decisions[number].record, run.decisions[number].state]
        assert json.loads(json.dumps([again.record, again.state])) == found


def test_what_it_writes_when_it_is_told_is_kept_also_where_nothing_is_chosen(climber: str) -> None:
    run = Run(tune(sampler=climber, settings=10, ahead=4))
    run.go()
    told = [decision for decision in run.decisions if decision.kind == "told"]
    assert len(told) == 4 and all(decision.record["optuna"] for decision in told)
    assert told[-1].record["attributes"]["study"] == {"climber:told": list(range(10))}
    run.override(settings=14)
    run.go()
    attributes: Any = run.past.seen.get_study_system_attrs(0)
    assert attributes["climber:told"] == list(range(14)), "each setting once, in their order"
    assert all(run.past.seen.get_trial(number).system_attrs["climber:end"] == "COMPLETE" for number in range(14))


def test_optuna_s_own_samplers_have_nothing_to_keep_there() -> None:
    run = Run(tune(sampler="nsgaii", settings=10))
    run.go()
    assert all("optuna" not in decision.record for decision in run.decisions if decision.kind == "told")
