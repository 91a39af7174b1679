"""How sure a round's choice is, for its record: rounded, so that it is the same on every machine.

    sure          at least this likely, the chosen candidate is the best
    loss_at_most  what the choice loses at most, in 95 of 100 cases, as a share of the best candidate's efficiency
    again         how likely new seeds would lead to the same choice
    parted        whether the seeds set the chosen candidate apart from every rival

`again` and `loss_at_most` are shares of draws. A candidate's score, and the baseline's, which all share, are drawn from
the normal distribution around its mean: with the variance of the mean for what is true, with twice that for what new
seeds would measure. Resampling the seeds that were measured is overconfident: they know nothing of each other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from samplers.searches.growth.comparison import Comparison
from samplers.searches.growth.loss_race import Standing
from samplers.searches.race.draws import normals
from samplers.searches.race.rivals import parted, sure

DRAWS = 1000
MAX_NUMBERS = 200_000
"""Drawn for one round: of very many candidates, fewer draws."""
LOSS_QUANTILE = 0.95
ROOT_2 = math.sqrt(2)


@dataclass(frozen=True)
class Certainty:
    """What a round's record says of its choice; None where one seed each says nothing, or nothing was chosen."""

    sure: float | None = None
    loss_at_most: float | None = None
    again: float | None = None
    parted: bool = False
    tied: Sequence[Comparison] = ()
    """The chosen candidate and those that its seeds do not set apart from it; none where it stands alone."""


@dataclass(frozen=True)
class _Row:
    """A candidate in the draws."""

    gain: float
    """In the noise's units."""
    per_cost: float
    """What a gain is multiplied with: 1 / added cost, in the leader's; 1 where there is no added cost."""
    is_free: bool
    error: float
    """Standard error of its mean score."""
    seeds: int
    is_leader: bool
    races: bool
    """Whether it is the leader or one of its rivals."""


def certainty(standing: Standing, name: str) -> Certainty:
    """How sure a round's choice is. Draws belong to the round's `name`."""
    if standing.leader is None or not standing.is_known:
        return Certainty()
    rivals = list(standing.rivals.values())
    apart = dict(zip(standing.rivals, parted(rivals), strict=True))
    rows = standing.comparisons
    tied = [rows[place] for place in standing.rivals if not apart[place]]
    again, loss = _drawn(standing, name)
    leader = rows[standing.leader]
    return Certainty(round(sure(rivals), 4), loss, again, not tied, [leader, *tied] if tied else [])


def _drawn(standing: Standing, name: str) -> tuple[float, float]:
    """The share of draws that choose the same, and the quantile of what the choice loses."""
    rows = list(_rows(standing))
    count = max(100, min(DRAWS, MAX_NUMBERS // len(rows)))
    numbers = normals(name)
    same, losses = 0, []
    for _ in range(count):
        errors = _errors(rows, standing.noise.sd, numbers)
        same += _chooses_the_leader(rows, errors)
        losses.append(_loss(rows, errors))
    losses.sort()
    return round(same / count, 3), round(losses[math.ceil(LOSS_QUANTILE * count) - 1], 3)


def _rows(standing: Standing) -> Iterator[_Row]:
    assert standing.leader is not None
    leader_cost = abs(standing.comparisons[standing.leader].added_cost or 1.0)
    for place, row in enumerate(standing.comparisons):
        if row.gain is None or row.added_cost is None or standing.firsts[place] != place:
            continue
        gains = [math.ldexp(gain, -standing.power) for gain in row.gains]
        is_free, is_leader = row.added_cost <= 0, place == standing.leader
        yield _Row(
            gain=math.fsum(gains) / len(gains),
            per_cost=1.0 if is_free else leader_cost / row.added_cost,
            is_free=is_free,
            error=math.sqrt(standing.variance(gains) / len(gains)),
            seeds=len(gains),
            is_leader=is_leader,
            races=place in standing.entrants,
        )


def _errors(rows: Sequence[_Row], noise: float, numbers: Iterator[float]) -> list[float]:
    """The error of every gain. The baseline's mean over more seeds goes on from its mean over fewer: a random walk."""
    baseline, walked, position = {}, 0, 0.0
    for seeds in sorted({row.seeds for row in rows}):
        position += math.sqrt(seeds - walked) * next(numbers)
        walked = seeds
        baseline[seeds] = noise * position / seeds
    return [row.error * next(numbers) - baseline[row.seeds] for row in rows]


def _chooses_the_leader(rows: Sequence[_Row], errors: Sequence[float]) -> bool:
    """Whether other seeds, with twice the variance of a mean, would lead to the same choice."""
    chosen, best = False, (False, 0.0)
    for row, error in zip(rows, errors, strict=True):
        worth = (row.is_free, (row.gain + ROOT_2 * error) * row.per_cost)
        if worth[1] > 0 and worth > best:
            chosen, best = row.is_leader, worth
    return chosen


def _loss(rows: Sequence[_Row], errors: Sequence[float]) -> float:
    """What the leader loses to the best of its rivals, were these the errors: a share from 0 to 1."""
    leading = best = 0.0
    for row, error in zip(rows, errors, strict=True):
        if row.races:
            worth = (row.gain + error) * row.per_cost
            best = max(best, worth)
            leading = worth if row.is_leader else leading
    return 0.0 if best <= 0 else min(1.0, 1 - leading / best)
