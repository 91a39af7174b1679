"""Any Optuna sampler with choices that can be made again: samplers/searches/tune/ under `study.optimize`.

    study = optuna.create_study(sampler=TuneSampler("tpe", seed=1), storage=…)
    study.optimize(objective, n_trials=100)

A sampler of Optuna draws its numbers one after another: killed and started again with its seed, it draws the first ones
again, and in several processes each draws the same. Here trial k is chosen by a fresh sampler that is seeded by the
study's seed and k, and is shown trials 0 … k - `ahead` as they ended and those between as running. So a study that is
interrupted at any trial goes on as it would have, and with at most `ahead` trials at once, one thread's order of ends
makes no difference. A trial that still runs when it should have ended is shown as running; the trial that was chosen
without it says so (`WITHOUT`).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from samplers.searches.plan import MAX_SEED
from samplers.searches.tune.choice import seed_of
from samplers.searches.tune.constraints import PREFIX
from samplers.searches.tune.samplers import parse_sampler
from storage.checks import check_whole
from storage.errors import UsageError

WITHOUT = "studyhall:without"
"""The attribute of a trial that was chosen while earlier ones still ran: their numbers."""
MAX_AHEAD = 10_000

Seeded = Callable[[int], BaseSampler]
"""From a seed to a fresh sampler."""


class TuneSampler(BaseSampler):
    """A fresh sampler for each trial."""

    def __init__(self, sampler: str | Mapping[str, Any] | Seeded = "tpe", *, seed: int = 1337, ahead: int = 1) -> None:
        """
        Args:
            sampler: As in a definition (samplers/searches/tune/samplers.py): `tpe`, `{"name": "nsgaii", …}`,
                `FILE.py:Class`; or a function from a seed to a sampler: `lambda seed: MySampler(seed=seed)`.
            seed: Of all choices.
            ahead: How many trials may run when the next is chosen; 1: every earlier one has ended.

        Raises:
            UsageError: There is no such sampler, or it does not take its arguments.
        """
        self._seed = check_whole(seed, "TuneSampler: seed", 0, MAX_SEED)
        self._ahead = check_whole(ahead, "TuneSampler: ahead", 1, MAX_AHEAD)
        self._choice = None if callable(sampler) else parse_sampler(sampler, 1, "TuneSampler: sampler")
        self._seeded = sampler if callable(sampler) else None
        self._open: dict[tuple[int, int, int], tuple[BaseSampler, SeenTrials]] = {}
        """Of the trials that run in this process."""
        self._made(0)

    def __str__(self) -> str:
        return f"TuneSampler({self._made(0)})"

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        sampler, seen = self._of(study, trial)
        late = [each.number for each in seen.trials_before() if each.state == TrialState.RUNNING]
        late = [number for number in late if number <= trial.number - self._ahead]
        if late:
            study._storage.set_trial_system_attr(trial._trial_id, WITHOUT, late)
        sampler.before_trial(seen, trial)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        sampler, seen = self._of(study, trial)
        return sampler.infer_relative_search_space(seen, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        sampler, seen = self._of(study, trial)
        return sampler.sample_relative(seen, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        sampler, seen = self._of(study, trial)
        return sampler.sample_independent(seen, trial, param_name, param_distribution)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        sampler, seen = self._of(study, trial)
        sampler.after_trial(seen, trial, state, values)
        self._open.pop(_key(study, trial), None)

    def reseed_rng(self) -> None:
        """Nothing: a seed belongs to a trial, not to a process or a thread."""

    def _of(self, study: Study, trial: FrozenTrial) -> tuple[BaseSampler, SeenTrials]:
        """The sampler of a trial, and what it is shown; both made anew for a trial that began in another process."""
        key = _key(study, trial)
        if key not in self._open:
            self._open[key] = self._made(trial.number), SeenTrials(study, trial.number, self._ahead)
        return self._open[key]

    def _made(self, number: int) -> BaseSampler:
        seed = seed_of(self._seed, number)
        if self._seeded is None:
            assert self._choice is not None
            return self._choice.make(seed, self._seed)
        made = self._seeded(seed)
        if not isinstance(made, BaseSampler):
            raise UsageError(f"TuneSampler: sampler: {self._seeded!r} returns {made!r}, which is no sampler")
        return made


def _key(study: Study, trial: FrozenTrial) -> tuple[int, int, int]:
    return id(study._storage), study._study_id, trial.number


class SeenTrials(Study):
    """A study as trial `number` may see it: without the trials after it, and with the last ones as running."""

    def __init__(self, study: Study, number: int, ahead: int) -> None:
        super().__init__(study.study_name, study._storage, study.sampler, study.pruner)
        self._study, self._number, self._ahead = study, number, ahead

    def stop(self) -> None:
        self._study.stop()

    def trials_before(self) -> list[FrozenTrial]:
        """The earlier trials, as they are."""
        return [trial for trial in self._study._get_trials(deepcopy=False) if trial.number < self._number]

    def get_trials(self, deepcopy: bool = True, states: Container[TrialState] | None = None) -> list[FrozenTrial]:
        return self._get_trials(deepcopy, states)

    def _get_trials(
        self, deepcopy: bool = True, states: Container[TrialState] | None = None, use_cache: bool = False
    ) -> list[FrozenTrial]:
        every = self._study._get_trials(deepcopy=deepcopy, use_cache=use_cache)
        seen = [self._as_seen(trial) for trial in every if trial.number <= self._number]
        return [trial for trial in seen if states is None or trial.state in states]

    def _as_seen(self, trial: FrozenTrial) -> FrozenTrial:
        is_open = self._number - self._ahead < trial.number < self._number
        if not is_open or not trial.state.is_finished():
            return trial
        seen = copy.copy(trial)
        seen.state, seen.values, seen.datetime_complete, seen.intermediate_values = TrialState.RUNNING, None, None, {}
        seen.system_attrs = {
            name: value for name, value in trial.system_attrs.items() if name + ":" != PREFIX and PREFIX not in name
        }
        return seen
