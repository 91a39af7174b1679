"""Which settings may be as good as the best one: one comparison of all of them, family-wise at 95 %.

Each setting is compared with the best over the seeds that both have. Its variance is moderated (Smyth 2004, "Linear
models and empirical Bayes methods for assessing differential expression", SAGMB 3(1)): the pair's own counts with its
degrees of freedom, that of all settings with at most `MAX_PRIOR_FREEDOM`, less what the pair gave to it. The best is
the best of what was measured, so a setting is set apart only if its one-sided p is below 5 % / (number of rivals):
Gupta (1965), "On some multiple decision rules", Technometrics 7(2), and Hsu (1984), "Constrained simultaneous
confidence intervals for multiple comparisons with the best", Annals of Statistics 12(3), with Bonferroni's bound for
the quantile. The set that is left holds the truly best setting in at least 95 of 100 grids.

The answer keeps the order of the means: no setting is set apart while a worse one is not. That only adds settings.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate

from samplers.searches.noise import mean
from samplers.searches.race.rivals import MAX_PRIOR_FREEDOM
from samplers.searches.students_t import upper_tail

Scores = Mapping[int, float]
"""A setting's scores by seed."""


def comparison(settings: Sequence[Scores]) -> list[float | None]:
    """Of settings in the order of their means, the best first: the p of each, adjusted for all of them, that it is as
    good as the first. None of the first one, and of settings with fewer than two seeds in common with it, unless a
    worse one has a p.

    >>> same = {1: 1.0, 2: 1.2, 3: 1.1}
    >>> best, close, far = comparison([same, {1: 1.1, 2: 1.2, 3: 1.1}, {1: 5.0, 2: 5.3, 3: 5.2}])
    >>> best is None, close > 0.05, far < 0.05
    (True, True, True)
    """
    return ordered(adjusted(settings))


def adjusted(settings: Sequence[Scores]) -> list[float | None]:
    """The same of each setting by itself: a better one may have a smaller p than a worse one."""
    scaled = _scaled(settings)
    rivals = len(scaled) - 1
    everything = _residuals(scaled)
    found: list[float | None] = [None] * len(scaled)
    for place in range(1, len(scaled)):
        p = _as_good(scaled[0], scaled[place], *everything)
        found[place] = None if p is None else min(1.0, rivals * p)
    return found


def ordered(found: Sequence[float | None]) -> list[float | None]:
    """None of them smaller than that of a worse setting."""
    worst_first = accumulate(reversed(found[1:]), _larger)
    return [*found[:1], *reversed(list(worst_first))]


def _larger(one: float | None, other: float | None) -> float | None:
    return max((p for p in (one, other) if p is not None), default=None)


def _scaled(settings: Sequence[Scores]) -> list[Scores]:
    """All scores times one power of two, which changes no p: their squares then have a sum."""
    largest = max((abs(score) for scores in settings for score in scores.values()), default=0.0)
    power = -math.frexp(largest)[1]
    return [{seed: math.ldexp(score, power) for seed, score in scores.items()} for scores in settings]


def _residuals(settings: Sequence[Scores]) -> tuple[float, int]:
    """Sum of squares and degrees of freedom of score ~ setting + seed, over groups of settings with the same seeds."""
    groups: dict[tuple[int, ...], list[Scores]] = {}
    for scores in settings:
        groups.setdefault(tuple(sorted(scores)), []).append(scores)
    squares, freedom = 0.0, 0
    for seeds, group in groups.items():
        if len(group) < 2 or len(seeds) < 2:
            continue
        of_seed = {seed: mean(scores[seed] for scores in group) for seed in seeds}
        overall = mean(of_seed.values())
        for scores in group:
            own = mean(scores.values())
            squares += sum((scores[seed] - own - of_seed[seed] + overall) ** 2 for seed in seeds)
        freedom += (len(group) - 1) * (len(seeds) - 1)
    return squares, freedom


def _as_good(best: Scores, other: Scores, squares: float, freedom: int) -> float | None:
    """The one-sided p of one pair; None with fewer than two common seeds."""
    common = sorted(best.keys() & other.keys())
    if len(common) < 2:
        return None
    differences = [best[seed] - other[seed] for seed in common]
    gap = mean(differences)
    own = sum((each - gap) ** 2 for each in differences) / 2  # a difference has twice the variance of a score
    pair = len(common) - 1
    prior = min(MAX_PRIOR_FREEDOM, max(0, freedom - pair))
    variance = (own + (prior * squares / freedom if prior else 0.0)) / (pair + prior)
    error = math.sqrt(2 * variance / len(common))
    sure = (
        abs(gap) if math.copysign(1.0, mean(best.values()) - mean(other.values())) == math.copysign(1.0, gap) else 0.0
    )
    if error == 0.0:
        return 0.0 if sure else 0.5
    return upper_tail(sure / error, pair + prior)
