"""How much of a score's order the ranges of an axis explain, each axis by itself: a measure for few settings.

Settings are ranked by their score and put into groups by the axis' value: one for each value of a list, else ranges
with equally many settings. The share is the effect size of the Kruskal-Wallis test, (H - k + 1) / (n - k) of k groups:
Kruskal & Wallis (1952), "Use of ranks in one-criterion variance analysis", JASA 47; Tomczak & Tomczak (2014), "The need
to report effect size estimates revisited", Trends in Sport Sciences 1(21). An axis that does not matter has a share
around 0. Shares have no sum: a sampler that goes where two axes are good together lets both explain the same.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Sequence
from statistics import NormalDist
from typing import Any

from samplers.searches.noise import mean

MAX_RANGES = 5
MIN_IN_RANGE = 5
"""Settings."""


def share(values: Sequence[Any], scores: Sequence[float]) -> float | None:
    """The share of one axis, 0 to 1; None where its settings are too few for two groups.

    >>> share([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], [0, 1, 2, 3, 4, 5, 20, 21, 22, 23, 24, 25]) > 0.7
    True
    """
    groups = _groups(values)
    settings, kinds = len(values), len(set(groups))
    if settings - kinds < 1:
        return None
    ranks = _ranks(scores)
    middle = mean(ranks)
    total = sum((rank - middle) ** 2 for rank in ranks)
    between = 0.0
    for group in set(groups):
        own = [rank for rank, each in zip(ranks, groups, strict=True) if each == group]
        between += len(own) * (mean(own) - middle) ** 2
    h = (settings - 1) * between / total if total else 0.0
    return max(0.0, (h - kinds + 1) / (settings - kinds))


def by_chance(settings: int, axes: int = 1) -> float:
    """The share that the largest of so many axes of numbers stays below in 95 of 100 studies, if none matters.

    >>> round(by_chance(20), 2), round(by_chance(200), 2), round(by_chance(200, axes=10), 2)
    (0.3, 0.03, 0.06)
    """
    kinds = _ranges(settings)
    freedom = kinds - 1
    # Wilson & Hilferty (1931): a quantile of the chi-squared distribution, which H follows.
    spread = 2 / (9 * freedom)
    h = freedom * (1 - spread + NormalDist().inv_cdf(1 - 0.05 / axes) * math.sqrt(spread)) ** 3
    return min(1.0, max(0.0, (h - freedom) / (settings - kinds)))


def _ranges(settings: int) -> int:
    return max(2, min(MAX_RANGES, settings // MIN_IN_RANGE))


def _groups(values: Sequence[Any]) -> list[Hashable]:
    """The group of each value."""
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    if not numbers or len(set(values)) <= _ranges(len(values)):
        return [str(value) for value in values]
    order = sorted(values)
    # Equal values are in the range of the middle one.
    places = [(bisect_left(order, value) + bisect_right(order, value) - 1) / 2 for value in values]
    return [int(place * _ranges(len(values)) // len(values)) for place in places]


def _ranks(scores: Sequence[float]) -> list[float]:
    """Equal scores have the mean of their ranks."""
    order = sorted(scores)
    return [(bisect_left(order, score) + bisect_right(order, score) - 1) / 2 for score in scores]
