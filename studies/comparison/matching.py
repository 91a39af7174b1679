"""Two studies matched where both measured the same: paired differences, one pair a setting and seed.

The interval is Student's, at 95 %: samplers/searches/noise.py.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from samplers.searches.noise import mean, standard_error, t975


@dataclass(frozen=True)
class Outcome:
    """One finished trial: what was varied, its seed and its score."""

    config: Mapping[str, Any]
    seed: int
    score: float


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
    found, seedless = [], 0
    for key in mine.keys() & theirs.keys():
        seedless += not (mine[key].keys() & theirs[key].keys())
    for key in mine:
        common = sorted(mine[key].keys() & theirs.get(key, {}).keys())
        if not common:
            continue
        setting = dict(zip(names, json.loads(key), strict=True))
        found.append(paired_difference(setting, *([side[key][seed] for seed in common] for side in (mine, theirs))))
    return Matched(found, (len(mine.keys() - theirs.keys()), len(theirs.keys() - mine.keys())), seedless)


def paired_difference(setting: Mapping[str, Any], one: Sequence[float], other: Sequence[float]) -> Difference:
    """Of scores of the same seeds.

    >>> found = paired_difference({}, [1.0, 2.0, 3.0], [1.5, 2.4, 3.6])
    >>> round(found.mean, 6), round(found.reach, 6)
    (0.5, 0.248414)
    """
    pairs = [b - a for a, b in zip(one, other, strict=True)]
    error = standard_error(pairs)
    reach = None if error is None else t975(len(pairs) - 1) * error
    return Difference(setting, mean(pairs), reach, len(pairs), mean(one), mean(other))


def _varied(outcomes: Sequence[Outcome]) -> set[str]:
    seen: dict[str, set[str]] = {}
    for outcome in outcomes:
        for name, value in outcome.config.items():
            seen.setdefault(name, set()).add(json.dumps(value, sort_keys=True))
    partial = {name for name in seen if any(name not in each.config for each in outcomes)}
    return {name for name, values in seen.items() if len(values) > 1} | partial


def _by_setting(outcomes: Sequence[Outcome], names: Sequence[str]) -> dict[str, dict[int, float]]:
    made: dict[str, dict[int, float]] = {}
    for each in outcomes:
        if math.isfinite(each.score):
            key = json.dumps([each.config.get(name) for name in names], sort_keys=True)
            made.setdefault(key, {})[each.seed] = each.score
    return made
