"""Which of a study's decisions stand, what they say happened, and how a retry makes the search decide again.

A decision is never changed or deleted. An `override` begins a search anew; a `retried` decision takes it back to the
state before the first decision that used a retried trial. The decisions between stay in the ledger and can be derived,
but stand no more. `redo` and `drop` record what they set aside, and take the search back where they are asked to. A
retry does not take a growth back: its later rounds were trained on top.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from samplers.searches.nested import flattened
from samplers.searches.plan import RULES_SINCE_04, Decision, SearchState
from storage.records import DecisionRow, SetAside

RETRY = "retried"
ASIDE = tuple(each.value for each in SetAside)
"""`redone` and `dropped`: results were set aside. `back_to` is null where the search does not go back."""
MARKS = (RETRY, *ASIDE)
"""Decisions of no search: they say from where it decides again."""
SINCE_04 = ("metric", *RULES_SINCE_04)
"""Names in the state of a search that came with version 0.4."""
STORED = "override: "
"""Begins the event of a change in every study's records, which never change."""
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
        elif row.kind in MARKS:
            kept = _before(kept, row)
        else:
            kept.append(number)
    return kept


def in_force(decisions: Sequence[DecisionRow]) -> list[DecisionRow]:
    """A growth's decisions that were not taken back, overrides too: they lead to where it is."""
    return [decisions[number] for number in _in_force(decisions)]


def _in_force(decisions: Sequence[DecisionRow]) -> list[int]:
    kept: list[int] = []
    for number, row in enumerate(decisions):
        kept = _before(kept, row) if row.kind in MARKS else [*kept, number]
    return kept


def _before(kept: list[int], mark: DecisionRow) -> list[int]:
    back_to = mark.record["back_to"]
    return kept if back_to is None else [each for each in kept if each < back_to]


def set_aside_by(decisions: Sequence[DecisionRow]) -> dict[int, SetAside]:
    """What decisions have set aside, by the trial's number."""
    return {each: SetAside(row.kind) for row in decisions if row.kind in ASIDE for each in row.record["trials"]}


def rests_on(decisions: Sequence[DecisionRow], trial_ids: Collection[int], search: str) -> list[DecisionRow]:
    """The first decision in force that was made from one of these trials, and those after it; without overrides."""
    numbers = _in_force(decisions) if search in ("grow", "tune") else _standing(decisions)
    ids = set(trial_ids)
    first = next((each for each in numbers if not ids.isdisjoint(decisions[each].trials)), None)
    return [] if first is None else [decisions[each] for each in numbers if each >= first]


def first_from(decisions: Sequence[DecisionRow], trial_ids: Collection[int]) -> int | None:
    """The number of the first standing decision that was made from one of these trials."""
    return next((each for each in _standing(decisions) if not set(trial_ids).isdisjoint(decisions[each].trials)), None)


def first_state(start: SearchState, decisions: Sequence[DecisionRow]) -> SearchState:
    """A search's start as the study began. In studies of before version 0.4, a depth search's state has no metric: it
    counted parameters whatever its score was; a growth's has no rule: its races were decided by t tests. A depth search
    that is not `nested` wrote `model.depth` as a key with a dot."""
    if not decisions:
        return start
    return {name: value for name, value in start.items() if name not in SINCE_04 or name in decisions[0].state}


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


def event_text(record: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> str | None:
    """A record's event for people; None where nothing happened.

    Args:
        record: The decision's.
        before: The search's state before it, which has the old values; None: not known.
    """
    event: str | None = record.get("event")
    if event is None or not event.startswith(STORED):
        return event
    values = [each for part, changed in record.get("changes", {}).items() for each in _changes(part, changed, before)]
    return "changed: " + (", ".join(values) or event.removeprefix(STORED))


def _changes(part: str, changed: Mapping[str, Any], before: Mapping[str, Any] | None) -> list[str]:
    old = flattened((before or {}).get(part) or {})
    return [
        f"{name} {old[name]} → {value}" if name in old else f"{name}={value}"
        for name, value in flattened(changed).items()
        if name not in old or old[name] != value
    ]


def event_texts(decisions: Sequence[DecisionRow], start: Mapping[str, Any]) -> list[str | None]:
    """Of decisions in force, one each. `start`: what the search began from, by the names of a state."""
    states = [start, *(row.state for row in decisions)]
    return [event_text(row.record, before) for row, before in zip(decisions, states, strict=False)]
