"""Trials as results: which are finished, which stand, and in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, cast

from samplers.searches.plan import Result
from storage.ledger import Known
from storage.records import FailureKind, SetAside, TrialRow

State = Literal["COMPLETE", "PRUNED", "FAIL"]
FINISHED = ("COMPLETE", "PRUNED", "FAIL")


def finished_results(known: Mapping[str, Known]) -> dict[str, Result]:
    """The finished points, as a search sees them."""
    found = {hash_: result_of(each, each.set_aside is SetAside.DROPPED) for hash_, each in known.items()}
    return {hash_: result for hash_, result in found.items() if result is not None}


def result_of(row: Known | TrialRow, dropped: bool = False) -> Result | None:
    """A finished trial as a search sees it; None while it is not finished. One that was dropped has failed to it."""
    if row.state not in FINISHED:
        return None
    if dropped:
        return Result(row.number, "FAIL", {}, "dropped")
    state, refused = cast(State, row.state), row.failure is FailureKind.REFUSED
    reason = None if row.failure is FailureKind.TAKEN else row.reason  # as when a decision was made from it
    return Result(row.number, state, row.metrics, reason, row.outcome, refused, row.last_report)


def in_order(rows: Sequence[TrialRow]) -> list[TrialRow]:
    """Rows that are not retired, in the order of the plan; a retry takes the place of its point's first trial."""
    places: dict[int | None, int] = {}
    for row in rows:  # by number, so that a retry comes after what it stands in for
        places[row.trial_id] = places.get(row.retry_of, row.number)
    return sorted((row for row in rows if not row.retired), key=lambda row: places[row.trial_id])


def taken(row: TrialRow) -> bool:
    """Whether another Optuna program ended the trial: what stands in it counts nowhere."""
    return row.failure is FailureKind.TAKEN


def withdrawn(row: TrialRow) -> bool:
    """Whether a point fell out of the plan before it ran."""
    return row.failure is FailureKind.WITHDRAWN
