"""Two studies compared where both measured the same: paired differences, one pair a setting and seed.

The interval is Student's, at 95 %: samplers/searches/noise.py.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from samplers.searches.noise import standard_error, t975
from studies.figures.labels import labels
from studies.figures.picture import Axis, Picture, Points, Rule
from studies.history.purpose import setting_name

MAX_PAIRED_SETTINGS = 30
"""Settings that are drawn: those that differ most."""


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


def differences(one: Sequence[Outcome], other: Sequence[Outcome]) -> list[Difference]:
    """Differences, matched by seed and by every key that varies within either study. A key that differs only between
    the studies is what is compared."""
    names = sorted(_varied(one) | _varied(other))
    mine, theirs = _by_setting(one, names), _by_setting(other, names)
    found = []
    for key in mine:
        common = sorted(mine[key].keys() & theirs.get(key, {}).keys())
        if not common:
            continue
        pairs = [theirs[key][seed] - mine[key][seed] for seed in common]
        error = standard_error(pairs)
        reach = None if error is None else t975(len(pairs) - 1) * error
        found.append(Difference(dict(zip(names, json.loads(key), strict=True)), fmean(pairs), reach, len(pairs)))
    return found


def paired(found: Sequence[Difference], key: str, one: str, other: str, score: str) -> Picture:
    """A point a setting, and in words the mean over all of them."""
    shown = sorted(found, key=lambda each: -abs(each.mean))[:MAX_PAIRED_SETTINGS]
    shown.sort(key=lambda each: each.mean)
    at = labels([setting_name(each.setting) for each in shown])
    reach = [math.nan if each.reach is None else each.reach for each in shown]
    points = Points("mean over common seeds", at, [each.mean for each in shown], reach)
    return Picture(
        key,
        f"{other} beside {one}: differences of {score}",
        Axis("setting"),
        Axis(f"{score}: {other} minus {one}"),
        [points, Rule("no difference", 0.0)] if shown else [],
        summary(found, one, other, len(shown)),
    )


def summary(found: Sequence[Difference], one: str, other: str, shown: int) -> str:
    """The mean over all settings, with its interval."""
    if not found:
        return f"{one} and {other} have no setting and seed in common."
    means = [each.mean for each in found]
    error = standard_error(means)
    counts = f"{len(found)} settings measured by both, {sum(each.seeds for each in found)} pairs of one seed."
    if error is None:
        verdict = f"The only difference is {fmean(means):.4g}."
    else:
        reach = t975(len(means) - 1) * error
        verdict = f"Mean difference {fmean(means):.4g} ± {reach:.2g} (95 %, over settings): "
        verdict += "not significant." if abs(fmean(means)) <= reach else "significant."
    single = "Points without a bar have one common seed." if any(each.reach is None for each in found) else ""
    cut = f"The {shown} that differ most are drawn." if shown < len(found) else ""
    return " ".join(filter(None, (counts, verdict, single, cut)))


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
