"""Settings whose results were made elsewhere: one decision takes them in, the next one tells what came of all of them.

They have numbers like the settings that the sampler chooses, and do not count among `settings`. Nothing else is chosen
before they are told. Each has its own number of seeds: as many as there are results of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from samplers.searches.plan import Decision, Need, Point, Results, SearchState
from samplers.searches.plural import counted
from samplers.searches.tune.outcome import Outcome, Score
from samplers.searches.tune.past import Past, PastSetting
from samplers.searches.tune.points import points_of
from samplers.searches.tune.progress import told_together
from samplers.searches.tune.settings import TuneSettings

IMPORTED = "imported"
"""The kind of the decision, and its name in a state: `{count: 12, untold: [0, 12]}`, a range of numbers or null."""


@dataclass(frozen=True)
class ImportedSetting:
    """A setting that ran elsewhere."""

    params: Mapping[str, Any]
    """The values of its axes, as a config has them."""
    seeds: int
    """How many: the first ones of the study's."""


def imported_count(state: SearchState) -> int:
    """How many settings were imported so far."""
    return int(state.get(IMPORTED, {}).get("count", 0))


def untold(state: SearchState) -> range:
    """The numbers of the imported settings that are not told yet."""
    return range(*(state.get(IMPORTED, {}).get("untold") or (0, 0)))


def import_step(
    state: SearchState, settings: TuneSettings, past: Past, given: Sequence[ImportedSetting], source: str
) -> Decision:
    """The decision that takes settings in. None of them is in the past."""
    from optuna import __version__

    first = state["next"]
    attributes = _attributes(past)
    rows, points = [], list[Point]()
    for number, each in enumerate(given, first):
        found = settings.relations.evaluated(settings.space.axes, each.params.__getitem__)
        setting = PastSetting(found.axes, settings.config_of(found), seeds=each.seeds)
        own = points_of(setting, number, settings)
        points += own
        rows.append(
            {
                "setting": number,
                "params": dict(setting.params),
                "config": dict(setting.config),
                "hash": own[0].hash,
                "seeds": each.seeds,
                "attributes": {"setting": attributes, "study": {}},
            }
        )
    count = f"{len(given)} setting{'s' * (len(given) != 1)}"
    record = {
        "setting": None,
        "settings": rows,
        "source": source,
        "event": f"imported: {count} from {source}",
        "optuna": __version__,
    }
    waiting = untold(state)
    span = [waiting.start if waiting else first, first + len(given)]
    after = {
        **state,
        "next": first + len(given),
        IMPORTED: {"count": imported_count(state) + len(given), "untold": span},
        "ended": None,
        "used_up": False,
        "since": 0,
        "race": {**state["race"], "over": False},
    }
    return Decision(IMPORTED, record, after, tuple(points))


def told_step(
    state: SearchState, settings: TuneSettings, past: Past, results: Results, scores: Sequence[Score]
) -> Need | Decision:
    """What is missing of the imported settings, or the decision that tells all of them."""
    numbers = untold(state)
    points = {number: points_of(past.settings[number], number, settings) for number in numbers}
    missing = tuple(point for own in points.values() for point in own if point.hash not in results)
    if missing:
        return Need(missing, f"imported settings: {counted(len(missing), 'trial')}")
    outcomes = [
        Outcome.of(number, [results[point.hash] for point in own], scores, settings.constraints)
        for number, own in points.items()
    ]
    span = f"settings {numbers.start} … {numbers.stop - 1}" if len(numbers) > 1 else f"setting {numbers.start}"
    after = {
        **state,
        "told": state["told"] + len(outcomes),
        "completed": state["completed"] + sum(each.state == "COMPLETE" for each in outcomes),
        IMPORTED: {"count": imported_count(state), "untold": None},
    }
    return told_together(after, past, outcomes, scores, f"imported: {span}")


def _attributes(past: Past) -> dict[str, Any]:
    """What a genetic sampler has to find on a setting to count it: the generation it belongs to, the one that is being
    filled. Other samplers count a setting without attributes, but CMA-ES, which reads those of its own alone."""
    from optuna.samplers import BaseGASampler

    sampler = past.in_force.sampler.make(0, 0)
    if not isinstance(sampler, BaseGASampler):
        return {}
    past.seen.begin()
    try:
        number = len(past.settings)
        past.seen.add_running({}, {})
        sampler.get_trial_generation(past.study, past.seen.get_trial(number))
        return dict(past.seen.written.get(number, {}))
    finally:
        past.seen.take_back()
