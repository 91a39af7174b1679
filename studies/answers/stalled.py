"""A growth that ended since no candidate helps: what makes it go on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from storage.records import DecisionRow, EndKind, StudyRow
from studies.history.certainty import is_doubtful


def more_seeds(study: StudyRow, decisions: Sequence[DecisionRow]) -> str | None:
    """The options of `run` that compare the last candidates again, with twice the seeds; None where the growth has not
    ended so, or its seeds leave no doubt."""
    record, state = _end(study, decisions)
    if record is None or not is_doubtful(record):
        return None
    block = state["grow"]
    known = [len(each["seeds"]) for each in record["candidates"] if each["gain"] is not None]
    seeds = 2 * max(known, default=int(block.get("repeats", 1)))
    options = f"--set grow.repeats={seeds}"
    if block.get("racing") and block["racing"]["max_repeats"] < seeds:
        options += f" --set grow.racing.max_repeats={2 * seeds}"
    budget = block.get("steps") if study.steps is None else study.steps
    if budget is not None and state["step"] >= budget:
        options += f" --steps {state['step'] + 1}"  # a round that chose nothing counts as a step
    return options


def steps_note(study: StudyRow, decisions: Sequence[DecisionRow]) -> str | None:
    """To `run --steps`, which makes no such growth longer: why, and what does. None of a growth that has not ended
    so."""
    record, _ = _end(study, decisions)
    if record is None:
        return None
    why = f"--steps changes nothing: round {record['round']} found no candidate that helps"
    options = more_seeds(study, decisions)
    other = f"larger steps: run {study.name} --set grow.increments.PARAM=AMOUNT"
    return f"{why}; {other if options is None else f'more seeds: run {study.name} {options}'}"


def _end(study: StudyRow, decisions: Sequence[DecisionRow]) -> tuple[Mapping[str, Any] | None, Mapping[str, Any]]:
    """The record of the round that ended the growth, and the state after it."""
    last = decisions[-1] if decisions and study.search == "grow" else None
    if last is None or study.outcome_kind is not EndKind.STALLED or not last.record.get("candidates"):
        return None, {}
    return last.record, last.state
