"""Trials as results: which have ended, which stand, and in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, cast

from samplers.searches.plan import Result
from storage.ledger import Known
from storage.records import FailureKind, TrialRow

State = Literal["COMPLETE", "PRUNED", "FAIL"]
FINISHED = ("COMPLETE", "PRUNED", "FAIL")


def finished_results(known: Mapping[str, Known]) -> dict[str, Result]:
    """Those points that have finished, as a search sees them."""
    return {
        hash_: Result(
            each.number,
            cast(State, each.state),
            each.metrics,
            each.reason,
            each.outcome,
            each.failure is FailureKind.REFUSED,
        )
        for hash_, each in known.items()
        if each.state in FINISHED
    }


def in_order(rows: Sequence[TrialRow]) -> list[TrialRow]:
    """Rows that stand, as the grid planned them: a retry where the first trial of its point stood."""
    places: dict[int | None, int] = {}
    for row in rows:  # by number, so that a retry comes after what it stands in for
        places[row.trial_id] = places.get(row.retry_of, row.number)
    return sorted((row for row in rows if not row.retired), key=lambda row: places[row.trial_id])


def withdrawn(row: TrialRow) -> bool:
    """Whether a point fell out of the plan before it ran."""
    return row.failure is FailureKind.WITHDRAWN
