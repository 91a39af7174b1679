"""Plans what is done next: reads the last decision, asks the search, records its answer.

Planning is the same code at the start, in the middle and after any crash. One planner at a time holds Optuna's lock on
the study. A decision and the state after it are one row, so the next planner goes on from there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from samplers.searches.growth.speculation import likely_next, speculates
from samplers.searches.plan import Decision, Done, Need, Point, Result, Results, Search, SearchState
from samplers.searches.plural import counted
from storage.ledger import AHEAD, Known, Ledger, NewPoint
from storage.reader import Reader
from storage.records import EndKind
from storage.studies import set_outcome
from studies.history.trials import finished_results

Refusals = Callable[[Sequence[Mapping[str, object]]], Sequence[str | None]]
"""Why each of these configs cannot run, or None: the objective's `validate`, called before a point takes a slot."""

Verdicts = Mapping[str, str | None]
"""Why the objective refuses a point, or None, by the point's hash."""


@dataclass(frozen=True)
class Waiting:
    """The search waits for planned points."""

    why: str
    round: int
    """The number of the decision that waits."""
    left: int
    """Points that it waits for."""


class UsedResults(Mapping[str, Result]):
    """Results by hash that remember which of them were read: a decision is stored with the trials it was made from."""

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
        """Ids of the trials that were read since the last call, or since `used` was emptied."""
        used, self.used = self.used, set()
        return sorted(self.trials[hash_] for hash_ in used)


def plan(ledger: Ledger, search: Search, refusals: Refusals, code: str) -> Waiting | Done:
    """Take every decision that can be taken and plan the points that the next one needs.

    The objective judges new configs outside the transaction, so the study's row is never locked while user code runs.
    """
    verdicts: dict[str, str | None] = {}
    while True:
        step = _plan_judged(ledger, search, verdicts, code)
        if not isinstance(step, list):
            return step
        answers = refusals([point.config for point in step])
        verdicts |= {point.hash: answer for point, answer in zip(step, answers, strict=True)}


def _plan_judged(ledger: Ledger, search: Search, verdicts: Verdicts, code: str) -> Waiting | Done | list[Point]:
    """One planning transaction; the points that the objective has to judge first, if there are some."""
    with ledger.planning():
        results = UsedResults()
        last = ledger.last_decision()
        made, state = (0, search.start()) if last is None else (last[0] + 1, last[1])
        while True:
            results.used.clear()  # drop reads of calls that returned Need; the deciding call reads all it uses
            step = search.advance(state, cast(Results, results))
            end = take_step(ledger, search, Asked(made, state, step, results), verdicts, code)
            if end is not None:
                return end
            if isinstance(step, Decision):
                made, state, results = made + 1, step.state, UsedResults()  # a search asks for what it needs anew


@dataclass(frozen=True)
class Asked:
    """A search's answer."""

    number: int
    """Of the next decision."""
    state: SearchState
    """After the last decision."""
    step: Need | Decision | Done
    results: UsedResults
    """What it was given."""


def take_step(
    ledger: Ledger, search: Search, asked: Asked, verdicts: Verdicts, code: str
) -> Waiting | Done | list[Point] | None:
    """Put a search's answer into effect, inside `planning()`. None: ask the search again; points: the objective has to
    judge these first, and nothing was written."""
    made, state, results = asked.number, asked.state, asked.results
    match step := asked.step:
        case Decision(points=()):
            ledger.record_decision(made, step.kind, step.record, step.state, results.take_used(), code)
            return None
        case Decision():
            if unjudged := [point for point in step.points if point.hash not in verdicts]:
                return unjudged
            planned = _plan_batch(ledger, search, step, verdicts, made, results.take_used(), code)
            return Waiting(_planned_text(planned, step.record), made + 1, planned) if planned else None
        case Done():
            if speculates(state):
                ledger.settle_guesses((), made)
            points = ledger.open_points()
            if step.waits and points.waiting + points.running:
                why = _left_text(points.waiting, points.running)
                return Waiting(why, made, points.waiting + points.running)
            if step.waits:
                ends = Reader(ledger.session).ends(ledger.study_id)
                step = step.with_failures(ends.failed, ends.accepted)
            set_outcome(ledger.session, ledger.study_id, step.reason, step.kind)
            return step
        case Need(settled=True):
            points = ledger.open_points()
            if points.waiting + points.running:
                return Waiting(step.why, made, points.waiting + points.running)
            known = ledger.results([point.hash for point in step.points])
            finished = finished_results(known)
            if finished:
                results.add(finished, known)
                return None
            end = Done("no point of the grid has a trial", EndKind.FAILED)
            set_outcome(ledger.session, ledger.study_id, end.reason, end.kind)
            return end
        case Need():
            known = ledger.results([point.hash for point in step.points])
            finished = finished_results(known)
            results.add(finished, known)
            if finished:
                return None
            if speculates(state):
                ledger.settle_guesses([point.hash for point in step.points], made)
            new = list({p.hash: p for p in step.points if p.hash not in known}.values())
            set_outcome(ledger.session, ledger.study_id)
            if unjudged := [point for point in new if point.hash not in verdicts]:
                return unjudged
            if new:
                ledger.plan_points([new_point(search, p, verdicts[p.hash]) for p in new], made)
                if all(verdicts[point.hash] is not None for point in new):
                    return None  # all refused: they have failed already, and no trial's end will wake the search
            return Waiting(step.why, made, len(step.points))


def plan_ahead(ledger: Ledger, search: Search, refusals: Refusals, most: int) -> int:
    """Plan at most `most` points that the next round is likely to need, for slots that would idle; how many.

    Only while the current round runs and no trial waits. Points that the objective refuses are left to their own round.
    """
    with ledger.planning():
        found = _likely(ledger, search, most)
    if found is None:
        return 0
    number, points = found
    answers = refusals([point.config for point in points]) if points else ()
    wanted = [new_point(search, point) for point, no in zip(points, answers, strict=True) if no is None]
    if not wanted:
        return 0
    with ledger.planning():
        last = ledger.last_decision()
        if (-1 if last is None else last[0]) != number or ledger.open_points().waiting:
            return 0
        return ledger.plan_points(wanted, AHEAD)


def _likely(ledger: Ledger, search: Search, most: int) -> tuple[int, list[Point]] | None:
    """The last decision's number and likely points after the next one; None when there is nothing to guess from."""
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


def _plan_batch(
    ledger: Ledger, search: Search, step: Decision, verdicts: Verdicts, number: int, used: Sequence[int], code: str
) -> int:
    """Record a decision with its batch, which the next decision does not wait for; how many points were new.

    A refused point never becomes a trial: the record names the reasons, each with its count.
    """
    refused = Counter(reason for point in step.points if (reason := verdicts[point.hash]) is not None)
    set_outcome(ledger.session, ledger.study_id)
    wanted = [new_point(search, point) for point in step.points if verdicts[point.hash] is None]
    planned = ledger.plan_points(wanted, number) if wanted else 0
    ledger.record_decision(number, step.kind, {**step.record, "refused": dict(refused)}, step.state, used, code)
    return planned


def _planned_text(planned: int, record: Mapping[str, object]) -> str:
    """`planned 27 trials: 9 settings × 3 seeds`, where each new setting has all of its seeds."""
    settings = record.get("settings")
    line = f"planned {counted(planned, 'trial')}"
    if not isinstance(settings, int) or not settings or planned % settings:
        return line
    return f"{line}: {counted(settings, 'setting')} × {counted(planned // settings, 'seed')}"


def _left_text(waiting: int, running: int) -> str:
    runs = f"{counted(running, 'trial')} {'is' if running == 1 else 'are'} running"
    return (
        f"nothing left to plan; {counted(waiting, 'trial')} waiting, {runs}"
        if waiting
        else f"nothing left to start; {runs}"
    )


def new_point(search: Search, point: Point, refusal: str | None = None) -> NewPoint:
    """A point as the ledger takes it; `refusal` is why the objective refuses it."""
    from optuna.distributions import distribution_to_json

    distributions = search.distributions(point.params)
    params = [
        (name, distributions[name].to_internal_repr(value), distribution_to_json(distributions[name]))
        for name, value in point.params.items()
    ]
    reason = None if refusal is None else f"invalid: {refusal}"
    return NewPoint(point.hash, point.config, point.seed, point.role, params, reason)
