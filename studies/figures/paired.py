"""Two studies beside each other as a picture: paired differences, one pair a setting and seed.

The interval is Student's, at 95 %: samplers/searches/noise.py.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

from samplers.searches.noise import standard_error, t975
from studies.comparison.matching import Difference
from studies.figures.labels import labels
from studies.figures.picture import Axis, Picture, Points, Rule
from studies.history.purpose import setting_name

MAX_PAIRED_SETTINGS = 30
"""Settings that are drawn: those that differ most."""


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
