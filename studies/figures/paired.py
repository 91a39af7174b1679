"""Two studies beside each other as a picture: paired differences, one pair a setting and seed.

The interval is Student's, at 95 %: samplers/searches/noise.py.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from samplers.searches.noise import mean, standard_error, t975
from studies.comparison.matching import Difference
from studies.figures.picture import Picture, Rule
from studies.figures.settings import MAX_ROWS, Row, settings_picture
from studies.history.purpose import setting_name


def paired(found: Sequence[Difference], key: str, one: str, other: str, score: str) -> Picture:
    """A row for each setting, those that differ most, and in words the mean over all of them."""
    shown = sorted(found, key=lambda each: -abs(each.mean))[:MAX_ROWS]
    shown.sort(key=lambda each: each.mean)
    rows = [
        Row(
            setting_name(each.setting),
            "mean over common seeds",
            each.mean,
            None if each.reach is None else (each.mean - each.reach, each.mean + each.reach),
        )
        for each in shown
    ]
    title, caption = f"{other} beside {one}: differences of {score}", summary(found, one, other, len(shown))
    axes = ("setting", f"{score}: {other} minus {one}")
    return settings_picture(key, title, rows, axes, caption, [Rule("no difference", 0.0)] if shown else [])


def summary(found: Sequence[Difference], one: str, other: str, shown: int) -> str:
    """The mean over all settings, with its interval."""
    if not found:
        return f"{one} and {other} have no setting and seed in common."
    means = [each.mean for each in found]
    error = standard_error(means)
    counts = f"{len(found)} settings measured by both, {sum(each.seeds for each in found)} pairs of one seed."
    if not all(map(math.isfinite, means)):
        verdict = "A difference exceeds the largest number: there is no mean over settings."
    elif error is None:
        verdict = f"The only difference is {mean(means):.4g}."
    else:
        reach = t975(len(means) - 1) * error
        verdict = f"Mean difference {mean(means):.4g} ± {reach:.2g} (95 %, over settings): "
        verdict += "not significant." if abs(mean(means)) <= reach else "significant."
    cut = f"The {shown} that differ most are drawn." if shown < len(found) else ""
    return " ".join(filter(None, (counts, verdict, cut)))
