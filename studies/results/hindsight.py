"""A growth in hindsight: the front of score against cost over all that it measured, and where its path lies behind.

A growth sees one round at a time. Looking back, a candidate that one round passed over may score more, for no more
cost, than where the path was rounds later. Scores are compared only while the budget and the configuration stayed as
they were, so of the longest such stretch of rounds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from samplers.searches.noise import inseparable, standard_error, t975
from samplers.searches.plural import counted
from storage.records import DecisionRow
from studies.history.decisions import in_force
from studies.history.purpose import candidate_name
from studies.tables.digits import number, shown
from studies.tables.table import Figure

MIN_ROUNDS = 2
"""One round alone never passes over what would have been better and no dearer."""
MAX_NAMES = 8
MAX_LINES = 3


@dataclass(frozen=True)
class Place:
    """A configuration that was measured."""

    round: int
    name: str
    choice: Mapping[str, Any] | None
    """None: the start."""
    score: float
    cost: float
    scores: Sequence[float]
    """One a seed."""
    taken: bool
    """Whether the path has it."""

    @property
    def text(self) -> str:
        return self.name if self.taken else f"{self.name} (round {self.round}, not taken)"

    def to_json(self) -> dict[str, Any]:
        kept = {"round": self.round, "chosen": self.choice, "score": self.score, "cost": self.cost}
        return {**kept, "taken": self.taken}


@dataclass(frozen=True)
class Behind:
    """A step of the path, and what was measured and passed over that is better and no dearer."""

    step: Place
    better: Place

    @property
    def better_by(self) -> float:
        """The difference of the mean scores, above zero."""
        return abs(self.better.score - self.step.score)

    @property
    def error(self) -> float | None:
        """Standard error of the difference over the seeds that both have."""
        error = standard_error([a - b for a, b in zip(self.better.scores, self.step.scores, strict=False)])
        return error if error is not None and math.isfinite(error) else None

    @property
    def _half(self) -> float | None:
        """Of the 95 % interval of the difference."""
        pairs = min(len(self.better.scores), len(self.step.scores))
        return None if self.error is None else t975(pairs - 1) * self.error

    @property
    def sure(self) -> bool:
        """Whether the seeds tell the two apart."""
        return self.error is not None and not inseparable(self.better.scores, self.step.scores)

    @property
    def text(self) -> str:
        doubt = "" if self.sure else "; one seed cannot tell" if self.error is None else "; the seeds cannot tell"
        by = shown(Figure(self.better_by, self._half))
        return (
            f"in hindsight, round {self.step.round} took {self.step.name} at cost {number(self.step.cost)}, but"
            f" {self.better.name} of round {self.better.round} costs {number(self.better.cost)} and scores"
            f" {by} better{doubt}"
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "taken": self.step.to_json(),
            "instead": self.better.to_json(),
            "better_by": self.better_by,
            "better_by_error": self.error,
            "sure": self.sure,
        }


@dataclass(frozen=True)
class Hindsight:
    """A stretch of a growth, looked back on."""

    rounds: tuple[int, int]
    """The first and the last."""
    measured: int
    front: Sequence[Place]
    """From cheap to dear: nothing measured is as cheap and better."""
    behind: Sequence[Behind] = field(default_factory=list)

    @property
    def short(self) -> list[str]:
        """What `show` says without `--whole`: how much of the front the path has missed, and where."""
        missed = sum(not each.taken for each in self.front)
        if not missed:
            return []
        path = f"in hindsight, {missed} of the {len(self.front)} best scores for their cost are not on the path"
        return [f"{path}: --whole lists them", *self._behind]

    @property
    def notes(self) -> list[str]:
        """What `show --whole` says."""
        first, last = self.rounds
        names = [each.text for each in self.front]
        more = [f"and {len(names) - MAX_NAMES} more"] if len(names) > MAX_NAMES else []
        front = (
            f"in hindsight, the best scores for their cost among all {self.measured} configurations that rounds {first}"
            f" to {last} measured, from cheap to dear: {', '.join([*names[:MAX_NAMES], *more])}"
        )
        return [front, *self._behind]

    @property
    def _behind(self) -> list[str]:
        left = len(self.behind) - MAX_LINES
        more = f"{counted(left, 'more step')} {'is' if left == 1 else 'are'} behind"
        rest = [f"in hindsight, {more}: show --json lists them"] if left > 0 else []
        return [*(each.text for each in self.behind[:MAX_LINES]), *rest]

    def to_json(self) -> dict[str, Any]:
        return {
            "rounds": list(self.rounds),
            "measured": self.measured,
            "front": [each.to_json() for each in self.front],
            "otherwise": [each.to_json() for each in self.behind],
        }


def hindsight(decisions: Sequence[DecisionRow], direction: str) -> Hindsight | None:
    """Look back on the longest stretch; None while it has no two rounds."""
    sign = 1.0 if direction == "maximize" else -1.0
    stretch = max(reversed(list(_stretches(decisions))), key=len)
    if len(stretch) < MIN_ROUNDS:
        return None
    places = list(_places(stretch))
    front = front_of(places, sign)
    behind = []
    passed_over = [each for each in front if not each.taken]
    for step in places:
        better = [each for each in passed_over if each.cost <= step.cost and sign * each.score > sign * step.score]
        if step.taken and better:
            behind.append(Behind(step, max(better, key=lambda each: sign * each.score)))
    return Hindsight((stretch[0]["round"], stretch[-1]["round"]), len(places), front, behind)


def front_of(places: Sequence[Place], sign: float) -> list[Place]:
    """The Pareto front, the cheapest first; of equals the path's own."""
    kept: list[Place] = []
    for place in sorted(places, key=lambda each: (each.cost, -sign * each.score, not each.taken)):
        if not kept or sign * place.score > sign * kept[-1].score:
            kept.append(place)
    return kept


def _stretches(decisions: Sequence[DecisionRow]) -> Iterator[list[Mapping[str, Any]]]:
    """Rounds with candidates between which nothing was raised or overridden."""
    rounds: list[Mapping[str, Any]] = []
    for row in in_force(decisions):
        if row.kind != "override" and row.record["candidates"]:
            rounds.append(row.record)
        if row.kind == "override" or row.record.get("raised"):
            yield rounds
            rounds = []
    yield rounds


def _places(rounds: Sequence[Mapping[str, Any]]) -> Iterator[Place]:
    """The start and every candidate with a score. What was chosen is the next baseline, which may have more seeds."""
    yield _place(rounds[0], "start", None, rounds[0]["baseline"], taken=True)
    for record, following in zip(rounds, [*rounds[1:], None], strict=True):
        for each in record["candidates"]:
            if each["score"] is None:
                continue
            measured = following["baseline"] if each["chosen"] and following is not None else each
            choice = {"param": each["param"], "value": each["value"]}
            yield _place(record, candidate_name(each), choice, measured, each["chosen"])


def _place(
    record: Mapping[str, Any], name: str, choice: Mapping[str, Any] | None, measured: Mapping[str, Any], taken: bool
) -> Place:
    scores = [seed["score"] for seed in measured["seeds"]]
    return Place(record["round"], name, choice, measured["score"], measured["cost"], scores, taken)
