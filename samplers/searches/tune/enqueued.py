"""Settings that another Optuna program enqueued in the study: each runs at once, and is told once it has ended.

`study.enqueue_trial({"x": 2.0})` is an order from outside, as an import is: when it comes depends on people, and what
follows from it does not. A worker runs it as an extra point. Once that has ended, a decision takes its setting in, like
those that ran elsewhere (imported.py), and the next one tells the sampler.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from samplers.searches.nested import path_of, value_at
from samplers.searches.plan import Point
from samplers.searches.tune.imported import ImportedSetting
from samplers.searches.tune.past import Past, PastSetting
from samplers.searches.tune.settings import TuneSettings
from storage.errors import UsageError
from storage.other_programs import EndedTrial


@dataclass(frozen=True)
class EndedSettings:
    """Enqueued settings that have ended, and are not in the past."""

    settings: Sequence[ImportedSetting]
    source: str
    """Where they are from, for the decision's record."""


def enqueued_setting(settings: TuneSettings, fixed: Mapping[str, Any]) -> PastSetting | None:
    """The setting with these parameters, as Optuna shows them. An axis that is not among them has the config's value.

    None: they are no setting of the space, or `where` leaves it out.
    """
    axes, base = settings.space.axes, settings.relations.config

    def value_of(name: str) -> Any:
        path = path_of(name, base)
        if name in fixed:
            return axes[name].from_user(fixed[name])
        return settings.space.defaults.get(name) if path is None else value_at(base, path)

    found = _in_space(settings, value_of)
    if found is None or not fixed.keys() <= {*found.params, "seed"}:
        return None
    return found


def ended_settings(settings: TuneSettings, past: Past, ended: Sequence[EndedTrial]) -> EndedSettings | None:
    """The settings of enqueued trials that have ended, with as many seeds as have; None without any.

    What is no setting of the space in force stays untold, and so does a trial of another seed than the study's first.
    """
    by_config: dict[str, list[EndedTrial]] = {}
    for trial in ended:
        by_config.setdefault(json.dumps(trial.config, sort_keys=True), []).append(trial)
    found, numbers = list[ImportedSetting](), list[int]()
    for trials in by_config.values():
        setting = _in_space(settings, trials[0].setting.get)
        if setting is None or setting.config != trials[0].config:
            continue
        by_seed = {trial.seed: trial.number for trial in trials}
        count = next(count for count in range(len(by_seed) + 1) if settings.seed + count not in by_seed)
        if count and past.first_like(Point(setting.config, settings.seed).hash) is None:
            found.append(ImportedSetting(setting.params, count))
            numbers += [by_seed[settings.seed + each] for each in range(count)]
    if not found:
        return None
    trials_text = f"trial{'s' * (len(numbers) > 1)} {', '.join(map(str, sorted(numbers)))}"
    return EndedSettings(found, f"another program ({trials_text})")


def _in_space(settings: TuneSettings, value_of: Callable[[str], Any]) -> PastSetting | None:
    axes = settings.space.axes

    def on_axis(name: str) -> Any:
        value = value_of(name)
        if not axes[name].holds(value):
            raise UsageError(f"{value!r} is not on the axis {name}")
        return value

    try:
        found = settings.relations.evaluated(axes, on_axis)
    except UsageError:  # or an expression has no value there
        return None
    return PastSetting(found.axes, settings.config_of(found)) if found.filtered is None else None
