"""Which of a study's decisions stand, and how a retry makes the search decide again.

A decision is never changed or deleted. An `override` begins a search anew; a `retried` decision takes it back to the
state before the first decision that used a retried trial. The decisions between stay in the ledger and can be derived,
but stand no more. A growth does not go back: its later rounds were trained on top.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from samplers.searches.plan import Decision, SearchState
from storage.records import DecisionRow

RETRY = "retried"
GO_BACK = ("depth", "fit")
"""Searches whose answers come from single trials: a decision from a failed trial is made again."""


def standing(decisions: Sequence[DecisionRow]) -> list[DecisionRow]:
    """The decisions that led to where the search is, since the last override; from all of them, in order."""
    return [decisions[number] for number in _standing(decisions)]


def _standing(decisions: Sequence[DecisionRow]) -> list[int]:
    kept: list[int] = []
    for number, row in enumerate(decisions):
        if row.kind == "override":
            kept = []
        elif row.kind == RETRY:
            kept = [each for each in kept if each < row.record["back_to"]]
        else:
            kept.append(number)
    return kept


def first_from(decisions: Sequence[DecisionRow], trial_ids: Collection[int]) -> int | None:
    """The number of the first standing decision that was made from one of these trials."""
    return next((each for each in _standing(decisions) if not set(trial_ids).isdisjoint(decisions[each].trials)), None)


def first_state(start: SearchState, decisions: Sequence[DecisionRow]) -> SearchState:
    """A search's start as the study began: a depth study of before version 0.4 has no metric in its state, and counted
    parameters whatever its score was."""
    if not decisions or "metric" in decisions[0].state:
        return start
    return {name: value for name, value in start.items() if name != "metric"}


def state_before(start: SearchState, decisions: Sequence[DecisionRow], number: int) -> SearchState:
    """The search's state when the decision of that number was made."""
    state: SearchState = decisions[number - 1].state if number else start
    return state


def going_back(
    start: SearchState, decisions: Sequence[DecisionRow], number: int, retried: Mapping[int, int]
) -> Decision:
    """The decision that makes the search decide again from that number on; `retried` is new trial numbers by old."""
    retries = ", ".join(f"trial {old} is tried again as trial {new}" for old, new in retried.items())
    record = {"back_to": number, "event": f"{retries}: decided again from decision {number} on"}
    return Decision(RETRY, record, state_before(start, decisions, number))
