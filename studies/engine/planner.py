"""What is done next is decided here: read the last decision, ask the search, write down what it says.

Planning is the same code at the start, in the middle and after any crash. One planner at a time holds Optuna's lock on
the study; a decision and the state after it are one row, so whoever comes next goes on from there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from samplers.searches.growth.speculation import likely_next, speculates
from samplers.searches.plan import Decision, Done, Need, Point, Result, Results, Search
from storage.ledger import AHEAD, Known, Ledger, NewPoint
from storage.reader import Reader
from storage.records import EndKind
from storage.studies import set_outcome
from studies.history.trials import finished_results

Refusals = Callable[[Sequence[Mapping[str, object]]], Sequence[str | None]]
"""Why each of these configs cannot run, or None: the objective's `validate`, asked before a point takes a slot."""


@dataclass(frozen=True)
class Waiting:
    """The search waits for points that are planned."""

    why: str
    round: int
    """The number of the decision that waits."""
    left: int
    """Points that it waits for, as of now."""


@dataclass(frozen=True)
class Judged:
    """What an objective said of points that are to be planned, by hash: why it refuses one, or None."""

    verdicts: Mapping[str, str | None]

    def missing(self, points: Iterable[Point]) -> list[Point]:
        """Those that it was not asked about yet."""
        return [point for point in points if point.hash not in self.verdicts]


class Noted(Mapping[str, Result]):
    """Results by hash that remember which of them were looked at: a decision is kept with what it was made from."""

    def __init__(self) -> None:
        self.known: dict[str, Result] = {}
        self.trials: dict[str, int] = {}
        self.used: set[str] = set()

    def add(self, results: Results, known: Mapping[str, Known]) -> None:
        self.known |= results
        self.trials |= {hash_: known[hash_].trial_id for hash_ in results}

    def __getitem__(self, hash_: str) -> Result:
        result = self.known[hash_]
        self.used.add(hash_)
        return result

    def __iter__(self) -> Iterator[str]:
        return iter(self.known)

    def __len__(self) -> int:
        return len(self.known)

    def take_used(self) -> list[int]:
        """Ids of the trials looked at since the last call, or since `used` was emptied."""
        used, self.used = self.used, set()
        return sorted(self.trials[hash_] for hash_ in used)


def plan(ledger: Ledger, search: Search, refusals: Refusals, code: str) -> Waiting | Done:
    """Take every decision that can be taken and plan what the next one needs.

    The objective judges new configs outside the transaction, so the study's row is never held while user code runs.
    """
    verdicts: dict[str, str | None] = {}
    while True:
        step = _plan_judged(ledger, search, Judged(verdicts), code)
        if not isinstance(step, list):
            return step
        answers = refusals([point.config for point in step])
        verdicts |= {point.hash: answer for point, answer in zip(step, answers, strict=True)}


def _plan_judged(ledger: Ledger, search: Search, judged: Judged, code: str) -> Waiting | Done | list[Point]:
    """One planning transaction; a list of points if some still have to be judged."""
    results = Noted()
    with ledger.planning():
        last = ledger.last_decision()
        made, state = (0, search.start()) if last is None else (last[0] + 1, last[1])
        while True:
            results.used.clear()  # by a call that asked for more: what decides looks at all of its own again
            step = search.advance(state, cast(Results, results))
            match step:
                case Decision(points=()):
                    ledger.record_decision(made, step.kind, step.record, step.state, results.take_used(), code)
                    made, state = made + 1, step.state
                case Decision():
                    unjudged = judged.missing(step.points)
                    if unjudged:
                        return unjudged
                    planned = _plan_batch(ledger, search, step, judged, made, results.take_used(), code)
                    made, state = made + 1, step.state
                    if planned:
                        return Waiting(f"{planned} points more", made, planned)
                case Done():
                    if speculates(state):
                        ledger.settle_guesses((), made)
                    open_points = ledger.open_points()
                    left = open_points.waiting + open_points.running
                    if step.waits and left:
                        return Waiting("the last points are running", made, left)
                    if step.waits:
                        step = _with_failures(ledger, step)
                    set_outcome(ledger.session, ledger.study_id, step.reason, step.kind)
                    return step
                case Need():
                    known = ledger.results([point.hash for point in step.points])
                    finished = finished_results(known)
                    results.add(finished, known)
                    if finished:
                        continue
                    if speculates(state):
                        ledger.settle_guesses([point.hash for point in step.points], made)
                    new = list({p.hash: p for p in step.points if p.hash not in known}.values())
                    unjudged = judged.missing(new)
                    set_outcome(ledger.session, ledger.study_id)
                    if unjudged:
                        return unjudged
                    if not new:
                        return Waiting(step.why, made, len(step.points))
                    ledger.plan_points([_new_point(search, p, judged.verdicts[p.hash]) for p in new], made)
                    if all(judged.verdicts[point.hash] is not None for point in new):
                        continue  # all refused: they have already failed, nobody will come back to wake the search
                    return Waiting(step.why, made, len(step.points))


def plan_ahead(ledger: Ledger, search: Search, refusals: Refusals, most: int) -> int:
    """Plan at most `most` points that the next round is likely to ask for, for slots that would wait; how many.

    Only while the round at hand runs and nothing waits. What the objective refuses is left for its own round to tell.
    """
    with ledger.planning():
        found = _likely(ledger, search, most)
    if found is None:
        return 0
    number, points = found
    answers = refusals([point.config for point in points]) if points else ()
    wanted = [_new_point(search, point, None) for point, no in zip(points, answers, strict=True) if no is None]
    if not wanted:
        return 0
    with ledger.planning():
        last = ledger.last_decision()
        if (-1 if last is None else last[0]) != number or ledger.open_points().waiting:
            return 0
        return ledger.plan_points(wanted, AHEAD)


def _likely(ledger: Ledger, search: Search, most: int) -> tuple[int, list[Point]] | None:
    """The last decision's number and likely points after the next one; None where there is nothing to begin ahead."""
    last = ledger.last_decision()
    number, state = (-1, search.start()) if last is None else last
    open_points = ledger.open_points()
    if not speculates(state) or open_points.waiting or not open_points.current:
        return None
    results: dict[str, Result] = {}
    while isinstance(step := search.advance(state, results), Need):
        finished = finished_results(ledger.results([point.hash for point in step.points]))
        if not finished:
            break
        results |= finished
    likely = likely_next(search, state, results, most + open_points.running)
    known = ledger.results([point.hash for point in likely])
    return number, [point for point in likely if point.hash not in known][:most]


def _with_failures(ledger: Ledger, step: Done) -> Done:
    """The end of a search that looked at no result: trials that failed are told, and if all did, so did it."""
    ends = Reader(ledger.session).ends(ledger.study_id)
    if not ends.failed:
        return step
    kind = step.kind if ends.accepted else EndKind.FAILED
    return replace(step, reason=f"{step.reason}; {ends.failed} trials failed", kind=kind)


def _plan_batch(
    ledger: Ledger, search: Search, step: Decision, judged: Judged, number: int, used: Sequence[int], code: str
) -> int:
    """Record a decision with its batch, which the next decision does not wait for; how many points were new.

    What the objective refuses never becomes a trial: the record names the reasons, each with its count.
    """
    refused = Counter(reason for point in step.points if (reason := judged.verdicts[point.hash]) is not None)
    set_outcome(ledger.session, ledger.study_id)
    wanted = [_new_point(search, point, None) for point in step.points if judged.verdicts[point.hash] is None]
    planned = ledger.plan_points(wanted, number) if wanted else 0
    ledger.record_decision(number, step.kind, {**step.record, "refused": dict(refused)}, step.state, used, code)
    return planned


def _new_point(search: Search, point: Point, refusal: str | None) -> NewPoint:
    from optuna.distributions import distribution_to_json

    distributions = search.distributions(point.params)
    params = [
        (name, distributions[name].to_internal_repr(value), distribution_to_json(distributions[name]))
        for name, value in point.params.items()
    ]
    reason = None if refusal is None else f"invalid: {refusal}"
    return NewPoint(point.hash, point.config, point.seed, point.role, params, reason)
