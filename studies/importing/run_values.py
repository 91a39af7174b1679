"""What a run's values say: its state, its metrics, and whether a value is the study's."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from objectives.outcome import MAX_METRIC_NAME_CHARACTERS
from samplers.searches.nested import flattened
from samplers.searches.scores import known_value

SEED = "seed"
STATE_COLUMNS = ("state", "State", "status", "Status")
GOOD_STATES = ("complete", "completed", "finished", "done", "success", "succeeded", "ok", "trialstate.complete")
MAX_SHOWN_VALUES = 8


def state_fault(values: Mapping[str, Any], axes: Collection[str]) -> str | None:
    """Why a run is no finished one, if it says so in a column that is no axis."""
    state = next((str(values[name]) for name in STATE_COLUMNS if name in values and name not in axes), None)
    return None if state is None or state.lower() in GOOD_STATES else f"its state is {state}"


def metrics_of(values: Mapping[str, Any], config: Collection[str], wanted: Iterable[str]) -> dict[str, float]:
    """Every finite number that is no part of the configuration, and what the wanted expressions make of these."""
    found = {
        name: float(value)
        for name, value in values.items()
        if name not in config
        and isinstance(value, int | float)
        and not isinstance(value, bool)
        and abs(value) <= sys.float_info.max  # false of NaN too
        and len(name) <= MAX_METRIC_NAME_CHARACTERS
        and name.isprintable()
    }
    for name in wanted:
        value = known_value(name, found)
        if value is not None and math.isfinite(value):
            found[name] = value
    return found


def metric_fault(metrics: Mapping[str, float], wanted: Iterable[str], values: Mapping[str, Any]) -> str | None:
    """The first wanted metric that a run does not have."""
    name = next((each for each in wanted if each not in metrics), None)
    return None if name is None else f"{name} is {'missing' if values.get(name) is None else repr(values[name])}"


def other_value(
    config: Mapping[str, Any], values: Mapping[str, Any], texts: Mapping[str, str], besides: Collection[str] = ()
) -> str | None:
    """The first value of a run that is another one than in the configuration that it should have."""
    for name, ours in flattened(config).items():
        if name in values and name not in besides and not _same(ours, values, texts, name):
            return f"{name} is {values[name]!r}, the study's is {ours!r}"
    return None


def _same(ours: Any, values: Mapping[str, Any], texts: Mapping[str, str], name: str) -> bool:
    return is_value(ours, values[name]) or (isinstance(ours, str) and texts.get(name) == ours)


def is_value(ours: Any, theirs: Any) -> bool:
    """Whether two values are the same: 1 and 1.0 are, true and 1 are not."""
    if isinstance(ours, bool) or isinstance(theirs, bool):
        return ours is theirs
    if isinstance(ours, int | float) and isinstance(theirs, int | float):
        return ours == theirs
    return type(ours) is type(theirs) and bool(ours == theirs)


def value_text(value: Any) -> str:
    """A value as a key."""
    return json.dumps(value, sort_keys=True)


def setting_text(params: Mapping[str, Any]) -> str:
    """A setting for a message."""
    return ", ".join(f"{name}={value!r}" for name, value in params.items())


def listed(values: Sequence[Any]) -> str:
    """The first of the values that a message could name."""
    more = f", … ({len(values)} values)" if len(values) > MAX_SHOWN_VALUES else ""
    return ", ".join(map(repr, values[:MAX_SHOWN_VALUES])) + more


def seeds_text(seeds: Sequence[int]) -> str:
    """Seeds in order: all, or the first and the last."""
    return ", ".join(map(str, seeds)) if len(seeds) <= MAX_SHOWN_VALUES else f"{seeds[0]} … {seeds[-1]}"


def taken_text(count: int) -> str:
    """Why a run without a seed finds none."""
    return f"all {count} seeds of its setting are taken by the runs before it"
