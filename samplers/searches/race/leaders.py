"""A race of a search's best settings, without a baseline: who leads, who may be better, and who gets more seeds.

A setting's gain is its score beyond the median setting's, of two beyond the other's, so that a loss is a share of what
the leader gains on a setting from the middle. Noise is taken from all settings; the MAX_RACERS best run against each
other. Whoever falls out of them rests, and comes back if the others fall.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median_high

from samplers.searches.noise import mean
from samplers.searches.race.purchases import Allowance, purchases
from samplers.searches.race.residuals import residual_noise
from samplers.searches.race.rivals import Entrant, Rival, rival_of, sure

MAX_RACERS = 8


@dataclass(frozen=True)
class Standing:
    """How the best settings stand against each other."""

    leader: int
    rivals: Mapping[int, Rival]
    more: Mapping[int, int]
    """The new number of seeds of each setting that gets more; empty: the leader is chosen."""

    @property
    def sure(self) -> float:
        """How likely the leader is the best of the racers, at least."""
        return sure(list(self.rivals.values()))

    @property
    def loss(self) -> float:
        """The most that the leader is expected to lose to one rival, as a share of its gain on the median setting."""
        return max((rival.loss for rival in self.rivals.values()), default=0.0)


def standing(scores: Mapping[int, Sequence[float]], direction: str, allowance: Allowance) -> Standing | None:
    """The race of settings, from each one's scores with the first seeds; None if none is better than the median, or
    than the other of two.

    >>> scores = {0: [1.0, 1.6], 1: [1.3, 1.2], 2: [2.0, 2.1], 3: [2.6, 2.2], 4: [2.1, 2.0]}
    >>> found = standing(scores, "minimize", Allowance(16))
    >>> found.leader, found.more
    (1, {0: 3, 1: 3})
    """
    sign = 1.0 if direction == "maximize" else -1.0
    means = {key: sign * mean(values) for key, values in scores.items()}
    if not means:
        return None
    middle = median_high(means.values()) if len(means) != 2 else min(means.values())
    ranked = sorted(means, key=lambda key: (-means[key], key))
    leader = ranked[0]
    if means[leader] <= middle:
        return None
    entrants = {
        key: Entrant([sign * value - middle for value in scores[key]], [1.0] * len(scores[key]))
        for key in ranked[:MAX_RACERS]
    }
    noise = residual_noise([list(values) for values in scores.values()])
    rivals = {key: rival_of(entrants[leader], entrants[key], noise) for key in ranked[1:MAX_RACERS]}
    return Standing(leader, rivals, purchases(leader, entrants, rivals, allowance))
