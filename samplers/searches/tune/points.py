"""The points of a setting: its configuration with each seed."""

from __future__ import annotations

from samplers.searches.plan import Point
from samplers.searches.tune.past import PastSetting
from samplers.searches.tune.settings import TuneSettings
from samplers.searches.tune.space import Numbers


def points_of(
    setting: PastSetting, number: int, settings: TuneSettings, repeats: int | None = None
) -> tuple[Point, ...]:
    """Its points with the first `repeats` seeds; if not given, those that every setting gets, or an imported one has.
    A setting keeps its first seed when the block's changes.

    Optuna shows the parameters that the space in force has: not an axis or a choice that was taken out.
    """
    axes = settings.space.axes
    shown = {
        name: axis.shown(value)
        for name, value in setting.params.items()
        if (axis := axes.get(name)) is not None and (isinstance(axis, Numbers) or axis.holds(value))
    }
    role = {"role": "setting", "number": number, "setting": dict(setting.params)}
    count = repeats or setting.seeds or settings.repeats
    first = settings.seed if setting.seed is None else setting.seed
    seeds = range(first, first + count)
    return tuple(Point(setting.config, seed, {**shown, "seed": seed}, role) for seed in seeds)
