"""What is done next is decided here: read the last decision, ask the search, write down what it says.

Planning is the same code at the start, in the middle and after any crash. One planner at a time holds Optuna's lock on
the study; a decision and the state after it are one row, so whoever comes next goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from samplers.plan import Decision, Done, Need, Point, Result, Results, Search
from storage.ledger import Known, Ledger, NewPoint

State = Literal["COMPLETE", "PRUNED", "FAIL"]
FINISHED = ("COMPLETE", "PRUNED", "FAIL")

Refusals = Callable[[Sequence[Mapping[str, object]]], Sequence[str | None]]
"""Why each of these configs cannot run, or None: the objective's `validate`, asked before a point takes a slot."""


@dataclass(frozen=True)
class Waiting:
    """The search waits for points that are planned."""

    why: str


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
        """Ids of the trials looked at since the last call."""
        used, self.used = self.used, set()
        return sorted(self.trials[hash_] for hash_ in used)


def finished_results(known: Mapping[str, Known]) -> dict[str, Result]:
    """Those points that have finished, as a search sees them."""
    return {
        hash_: Result(each.number, cast(State, each.state), each.metrics, each.reason)
        for hash_, each in known.items()
        if each.state in FINISHED
    }


def plan(ledger: Ledger, search: Search, refusals: Refusals, code: str) -> Waiting | Done:
    """Take every decision that can be taken and plan what the next one needs.

    The objective judges new configs outside the transaction, so the study's row is never held while user code runs.
    """
    judged: dict[str, str | None] = {}
    while True:
        step = _plan_judged(ledger, search, judged, code)
        if not isinstance(step, list):
            return step
        verdicts = refusals([point.config for point in step])
        judged |= {point.hash: verdict for point, verdict in zip(step, verdicts, strict=True)}


def _plan_judged(
    ledger: Ledger, search: Search, judged: Mapping[str, str | None], code: str
) -> Waiting | Done | list[Point]:
    """One planning transaction; a list of points if some still have to be judged."""
    results = Noted()
    with ledger.planning():
        last = ledger.last_decision()
        made, state = (0, search.start()) if last is None else (last[0] + 1, last[1])
        while True:
            step = search.advance(state, cast(Results, results))
            match step:
                case Decision():
                    ledger.record_decision(made, step.kind, step.record, step.state, results.take_used(), code)
                    made, state = made + 1, step.state
                case Done():
                    _set_outcome(ledger, step.reason, step.failed)
                    return step
                case Need():
                    known = ledger.results([point.hash for point in step.points])
                    finished = finished_results(known)
                    results.add(finished, known)
                    if finished:
                        continue
                    new = list({p.hash: p for p in step.points if p.hash not in known}.values())
                    unjudged = [point for point in new if point.hash not in judged]
                    _set_outcome(ledger, None, False)
                    if unjudged:
                        return unjudged
                    if not new:
                        return Waiting(step.why)
                    ledger.plan_points([_new_point(search, p, judged[p.hash]) for p in new], made)
                    if all(judged[point.hash] is not None for point in new):
                        continue  # all refused: they have already failed, nobody will come back to wake the search
                    return Waiting(step.why)


def _new_point(search: Search, point: Point, refusal: str | None) -> NewPoint:
    from optuna.distributions import distribution_to_json

    distributions = search.distributions(point.params)
    params = [
        (name, distributions[name].to_internal_repr(value), distribution_to_json(distributions[name]))
        for name, value in point.params.items()
    ]
    reason = None if refusal is None else f"invalid: {refusal}"
    return NewPoint(point.hash, point.config, point.seed, point.role, params, reason)


def _set_outcome(ledger: Ledger, outcome: str | None, failed: bool) -> None:
    ledger.session.run("set_outcome", {"study_id": ledger.study_id, "outcome": outcome, "failed": failed})
