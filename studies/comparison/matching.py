"""Two studies matched where both measured the same: paired differences, one pair a setting and seed.

The interval is Student's, at 95 %: samplers/searches/noise.py.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from samplers.searches.nested import flattened
from samplers.searches.noise import mean, standard_error, t975


@dataclass(frozen=True)
class Outcome:
    """One finished trial: its configuration, its seed and its score."""

    config: Mapping[str, Any]
    """Nested or dotted: it is compared dotted, key by key."""
    seed: int
    score: float

    @cached_property
    def flat(self) -> Mapping[str, Any]:
        """Its configuration, dotted."""
        return flattened(self.config)


@dataclass(frozen=True)
class Difference:
    """Of one setting, other minus one: the mean over the seeds that both have, with its interval."""

    setting: Mapping[str, Any]
    mean: float
    reach: float | None
    """Half of the interval; None with one seed."""
    seeds: int
    one: float = math.nan
    """The mean score of the first study over these seeds."""
    other: float = math.nan


@dataclass(frozen=True)
class Matched:
    """Two studies, setting by setting."""

    differences: Sequence[Difference]
    """In the order of the first study."""
    alone: tuple[int, int]
    """Settings that only the first one has, and only the other."""
    seedless: int
    """Settings of both without a seed in common."""
    unlike: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    """What does not vary within either study and differs between them, with the value of each; None: it has none."""
    disjoint: Sequence[str] = ()
    """What varies, and has no value that both studies have."""


def side(each: Difference, direction: str) -> str:
    """The verdict on the other: better, worse, or a tie where the interval holds 0."""
    if each.reach is None:
        return "one seed"
    if abs(each.mean) <= each.reach:
        return "tie"
    return "better" if (each.mean > 0) == (direction == "maximize") else "worse"


def differences(one: Sequence[Outcome], other: Sequence[Outcome]) -> list[Difference]:
    """Differences, matched by seed and by every key that varies within either study. A key that differs only between
    the studies is what is compared."""
    return list(matched(one, other).differences)


def matched(one: Sequence[Outcome], other: Sequence[Outcome]) -> Matched:
    """The same, with what did not match."""
    names = sorted(_varied(one) | _varied(other))
    mine, theirs = _by_setting(one, names), _by_setting(other, names)
    settings = {_setting_key(each, names): {name: each.flat.get(name) for name in names} for each in reversed(one)}
    found, seedless = [], 0
    for key in mine.keys() & theirs.keys():
        seedless += not (mine[key].keys() & theirs[key].keys())
    for key in mine:
        common = sorted(mine[key].keys() & theirs.get(key, {}).keys())
        if not common:
            continue
        found.append(
            paired_difference(settings[key], *([side[key][seed] for seed in common] for side in (mine, theirs)))
        )
    alone = len(mine.keys() - theirs.keys()), len(theirs.keys() - mine.keys())
    return Matched(found, alone, seedless, _unlike(one, other, names), _disjoint(one, other, names))


def _unlike(one: Sequence[Outcome], other: Sequence[Outcome], varied: Sequence[str]) -> dict[str, tuple[Any, Any]]:
    if not one or not other:
        return {}
    mine, theirs = one[0].flat, other[0].flat
    names = [name for name in dict.fromkeys([*mine, *theirs]) if name not in varied]
    pairs = {name: (mine.get(name), theirs.get(name)) for name in names}
    return {name: pair for name, pair in pairs.items() if _key(pair[0]) != _key(pair[1])}


def _disjoint(one: Sequence[Outcome], other: Sequence[Outcome], varied: Sequence[str]) -> list[str]:
    def values(outcomes: Sequence[Outcome], name: str) -> set[str]:
        return {_key(each.flat.get(name)) for each in outcomes}

    return [name for name in varied if not values(one, name) & values(other, name)] if one and other else []


def _key(value: Any) -> str:
    """The same of equal values: of 1 and 1.0, and of numbers that rounding alone sets apart."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:.12g}"
    return json.dumps(value, sort_keys=True)


def paired_difference(setting: Mapping[str, Any], one: Sequence[float], other: Sequence[float]) -> Difference:
    """Of scores of the same seeds. What exceeds the largest float is infinite.

    >>> found = paired_difference({}, [1.0, 2.0, 3.0], [1.5, 2.4, 3.6])
    >>> round(found.mean, 6), round(found.reach, 6)
    (0.5, 0.248414)
    """
    quarters = [b / 4 - a / 4 for a, b in zip(one, other, strict=True)]  # they never overflow
    error = standard_error(quarters)
    reach = None if error is None else 4 * t975(len(quarters) - 1) * error
    return Difference(setting, 4 * mean(quarters), reach, len(quarters), mean(one), mean(other))


def _setting_key(each: Outcome, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(_key(each.flat.get(name)) for name in names)


def _varied(outcomes: Sequence[Outcome]) -> set[str]:
    seen: dict[str, set[str]] = {}
    for outcome in outcomes:
        for name, value in outcome.flat.items():
            seen.setdefault(name, set()).add(_key(value))
    partial = {name for name in seen if any(name not in each.flat for each in outcomes)}
    return {name for name, values in seen.items() if len(values) > 1} | partial


def _by_setting(outcomes: Sequence[Outcome], names: Sequence[str]) -> dict[tuple[str, ...], dict[int, float]]:
    made: dict[tuple[str, ...], dict[int, float]] = {}
    for each in outcomes:
        if math.isfinite(each.score):
            key = _setting_key(each, names)
            made.setdefault(key, {})[each.seed] = each.score
    return made
