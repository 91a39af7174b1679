"""What an attempt's end leads to: the table of outcomes as one function of values.

| outcome | what happens |
|---|---|
| given back | WAITING again, free of charge |
| lost | WAITING again, free of charge; FAIL once that has happened often in a row, since the trial itself does it |
| out of memory | once more, alone on its device; then FAIL. FAIL at once if the search looks for the limit |
| error, killed | up to `attempts`, then FAIL with the last lines of its log |
| timed out, diverged, invalid | FAIL at once: it would happen again |
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import takewhile

from objectives.outcome import Kind, Outcome
from samplers.searches.scores import best_of, known_value, value_of
from storage.errors import UsageError
from storage.records import StudyRow
from storage.shown import shown_value
from studies.definition.definition import SEEK_LIMITS, Definition

CHARGED = (Kind.ERROR.value, Kind.KILLED.value)
MAX_LOSSES_IN_A_ROW = 10
"""Attempts that are lost with nothing else between them; the last of these fails the trial."""


@dataclass(frozen=True)
class Requirements:
    """What a study needs of an attempt."""

    scores: Sequence[str]
    cost: str | None
    attempts: int
    seeks_limit: bool = False
    """Whether the search looks for the largest value that fits: out of memory is then an answer."""
    shown: Callable[[float], float] = float
    """A score as Optuna shows it."""
    best: str | None = None
    """The direction, where the score is the best of the reported values and not the last one."""

    @staticmethod
    def of(definition: Definition, study: StudyRow) -> Requirements:
        """What a definition in force says."""
        shown = partial(shown_value, study.search, study.origin)
        best = definition.direction if definition.score_of == "best" else None
        needs = ([each.metric for each in definition.scores], definition.cost, definition.attempts)
        return Requirements(*needs, definition.search in SEEK_LIMITS, shown, best)

    def with_score(self, metrics: Mapping[str, float]) -> Mapping[str, float]:
        """Reported metrics with the scores' values among them, where they are expressions over these."""
        known = {name: known_value(name, metrics) for name in self.scores}
        return {**metrics, **{name: value for name, value in known.items() if value is not None}}

    @property
    def score(self) -> str:
        """The first of the scores; of most studies the only one."""
        return self.scores[0]

    def values(self, metrics: Mapping[str, float]) -> list[float]:
        """The values that Optuna shows of a completed trial: a score each, in order."""
        return [self.shown(metrics[name]) for name in self.scores]

    def reported(self, metrics: Mapping[str, float]) -> float | None:
        """The value that Optuna shows of a report: of several scores none, since its studies of several have no
        reports."""
        value = metrics.get(self.score) if len(self.scores) == 1 else None
        return None if value is None else self.shown(value)


@dataclass(frozen=True)
class Finish:
    """The trial ends here, in this state."""

    state: str
    values: Sequence[float]
    """As Optuna shows them; empty but of a COMPLETE trial."""
    reason: str | None


def judge(outcome: Outcome, required: Requirements) -> Outcome:
    """A completed attempt becomes invalid or diverged if it lacks a number that the study needs."""
    if outcome.kind is not Kind.COMPLETED:
        return outcome
    metrics = dict(outcome.metrics)
    for name in filter(None, (*required.scores, required.cost)):
        try:
            value = value_of(name, metrics)
        except UsageError as error:
            return replace(outcome, kind=Kind.INVALID, message=str(error))
        if value is None:
            message = f"the objective returned no {name!r}; it returned: {', '.join(outcome.metrics) or 'nothing'}"
            return replace(outcome, kind=Kind.INVALID, message=message)
        if not math.isfinite(value):
            return replace(outcome, kind=Kind.DIVERGED, message=f"{name} is {value}")
        metrics[name] = value
    return replace(outcome, metrics=metrics)


def with_best(outcome: Outcome, reported: Iterable[Mapping[str, float]], required: Requirements) -> Outcome:
    """With the best score that a completed trial reported in place of its last one, which is kept beside it."""
    if outcome.kind is not Kind.COMPLETED or required.best is None:
        return outcome
    last = known_value(required.score, outcome.metrics)
    best = best_of([*(known_value(required.score, each) for each in reported), last], required.best)
    if best is None:
        return outcome
    kept = {} if last is None else {f"{required.score}.last": last}
    return replace(outcome, metrics={**outcome.metrics, **kept, required.score: best})


def consequence(outcome: Outcome, earlier: Sequence[str], required: Requirements) -> Finish | None:
    """The trial's end, from its judged outcome and the outcomes of its earlier attempts; None: it waits for another."""
    reason = f"{outcome.kind.value.replace('_', ' ')}: {outcome.message}".removesuffix(": ")
    match outcome.kind:
        case Kind.COMPLETED:
            return Finish("COMPLETE", required.values(outcome.metrics), None)
        case Kind.PRUNED:
            return Finish("PRUNED", (), reason)
        case Kind.GIVEN_BACK:
            return None
        case Kind.LOST:
            losses = 1 + _losses_in_a_row(earlier)
            why = f"{reason}, {losses} losses in a row: the objective may kill processes that are not its own"
            return None if losses < MAX_LOSSES_IN_A_ROW else Finish("FAIL", (), why)
        case Kind.OUT_OF_MEMORY if Kind.OUT_OF_MEMORY.value not in earlier and not required.seeks_limit:
            return None
        case Kind.ERROR | Kind.KILLED if sum(each in CHARGED for each in earlier) + 1 < required.attempts:
            return None
        case _:
            return Finish("FAIL", (), reason)


def again_text(outcome: Outcome, earlier: Sequence[str], required: Requirements) -> str:
    """What happened to a trial that waits for another attempt, and what comes next."""
    why = f"{outcome.kind.value.replace('_', ' ')}: {outcome.message}".removesuffix(": ").removeprefix("error: ")
    match outcome.kind:
        case Kind.GIVEN_BACK:
            return "was stopped; it will be run again"
        case Kind.LOST:
            return f"was lost: {outcome.message or 'its process is gone'}; it will be run again"
        case Kind.OUT_OF_MEMORY:
            return f"failed: {why}; trying again, alone on its device"
        case _:
            attempt = sum(each in CHARGED for each in earlier) + 2
            return f"failed: {why}; trying again (attempt {attempt} of {required.attempts})"


def _losses_in_a_row(outcomes: Sequence[str]) -> int:
    """How many attempts were lost since the last one that ended in another way."""
    return sum(1 for _ in takewhile(lambda each: each == Kind.LOST.value, reversed(outcomes)))
