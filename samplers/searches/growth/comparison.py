"""How a candidate of a growth compares with the baseline, and which candidates lead.

With the seeds S that the candidate and the baseline share,

    gain       = mean over S of score(candidate, s) - score(baseline, s)      (its negative when minimizing)
    added cost = mean over S of cost(candidate, s) - cost(baseline, s)
    efficiency = gain / added cost

A candidate is eligible if its gain is above zero. A gain at no added cost is free and comes before every gain at a
cost; free gains are ordered by gain, the others by efficiency. Equal ones are ordered by added cost, then by the
definition.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from samplers.searches.growth.candidates import Candidate
from samplers.searches.noise import inseparable, mean
from samplers.searches.plan import Config, Result


@dataclass(frozen=True)
class Measurement:
    """A configuration with its finished points, one a seed."""

    config: Config
    results: Sequence[Result]
    scores: Sequence[float]
    costs: Sequence[float]
    reason: str | None = None
    """Why the configuration has no scores: one of its trials failed, was pruned or lacks a metric."""


@dataclass(frozen=True)
class Comparison:
    """A candidate compared with the baseline: one row of a round's table."""

    candidate: Candidate
    measurement: Measurement
    gains: Sequence[float]
    """Paired differences of the score, one a seed."""
    added_costs: Sequence[float]
    """Paired differences of the cost, one a seed."""
    gain: float | None
    added_cost: float | None
    efficiency: float | None
    reason: str | None
    """Why the candidate cannot be chosen, or that its gain is free."""

    @property
    def eligible(self) -> bool:
        """Whether the candidate may be chosen."""
        return self.gain is not None and self.gain > 0

    @property
    def free(self) -> bool:
        """Whether there is a gain at no added cost."""
        return self.eligible and self.added_cost is not None and self.added_cost <= 0

    @property
    def worth(self) -> Sequence[float]:
        """What candidates are ranked by, a value a seed: the gain if it is free, else the gain per added cost."""
        if self.free or not self.added_cost:
            return self.gains
        return [gain / self.added_cost for gain in self.gains]

    @property
    def rank(self) -> tuple[float, ...]:
        """Sort key of an eligible candidate: the best has the smallest."""
        assert self.gain is not None and self.added_cost is not None
        worth = self.gain if self.free else self.efficiency
        assert worth is not None
        return (not self.free, -worth, self.added_cost)


@dataclass(frozen=True)
class Scoring:
    """Which metrics decide, and which direction of the score is better."""

    metric: str
    direction: str
    cost: str

    def measure(self, config: Config, results: Sequence[Result]) -> Measurement:
        """The scores and costs of a configuration's trials, or the first reason why there are none."""
        for result in results:
            reason = self._missing(result)
            if reason is not None:
                return Measurement(config, results, (), (), reason)
        scores = [result.metrics[self.metric] for result in results]
        return Measurement(config, results, scores, [result.metrics[self.cost] for result in results])

    def _missing(self, result: Result) -> str | None:
        if result.failure is not None:
            return result.failure
        for name in (self.metric, self.cost):
            if name not in result.metrics:
                return f"trial {result.trial} returned no metric {name!r}"
        return None

    def compare(self, candidate: Candidate, measurement: Measurement, baseline: Measurement) -> Comparison:
        """Gain, added cost and efficiency over the seeds that both have.

        >>> scoring = Scoring("loss", "minimize", "params")
        >>> results = [Result(n, "COMPLETE", {"loss": 2 - n, "params": 10 + 20 * n}) for n in range(2)]
        >>> baseline, wider = scoring.measure({"width": 8}, results[:1]), scoring.measure({"width": 16}, results[1:])
        >>> comparison = scoring.compare(Candidate("width", 16, {"width": 16}), wider, baseline)
        >>> comparison.gain, comparison.added_cost, comparison.efficiency
        (1.0, 20.0, 0.05)
        """
        if measurement.reason is not None:
            return _incomparable(candidate, measurement, measurement.reason)
        sign = 1.0 if self.direction == "maximize" else -1.0
        scores = zip(measurement.scores, baseline.scores, strict=False)
        costs = zip(measurement.costs, baseline.costs, strict=False)
        gains = [sign * (candidate_score - baseline_score) for candidate_score, baseline_score in scores]
        added_costs = [candidate_cost - baseline_cost for candidate_cost, baseline_cost in costs]
        if not all(map(math.isfinite, (*gains, *added_costs))):
            return _incomparable(candidate, measurement, "its gain or added cost is too large for a number")
        gain, added_cost = mean(gains), mean(added_costs)
        efficiency = gain / added_cost if added_cost > 0 else None
        if efficiency is not None and not math.isfinite(efficiency):
            return _incomparable(candidate, measurement, "its efficiency is too large for a number")
        reason = "no gain" if gain <= 0 else "a gain at no added cost" if added_cost <= 0 else None
        return Comparison(candidate, measurement, gains, added_costs, gain, added_cost, efficiency, reason)


def _incomparable(candidate: Candidate, measurement: Measurement, reason: str) -> Comparison:
    return Comparison(candidate, measurement, (), (), None, None, None, reason)


def best(comparisons: Sequence[Comparison]) -> Comparison | None:
    """The eligible candidate of the smallest rank, the first of equals; None if no candidate is eligible."""
    eligible = [comparison for comparison in comparisons if comparison.eligible]
    return min(eligible, key=lambda comparison: comparison.rank) if eligible else None


def tied_leaders(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """The leader and the candidates that its seeds cannot tell from it; empty if the leader stands alone."""
    leader = best(comparisons)
    if leader is None:
        return []
    tied = [
        comparison
        for comparison in comparisons
        if comparison.eligible
        and comparison is not leader
        and comparison.free == leader.free
        and inseparable(leader.worth, comparison.worth)
    ]
    return [leader, *tied] if tied else []
