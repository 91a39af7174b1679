"""What a wrong choice would cost: the leader of a comparison against each of its rivals.

A candidate's efficiency is its gain over a baseline that all share, per added cost. The noise of one score is taken
from all that was measured, and moderated: it counts with at most MAX_PRIOR_FREEDOM degrees of freedom beside the pair's
own (Smyth 2004, "Linear models and empirical Bayes methods for assessing differential expression", SAGMB 3(1)). The
loss of a choice is the mean of what a rival is better by, where it is better: Chick & Inoue (2001), "New two-stage and
sequential procedures for selecting the best simulated system", Operations Research 49(5); Branke, Chick & Schmidt
(2007), "Selecting a selection procedure", Management Science 53(12).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from samplers.searches.noise import mean
from samplers.searches.race.residuals import Noise
from samplers.searches.students_t import expected_excess, upper_tail

MAX_PRIOR_FREEDOM = 4
"""The most degrees of freedom that the noise of all candidates counts for beside a pair's own."""
MIN_LOSS_FREEDOM = 4
"""Of the expected loss, which is infinite with one degree of freedom and wild with two or three."""
FAMILY_ERROR = 0.05
"""Of the word "parted", for all rivals together."""


@dataclass(frozen=True)
class Entrant:
    """A candidate of a comparison, measured with the first seeds."""

    gains: Sequence[float]
    """Its score less the baseline's, a value a seed; more is better."""
    costs: Sequence[float]
    """Its added cost, a value a seed. One each where gains alone are compared."""

    @cached_property
    def cost(self) -> float:
        return mean(self.costs)

    @cached_property
    def efficiency(self) -> float:
        return mean(self.gains) / self.cost

    @cached_property
    def by_seed(self) -> Sequence[float]:
        """What each seed says of the efficiency, to first order of a ratio of means (Cochran 1977, "Sampling
        techniques", 6.3). Where the added cost is the same with every seed, it is gain / added cost."""
        return [
            self.efficiency + (gain - self.efficiency * cost) / self.cost
            for gain, cost in zip(self.gains, self.costs, strict=True)
        ]

    @property
    def part(self) -> float:
        """Its share of an efficiency's error, in units of the noise's variance."""
        return 1 / self.cost / self.cost / len(self.gains)


@dataclass(frozen=True)
class Rival:
    """How a candidate stands against the leader."""

    p: float
    """The probability that it is better than the leader, one-sided."""
    loss: float
    """The mean of what the leader loses to it, as a share of the leader's efficiency."""


def rival_of(leader: Entrant, other: Entrant, noise: Noise) -> Rival:
    """How `other` stands against the leader, whose efficiency is above 0 and not less.

    Without any noise known, from one seed each in a first round, p is a half and the loss infinite.
    """
    mine, its = 1 / leader.cost, 1 / other.cost
    factor = 2 * (its * its + mine * mine - its * mine)
    differences = [ahead - behind for ahead, behind in zip(leader.by_seed, other.by_seed, strict=False)]
    centre = mean(differences)
    own = math.fsum((each - centre) ** 2 for each in differences) / factor
    prior = min(MAX_PRIOR_FREEDOM, noise.freedom)
    freedom = prior + len(differences) - 1
    if not freedom:
        return Rival(0.5, math.inf)
    gap = max(0.0, leader.efficiency - other.efficiency)
    error = math.sqrt((prior * noise.sd * noise.sd + own) / freedom * _pair_factor(leader, other))
    if not error or not leader.efficiency:
        return Rival(0.0 if gap > 0 else 0.5, 0.0)
    z = gap / error
    p = upper_tail(z, max(1, int(freedom)))
    return Rival(p, error * expected_excess(z, max(MIN_LOSS_FREEDOM, int(freedom))) / leader.efficiency)


def _pair_factor(leader: Entrant, other: Entrant) -> float:
    """The variance of the difference of two efficiencies, in units of the noise's variance: the baseline is common."""
    covered = 2 / leader.cost / other.cost / max(len(leader.gains), len(other.gains))
    return 2 * leader.part + 2 * other.part - covered


def sure(rivals: Sequence[Rival]) -> float:
    """How likely the leader is the best, at least: Bonferroni's bound over its rivals."""
    return max(0.0, 1 - sum(each.p for each in rivals))


def parted(rivals: Sequence[Rival]) -> list[bool]:
    """Of each rival, whether the seeds set it apart from the leader, for all rivals together at 95 %: Gupta (1965), "On
    some multiple decision rules", Technometrics 7(2), with Bonferroni's bound."""
    return [each.p < FAMILY_ERROR / len(rivals) for each in rivals]
