"""How sure a growth's round is of its leader, and which candidates get more seeds: the race over a round's table.

Candidates with a gain at no added cost are compared among themselves by gain, the others by gain per added cost; a
candidate of the other kind is no rival. Candidates with equal configurations are one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from samplers.searches.growth.comparison import Comparison, Measurement, best
from samplers.searches.noise import t975
from samplers.searches.race.purchases import Allowance, purchases
from samplers.searches.race.residuals import Noise, residual_noise
from samplers.searches.race.rivals import MAX_PRIOR_FREEDOM, Entrant, Rival, rival_of

RULE = "loss race"
"""The name of this rule in a growth's state and records. Growths that version 0.3 began have none."""


MAX_COST_RATIO = 1e100


@dataclass(frozen=True)
class Standing:
    """The leader of a round so far and its rivals. Keys are places in the table; of equal configurations, the first."""

    comparisons: Sequence[Comparison]
    leader: int | None
    """None: no candidate is eligible."""
    entrants: dict[int, Entrant]
    """The leader and its rivals. Gains are in units of 2^`power`, costs in the leader's."""
    rivals: dict[int, Rival]
    noise: Noise
    """Of one score, in units of 2^`power`."""
    power: int
    firsts: Sequence[int]

    @property
    def noise_for_next(self) -> dict[str, float] | None:
        """The noise of one score as the next round's state holds it."""
        sd = _unscaled(self.noise.sd, self.power)
        return {"sd": sd, "freedom": self.noise.freedom} if self.is_known and math.isfinite(sd) else None

    @property
    def is_known(self) -> bool:
        """Whether anything is known of the noise: not from one seed each in a first round."""
        return self.noise.freedom > 0

    def more(self, allowance: Allowance) -> dict[int, int]:
        """The new number of seeds of each candidate that gets more."""
        if self.leader is None:
            return {}
        return purchases(self.leader, self.entrants, self.rivals, allowance)

    def intervals(self, comparison: Comparison) -> tuple[float | None, float | None]:
        """Half the 95 % interval of a candidate's gain, and of its efficiency, from the moderated noise."""
        prior, count = min(MAX_PRIOR_FREEDOM, self.noise.freedom), len(comparison.gains)
        freedom = prior + count - 1
        if comparison.gain is None or not freedom:
            return None, None
        gains = [math.ldexp(each, -self.power) for each in comparison.gains]
        gain_error = t975(max(1, int(freedom))) * math.sqrt(2 * self.variance(gains) / count)
        half = _finite(_unscaled(gain_error, self.power))
        if half is None or comparison.efficiency is None:
            return half, None
        return half, _finite(half / comparison.added_cost) if comparison.added_cost else None

    def variance(self, gains: Sequence[float]) -> float:
        """The moderated variance of one score of a candidate with these gains, in units of 2^(2 · `power`)."""
        prior = min(MAX_PRIOR_FREEDOM, self.noise.freedom)
        centre = math.fsum(gains) / len(gains)
        own = math.fsum((gain - centre) ** 2 for gain in gains) / 2  # a gain has twice the variance of a score
        return (prior * self.noise.sd * self.noise.sd + own) / (prior + len(gains) - 1)


def standing(
    comparisons: Sequence[Comparison], baseline: Measurement, firsts: Sequence[int], earlier: Noise
) -> Standing:
    """Where a round stands.

    Args:
        comparisons: Its table, in the order of the definition.
        baseline: The baseline, with at least as many seeds as any candidate.
        firsts: Of each candidate, the place of the first one with an equal configuration.
        earlier: The noise of the rounds before.
    """
    measured = [place for place, row in enumerate(comparisons) if row.gain is not None and firsts[place] == place]
    scores = [baseline.scores, *(comparisons[place].measurement.scores for place in measured)]
    power = math.frexp(max(abs(score) for row in scores for score in row))[1]
    found = residual_noise([[math.ldexp(score, -power) for score in row] for row in scores])
    noise = found.with_earlier(Noise(math.ldexp(earlier.sd, -power), earlier.freedom))
    chosen = best(comparisons)
    if chosen is None:
        return Standing(comparisons, None, {}, {}, noise, power, firsts)
    leader = next(place for place in measured if comparisons[place] is chosen)
    entrants = {
        place: _entrant(comparisons[place], chosen, power) for place in measured if _alike(comparisons[place], chosen)
    }
    rivals = {place: rival_of(entrants[leader], other, noise) for place, other in entrants.items() if place != leader}
    return Standing(comparisons, leader, entrants, rivals, noise, power, firsts)


def _alike(row: Comparison, leader: Comparison) -> bool:
    """Whether both are compared by the same measure: gains at no added cost, or gains per added cost."""
    assert row.added_cost is not None
    return (row.added_cost <= 0) == leader.free


def _entrant(row: Comparison, leader: Comparison, power: int) -> Entrant:
    gains = [math.ldexp(gain, -power) for gain in row.gains]
    if leader.free:
        return Entrant(gains, [1.0] * len(gains))
    assert leader.added_cost is not None
    return Entrant(gains, [_within_reach(cost / leader.added_cost) for cost in row.added_costs])


def _within_reach(cost: float) -> float:
    """A cost in the leader's whose square and its inverse are numbers."""
    return math.copysign(min(max(abs(cost), 1 / MAX_COST_RATIO), MAX_COST_RATIO), cost)


def _unscaled(value: float, power: int) -> float:
    """The value times 2^power; infinite where no number holds it."""
    try:
        return math.ldexp(value, power)
    except OverflowError:
        return math.inf


def _finite(value: float) -> float | None:
    """With six digits, so that it is the same on every machine; None where it is infinite."""
    return float(f"{value:.6g}") if math.isfinite(value) else None
