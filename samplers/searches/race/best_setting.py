"""The race for the best of many settings that share no baseline: a grid's, or a tuning's.

A setting is compared with the leader over the seeds that both have. A loss is a share of what the leader gains over the
setting in the middle (the median of the means): a score's own size says nothing of what is worth a training.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from samplers.searches.noise import mean
from samplers.searches.race.purchases import Allowance, purchases
from samplers.searches.race.residuals import residual_noise
from samplers.searches.race.rivals import Entrant, Rival, rival_over_common_seeds, sure


@dataclass(frozen=True)
class SettingsRace:
    """Where a race stands. Keys are places in the settings."""

    leader: int
    rivals: dict[int, Rival]
    more: dict[int, int]
    """The new number of seeds of each setting that gets more; empty: the race is over."""

    @property
    def sure(self) -> float:
        """How likely the leader is the best, at least."""
        return sure(list(self.rivals.values()))


def race_of(settings: Sequence[Sequence[float]], allowance: Allowance) -> SettingsRace:
    """The race of one or more settings, each with its scores over the first seeds; more is better.

    >>> close = race_of([[5.0, 5.2], [5.1, 4.9], [1.0, 1.2]], Allowance(16))
    >>> close.leader, close.more
    (0, {0: 3, 1: 3})
    """
    power = math.frexp(max(abs(score) for scores in settings for score in scores))[1]
    scaled = [[math.ldexp(score, -power) for score in scores] for scores in settings]
    means = [mean(scores) for scores in scaled]
    leader = max(range(len(means)), key=lambda place: means[place])
    worth = means[leader] - median(means)
    noise = residual_noise(scaled)
    rivals = {
        place: rival_over_common_seeds(scaled[leader], scores, noise, worth)
        for place, scores in enumerate(scaled)
        if place != leader
    }
    entrants = {place: Entrant(scores, [1.0] * len(scores)) for place, scores in enumerate(scaled)}
    return SettingsRace(leader, rivals, purchases(leader, entrants, rivals, allowance))
