"""The study that a sampler is shown: one trial a setting, in memory, its number the setting's number.

Optuna's own storage in memory cannot take a trial back. This one can, so that a setting that is drawn again (`where`)
keeps its number, and a choice that is not recorded leaves nothing behind. It also notes which attributes the sampler
writes: they belong to the record of the choice.
"""

from __future__ import annotations

import copy
from collections.abc import Container, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

STUDY_ID = 0
STUDY_NAME = "tune"
FIRST_START = datetime(2000, 1, 1)
"""Of trial 0; each further one starts a second later. No sampler is shown the clock."""


class SeenStudy(BaseStorage):
    """What a sampler reads and writes while it chooses one setting."""

    def __init__(self, directions: Sequence[str]) -> None:
        self._directions = [StudyDirection[each.upper()] for each in directions]
        self._trials: list[FrozenTrial] = []
        self._attributes: dict[str, Any] = {}
        self.written: dict[int | None, dict[str, Any]] = {}
        """Attributes written since `begin`, by the trial's number; None: the study's."""
        self._before: tuple[int, dict[int, FrozenTrial], dict[str, Any]] = (0, {}, {})

    def begin(self) -> None:
        """Begin a choice: everything from here on can be taken back."""
        self.written = {}
        self._before = (len(self._trials), {}, self._attributes)

    def take_back(self) -> None:
        """Leave everything as it was at `begin`."""
        length, trials, self._attributes = self._before
        del self._trials[length:]
        for number, trial in trials.items():
            self._trials[number] = trial
        self.begin()

    def take_back_last(self) -> None:
        """Drop the last trial with the attributes that the sampler wrote to it; those of the study stay."""
        number = len(self._trials) - 1
        del self._trials[number]
        self.written.pop(number, None)

    def add_running(
        self,
        params: Mapping[str, Any],
        distributions: Mapping[str, BaseDistribution],
        attributes: Mapping[str, Any] | None = None,
    ) -> None:
        """Add a setting that is being evaluated."""
        trial = self._running(len(self._trials))
        trial.params = dict(params)
        trial.distributions = {name: distributions[name] for name in params}
        trial.system_attrs = dict(attributes or {})
        self._trials.append(trial)

    def end(self, number: int, state: TrialState, values: Sequence[float] | None, **changes: Any) -> None:
        """End a setting, with further fields of its trial."""
        trial = self._changed(number)
        trial.state = state
        trial.values = None if values is None else list(values)
        trial.datetime_complete = trial.datetime_start
        for name, value in changes.items():
            setattr(trial, name, value)

    def set_study_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Take in what the sampler wrote to the study in an earlier choice."""
        self._attributes = {**self._attributes, **attributes}

    def set_trial_attributes(self, number: int, attributes: Mapping[str, Any]) -> None:
        """Take in what the sampler wrote to a trial in an earlier choice."""
        trial = self._changed(number)
        trial.system_attrs = {**trial.system_attrs, **attributes}

    def _running(self, number: int) -> FrozenTrial:
        return FrozenTrial(
            number=number,
            trial_id=number,
            state=TrialState.RUNNING,
            value=None,
            datetime_start=FIRST_START + timedelta(seconds=number),
            datetime_complete=None,
            params={},
            distributions={},
            user_attrs={},
            system_attrs={},
            intermediate_values={},
        )

    def _changed(self, number: int) -> FrozenTrial:
        """A trial that may be changed: a copy, unless this choice has begun or copied it. `copy.copy` takes four times
        as long, and a choice needs a dozen."""
        length, trials, _ = self._before
        before = self._trials[number]
        if number >= length or number in trials:
            return before
        trials[number] = before
        made = FrozenTrial.__new__(FrozenTrial)
        made.__dict__.update(before.__dict__)
        self._trials[number] = made
        return made

    # What follows is called by Optuna.

    def create_new_study(self, directions: Sequence[StudyDirection], study_name: str | None = None) -> int:
        raise NotImplementedError("it holds one study")

    def delete_study(self, study_id: int) -> None:
        raise NotImplementedError("it holds one study")

    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:
        self.set_study_system_attr(study_id, key, value)

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        self._attributes = {**self._attributes, key: value}
        self.written.setdefault(None, {})[key] = value

    def get_study_id_from_name(self, study_name: str) -> int:
        return STUDY_ID

    def get_study_name_from_id(self, study_id: int) -> str:
        return STUDY_NAME

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        return self._directions

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        return self._attributes

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        return self._attributes

    def get_all_studies(self) -> list[Any]:
        raise NotImplementedError("it holds one study")

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        if template_trial is not None:
            raise NotImplementedError("a sampler adds no trials")
        self._trials.append(self._running(len(self._trials)))
        return len(self._trials) - 1

    def set_trial_param(
        self, trial_id: int, param_name: str, param_value_internal: float, distribution: BaseDistribution
    ) -> None:
        trial = self._changed(trial_id)
        value = distribution.to_external_repr(param_value_internal)
        trial.params = {**trial.params, param_name: value}
        trial.distributions = {**trial.distributions, param_name: distribution}

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Sequence[float] | None = None) -> bool:
        raise NotImplementedError("a sampler ends no trials")

    def set_trial_intermediate_value(self, trial_id: int, step: int, intermediate_value: float) -> None:
        raise NotImplementedError("a sampler reports no values")

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        self.set_trial_system_attr(trial_id, key, value)

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        self.set_trial_attributes(trial_id, {key: value})
        self.written.setdefault(trial_id, {})[key] = value

    def get_trial(self, trial_id: int) -> FrozenTrial:
        return self._trials[trial_id]

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        if states == (TrialState.WAITING,):  # which `ask` looks for; there are none
            return []
        trials = self._trials if states is None else [trial for trial in self._trials if trial.state in states]
        return copy.deepcopy(trials) if deepcopy else list(trials)
