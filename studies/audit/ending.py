"""A study's outcome against its last decision: the search is asked again whether it has ended, and with which words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from samplers.searches.growth.growth import ONE_STEP, Growth
from samplers.searches.plan import Done, Need, Result, Search, SearchState
from storage.digests import ENQUEUED
from storage.records import EndKind, SetAside, TrialRow
from studies.audit.evidence import Evidence
from studies.definition.searches import search_in_force
from studies.history.alike import failed_alike, failed_reasons
from studies.history.recall import recalled
from studies.history.trials import result_of

ONE_STEP_OF_03 = "1 steps are done"
"""The outcome `ONE_STEP` as it was written up to version 0.3."""


def ending_problems(evidence: Evidence) -> list[str]:
    """Whether the outcome is the one that the search has after its last decision; a study that goes on has none."""
    study, kind = evidence.study, evidence.study.outcome_kind
    if study.failed != (kind is not None and kind.failed) or (study.outcome is None) != (kind is None):
        return [f"outcome: {study.outcome!r} is of kind {kind and kind.value}, and failed is {study.failed}"]
    if study.outcome is None or kind is None:
        return []
    if kind is EndKind.ALIKE:
        again = failed_alike(failed_reasons(evidence.points, evidence.decisions))
        return [] if again == study.outcome else [_differs(study.outcome, kind, again)]
    try:
        end = _end(evidence, search_in_force(study))
    except Exception as error:  # of rows that were changed
        return [f"outcome: the search cannot read its last decision: {type(error).__name__}: {error}"]
    if end is None:
        return [f"outcome: {study.outcome!r}, but after the last decision the search goes on"]
    outcome = ONE_STEP if study.outcome == ONE_STEP_OF_03 else study.outcome
    if any((outcome, kind) == (each.reason, each.kind) for each in _as_recorded(end, evidence)):
        return []
    return [_differs(study.outcome, kind, end.reason)]


def _differs(outcome: str, kind: EndKind, again: str | None) -> str:
    return f"outcome: {outcome!r} ({kind.value}), but after the last decision: {again!r}"


def _as_recorded(end: Done, evidence: Evidence) -> Iterator[Done]:
    """The ends that may have been recorded: enqueued points may have ended before the outcome, or after it."""
    if not end.waits:
        yield end
        return
    planned = [row for row in evidence.points if row.round != ENQUEUED]
    enqueued = [row for row in evidence.points if row.round == ENQUEUED]
    least, completed = _failed(planned), _completed(planned)
    for failed in range(least, least + _failed(enqueued) + 1):
        yield end.with_failures(failed, completed)
        yield end.with_failures(failed, completed + _completed(enqueued))


def _failed(rows: Sequence[TrialRow]) -> int:
    return sum(row.state == "FAIL" and not row.retired for row in rows)


def _completed(rows: Sequence[TrialRow]) -> int:
    return sum(row.state in ("COMPLETE", "PRUNED") and not row.retired for row in rows)


def _end(evidence: Evidence, search: Search) -> Done | None:
    """What the search says after the last decision; None if it goes on."""
    state: SearchState = evidence.decisions[-1].state if evidence.decisions else search.start()
    search = recalled(search, evidence.decisions)
    if isinstance(search, Growth) and evidence.study.steps is not None:
        # A budget that was just raised leaves the outcome of the old one until the next worker comes.
        search = replace(search, steps=min(evidence.study.steps, state["step"]))
    rows = {row.hash: result_of(row, True) for row in evidence.points if row.set_aside is SetAside.DROPPED}
    rows |= {row.hash: result_of(row) for row in evidence.points if not row.retired}
    ended = {hash_: result for hash_, result in rows.items() if result is not None}
    results: dict[str, Result] = {}
    while isinstance(step := search.advance(state, results), Need):
        finished = {point.hash: ended[point.hash] for point in step.points if point.hash in ended}
        if not finished:
            return None
        results |= finished
    return step if isinstance(step, Done) else None
