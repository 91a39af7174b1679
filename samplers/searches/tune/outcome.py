"""What a sampler is told about a setting: one outcome over all of its seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from samplers.searches.noise import mean
from samplers.searches.plan import Result
from samplers.searches.scores import known_value
from samplers.searches.tune.constraints import Constraint

Score = tuple[str, str]
"""A metric, or an expression over several, and its direction."""


@dataclass(frozen=True)
class Outcome:
    """The end of a setting as JSON values: it is kept in the record of the decision that told it."""

    setting: int
    state: Literal["COMPLETE", "PRUNED", "FAIL"]
    values: Sequence[float] | None = None
    """The mean of each score over the seeds that completed; None unless the state is COMPLETE."""
    constraints: Mapping[str, float] = field(default_factory=dict)
    """By how much each constraint is missed, by its text: the mean over the same seeds; at most 0 where it is met."""
    by_seed: Sequence[Sequence[float] | None] = ()
    """The scores of each seed; None of one that did not complete."""
    trials: Sequence[int] = ()
    """Numbers of the trials of all seeds."""
    completed: int = 0
    """Seeds that completed."""
    last_report: tuple[int, float] | None = None
    """Of a pruned setting: the first step at which a seed was pruned, and the mean of what its pruned seeds reported
    last; None if nothing was reported."""
    cause: str | None = None
    """Why the first seed that did not complete did not: `out_of_memory`, `diverged`, `refused`, `pruned`, …"""
    reason: str | None = None
    """The same for people, in one line."""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """Attributes that the sampler writes to the setting's trial at its end."""

    @staticmethod
    def of(
        setting: int, results: Sequence[Result], scores: Sequence[Score], constraints: Sequence[Constraint] = ()
    ) -> Outcome:
        """From the results of all seeds, as Optuna would be told them: the mean over those that completed.

        A setting is pruned if one of its seeds is, and has failed if none has completed with finite scores.
        """
        values = [_values(result, scores, constraints) for result in results]
        found = [each for each in values if each is not None]
        bad = next((result for result, each in zip(results, values, strict=True) if each is None), None)
        pruned = any(result.state == "PRUNED" for result in results)
        state: Literal["COMPLETE", "PRUNED", "FAIL"] = "PRUNED" if pruned else "COMPLETE" if found else "FAIL"
        means = [mean(column) for column in zip(*found, strict=True)] if state == "COMPLETE" else []
        return Outcome(
            setting=setting,
            state=state,
            values=means[: len(scores)] or None,
            constraints={each.text: value for each, value in zip(constraints, means[len(scores) :], strict=False)},
            by_seed=[None if each is None else each[: len(scores)] for each in values],
            trials=[result.trial for result in results],
            completed=len(found),
            last_report=_last_report(results),
            cause=None if bad is None else _cause(bad),
            reason=None if bad is None else bad.reason,
        )

    @property
    def feasible(self) -> bool:
        """Whether the setting completed and meets all constraints."""
        return self.state == "COMPLETE" and all(excess <= 0 for excess in self.constraints.values())

    @property
    def ranked(self) -> bool:
        """Whether the setting may be the best: it meets all constraints, and each of its seeds completed."""
        return self.feasible and None not in self.by_seed

    def to_json(self) -> dict[str, Any]:
        """As it stands in a record."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @staticmethod
    def from_json(given: Mapping[str, Any]) -> Outcome:
        """From a record."""
        return Outcome(**given)


def _values(result: Result, scores: Sequence[Score], constraints: Sequence[Constraint]) -> list[float] | None:
    """The scores of one seed, then its constraints; None unless it completed and all are finite."""
    if result.state != "COMPLETE":
        return None
    values = [known_value(metric, result.metrics) for metric, _ in scores]
    values += [constraint.value(result.metrics) for constraint in constraints]
    finite = [value for value in values if value is not None and math.isfinite(value)]
    return finite if len(finite) == len(values) else None


def _last_report(results: Sequence[Result]) -> tuple[int, float] | None:
    reports = [result.last_report for result in results if result.state == "PRUNED" and result.last_report is not None]
    if not reports or not all(math.isfinite(value) for _, value in reports):
        return None
    return min(step for step, _ in reports), mean(value for _, value in reports)


def _cause(result: Result) -> str:
    if result.refused:
        return "refused"
    return {"COMPLETE": "no finite value", "PRUNED": "pruned"}.get(result.state, result.outcome or "failed")
