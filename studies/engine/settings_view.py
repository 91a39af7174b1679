"""A grid as a pruner sees it: a trial a setting, whose reports are the means over the setting's seeds.

A setting that is judged has the steps that its running seed has reported; at each, the mean over that seed and those
seeds of the setting that have ended or run and reported the same step. A setting counts as complete with the seeds it
has, once one of them is: `n_startup_trials` counts settings. So a setting is compared with the others seed by seed, and
one unlucky seed weighs less the more seeds there are.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.pruners import BasePruner
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from samplers.searches.noise import mean
from samplers.searches.tune.samplers import quiet
from storage.records import StudyRow
from storage.worker_records import SeedRow


@dataclass(frozen=True)
class SettingVerdict:
    """What a pruner said of a setting."""

    pruned: bool
    rungs: Mapping[str, Any]
    """What successive halving wants to remember of the seed that was judged, by the attribute's name."""


class SettingStorage(InMemoryStorage):
    """A study with these trials, each under the number of its setting's first trial."""

    def __init__(self, study: StudyRow, settings: Sequence[FrozenTrial]) -> None:
        super().__init__()
        self._settings = {trial._trial_id: trial for trial in settings}
        directions = [optuna.study.StudyDirection[study.direction.upper()]]
        with quiet():  # it would say that a study was created
            self.create_new_study(directions, study.name)

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        return [trial for trial in self._settings.values() if states is None or trial.state in states]

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        trial = self._settings[trial_id]
        trial.system_attrs = {**trial.system_attrs, key: value}


def judged(pruner: BasePruner, study: StudyRow, seeds: Sequence[SeedRow], mine: SeedRow) -> SettingVerdict:
    """Whether the pruner gives up the setting of a running seed, by its seeds so far and the other settings'."""
    rows: dict[str, list[SeedRow]] = {}
    for row in seeds:
        rows.setdefault(row.setting, []).append(row)
    own = _judged_setting(mine, rows.pop(mine.setting))
    storage = SettingStorage(study, [*map(_other_setting, rows.values()), own])
    shown = optuna.load_study(study_name=study.name, storage=storage, pruner=pruner)
    pruned = pruner.prune(shown, own)
    return SettingVerdict(pruned, {name: value for name, value in own.system_attrs.items() if name not in mine.rungs})


def _judged_setting(mine: SeedRow, rows: Sequence[SeedRow]) -> FrozenTrial:
    counted = [row for row in rows if row.state in ("COMPLETE", "RUNNING")]
    return _trial(mine, TrialState.RUNNING, _means(counted, mine.steps), mine.rungs)


def _other_setting(rows: Sequence[SeedRow]) -> FrozenTrial:
    """Complete by its complete seeds, else as far as it runs. Its last seed's rungs are the means over most seeds."""
    states = {row.state for row in rows}
    state = next((each for each in ("PRUNED", "COMPLETE", "RUNNING") if each in states), "FAIL")
    counted = [row for row in rows if row.state == state]
    means = _means(counted, sorted({step for row in counted for step in row.steps}))
    rungs = {name: value for row in rows for name, value in row.rungs.items()}
    return _trial(rows[0], TrialState[state], means, rungs)


def _means(rows: Sequence[SeedRow], steps: Iterable[int]) -> dict[int, float]:
    """At each step over those that reported it; NaN and infinities stay what they are."""
    values = {step: [row.steps[step] for row in rows if step in row.steps] for step in steps}
    return {step: mean(each) if all(map(math.isfinite, each)) else sum(each) for step, each in values.items()}


def _trial(row: SeedRow, state: TrialState, means: Mapping[int, float], rungs: Mapping[str, Any]) -> FrozenTrial:
    trial = create_trial(
        state=state,
        value=0.0 if state is TrialState.COMPLETE else None,  # no pruner reads it
        intermediate_values=dict(means),
        system_attrs=dict(rungs),
    )
    trial.number, trial._trial_id = row.first, row.first
    return trial
