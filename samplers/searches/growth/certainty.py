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
    """A candidate in the draws: its gain in the noise's units, its cost as a share of the leader's."""

    gain: float
    cost: float
    error: float
    """Standard error of its mean score."""
    seeds: int

    def rank(self, gain: float) -> tuple[bool, float]:
        """Larger is better: a gain at no added cost first, then the gain per added cost."""
        return self.cost <= 0, gain if self.cost <= 0 else gain / self.cost


def certainty(standing: Standing, firsts: Sequence[int], name: str) -> Certainty:
    """What is said of a round's choice. Draws belong to the round's `name`."""
    if standing.leader is None or not standing.is_known:
        return Certainty()
    rivals = list(standing.rivals.values())
    apart = dict(zip(standing.rivals, parted(rivals), strict=True))
    rows = standing.comparisons
    tied = [rows[place] for place in standing.rivals if not apart[place]]
    again, loss = _drawn(standing, firsts, name)
    leader = rows[standing.leader]
    return Certainty(round(sure(rivals), 4), loss, again, not tied, [leader, *tied] if tied else [])


def _drawn(standing: Standing, firsts: Sequence[int], name: str) -> tuple[float, float]:
    assert standing.leader is not None
    rows = dict(_rows(standing, firsts))
    count = max(100, min(DRAWS, MAX_NUMBERS // len(rows)))
    numbers = normals(name)
    same, losses = 0, []
    for _ in range(count):
        errors = _errors(rows, standing.noise.sd, numbers)
        repeated = {place: row.gain + math.sqrt(2) * errors[place] for place, row in rows.items()}
        helping = [place for place, gain in repeated.items() if gain > 0]
        chosen = max(helping, key=lambda place: rows[place].rank(repeated[place]), default=None)
        same += chosen == standing.leader
        losses.append(_loss(standing, {place: row.gain + errors[place] for place, row in rows.items()}))
    losses.sort()
    return round(same / count, 3), round(losses[math.ceil(LOSS_QUANTILE * count) - 1], 3)


def _rows(standing: Standing, firsts: Sequence[int]) -> Iterator[tuple[int, _Row]]:
    leader_cost = standing.comparisons[standing.leader or 0].added_cost or 1.0
    for place, row in enumerate(standing.comparisons):
        if row.gain is None or row.added_cost is None or firsts[place] != place:
            continue
        gains = [math.ldexp(gain, -standing.power) for gain in row.gains]
        error = math.sqrt(standing.variance(gains) / len(gains))
        yield place, _Row(math.fsum(gains) / len(gains), row.added_cost / abs(leader_cost), error, len(gains))


def _errors(rows: dict[int, _Row], noise: float, numbers: Iterator[float]) -> dict[int, float]:
    """The error of every gain. The baseline's mean over more seeds goes on from its mean over fewer: a random walk."""
    baseline, walked, position = {}, 0, 0.0
    for seeds in sorted({row.seeds for row in rows.values()}):
        position += math.sqrt(seeds - walked) * next(numbers)
        walked = seeds
        baseline[seeds] = noise * position / seeds
    return {place: row.error * next(numbers) - baseline[row.seeds] for place, row in rows.items()}


def _loss(standing: Standing, true_gains: dict[int, float]) -> float:
    """What the leader loses to the best of its rivals, were these the true gains: a share from 0 to 1."""
    efficiencies = {place: true_gains[place] / each.cost for place, each in standing.entrants.items()}
    best = max(efficiencies.values())
    assert standing.leader is not None
    return 0.0 if best <= 0 else min(1.0, 1 - efficiencies[standing.leader] / best)
