"""Which settings of a tune finished runs are of: by the values of its axes, anywhere in the space in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from samplers.searches.nested import flattened
from samplers.searches.plan import Config, Point, SearchState
from samplers.searches.scores import metrics_needed
from samplers.searches.tune.imported import ImportedSetting
from samplers.searches.tune.space import Axis, Choices
from samplers.searches.tune.tune import Tune
from storage.errors import UsageError
from studies.importing.matching import Columns, Matched, Result
from studies.importing.run_values import (
    SEED,
    is_value,
    listed,
    metric_fault,
    metrics_of,
    other_value,
    seeds_text,
    state_fault,
    taken_text,
    value_text,
)
from studies.importing.runs import Run

GAP = "seed below those of the runs has no run: it is trained"
GAPS = "seeds below those of the runs have no run: they are trained"


@dataclass
class MatchedSettings(Matched):
    """The points that runs are results of, and the settings that are new to the study."""

    new: list[ImportedSetting] = field(default_factory=list)


@dataclass
class _Setting:
    """A setting with the runs that are of its seeds."""

    params: Mapping[str, Any]
    config: Config
    seeds: range
    """That it has, or may have."""
    is_new: bool
    runs: dict[int, str] = field(default_factory=dict)
    """Where the run of each seed stands."""


class TuneMatching:
    """The settings of a tune by their configurations."""

    def __init__(self, search: Tune, state: SearchState, wanted: Sequence[str]) -> None:
        """
        Args:
            search: With its past.
            state: After the last decision.
            wanted: The scores, and the cost if there is one.
        """
        self._settings = search.settings_in(state)
        self._past = search.recalled or search.past()
        self._raced: Mapping[int, int] = dict(state["race"]["seeds"])
        self._wanted = wanted
        self._axes = self._settings.space.axes
        self._config = {*flattened(state["config"]), *self._settings.relations.derive, *self._axes, SEED}

    @property
    def known(self) -> set[str]:
        """The names that a column may have besides a metric's."""
        needed = {name for each in self._wanted for name in metrics_needed(each)}
        return {*self._config, *needed, *(name for each in self._settings.constraints for name in each.excess.names)}

    def match(self, runs: Sequence[Run], columns: Columns, source: str, refusals: Mapping[str, str]) -> MatchedSettings:
        """Each run's point; settings that the study does not have yet are in the order of the runs.

        Args:
            refusals: Why the objective refuses a configuration, by its text.
        """
        matched, settings, seedless = MatchedSettings(), dict[str, _Setting](), 0
        for run in runs:
            values, texts = columns.named(run)
            metrics = metrics_of(values, self._config, self._wanted)
            try:
                self._check_finished(values, metrics)
                setting = self._setting(values, texts, settings)
                if (reason := refusals.get(value_text(setting.config))) is not None:
                    raise UsageError(f"the objective refuses it: {reason}")
                seed = _free_seed(setting, values)
            except UsageError as error:
                matched.unfit.append(f"{run.where}: {error}")
                continue
            setting.runs[seed] = run.where
            seedless += SEED not in values
            matched.results[Point(setting.config, seed).hash] = Result(f"{source}, {run.where}", metrics)
        for each in settings.values():
            if each.is_new and each.runs:
                matched.new.append(ImportedSetting(each.params, max(each.runs) - self._settings.seed + 1))
        gaps = sum(max(each.runs) - self._settings.seed + 1 - len(each.runs) for each in settings.values() if each.runs)
        if gaps:
            matched.notes.append(f"{gaps} {GAPS if gaps > 1 else GAP}")
        if seedless and matched.results:
            matched.notes.append("runs without a seed take the seeds of their setting in the order of the file")
        return matched

    def _check_finished(self, values: Mapping[str, Any], metrics: Mapping[str, float]) -> None:
        fault = state_fault(values, self._axes) or metric_fault(metrics, self._wanted, values)
        unmeasured = next((each for each in self._settings.constraints if each.value(metrics) is None), None)
        if fault is None and unmeasured is not None:
            fault = f"nothing tells whether {unmeasured.text}"
        if fault is not None:
            raise UsageError(fault)

    def _setting(self, values: Mapping[str, Any], texts: Mapping[str, str], known: dict[str, _Setting]) -> _Setting:
        """The setting of a run, one of the study's or a new one."""
        relations = self._settings.relations
        found = relations.evaluated(self._axes, lambda name: self._value(name, values, texts.get(name)))
        if found.filtered is not None:
            raise UsageError(f"`where: {found.filtered}` leaves this setting out")
        config = self._settings.config_of(found)
        other = other_value(config, values, texts, besides=self._axes)
        if other is not None:
            raise UsageError(other)
        return known.setdefault(value_text(config), self._new_or_known(found.axes, config))

    def _new_or_known(self, params: Mapping[str, Any], config: Config) -> _Setting:
        first, count = self._settings.seed, self._settings.repeats
        number = self._past.first_like(Point(config, first).hash)
        if number is not None:
            setting = self._past.settings[number]
            told = 0 if setting.outcome is None else len(setting.outcome.by_seed)
            count = max(setting.seeds or count, told, self._raced.get(number, 0))
        return _Setting(params, config, range(first, first + count), number is None)

    def _value(self, name: str, values: Mapping[str, Any], text: str | None) -> Any:
        """A run's value as the axis has it; that which the axis gives to settings that lack it."""
        axis, defaults = self._axes[name], self._settings.space.defaults
        if name not in values:
            if name not in defaults:
                raise UsageError(f"no value of {name}: --map COLUMN=NAME says which column it is")
            return defaults[name]
        value = _on_axis(axis, values[name], text)
        if axis.holds(value):
            return value
        if isinstance(axis, Choices):
            raise UsageError(f"{name} is {value!r}, none of {listed(axis.values)}")
        step = "" if axis.step in (None, 1) else f" in steps of {axis.step:g}"
        raise UsageError(f"{name} is {value!r}, and its axis goes from {axis.low:g} to {axis.high:g}{step}")


def _on_axis(axis: Axis, value: Any, text: str | None) -> Any:
    """A value as an axis has it: `8` may be a number or a text, 8.0 a whole one, and 0.1 + 0.2 a third step."""
    if isinstance(axis, Choices):
        if text is not None and text in axis.values:
            return text
        same = (each for each in axis.values if is_value(each, value) or (axis.as_text and axis.shown(each) == value))
        return next(same, value)
    return axis.from_user(value)


def _free_seed(setting: _Setting, values: Mapping[str, Any]) -> int:
    """The seed that a run has, or the first one that no run before it has."""
    if SEED not in values:
        free = next((seed for seed in setting.seeds if seed not in setting.runs), None)
        if free is None:
            raise UsageError(taken_text(len(setting.seeds)))
        return free
    given = values[SEED]
    seed = next((each for each in setting.seeds if is_value(each, given)), None)
    if seed is None:
        raise UsageError(f"seed is {given!r}, none of {seeds_text(setting.seeds)}")
    if seed in setting.runs:
        raise UsageError(f"the same setting and seed as {setting.runs[seed]}")
    return seed
