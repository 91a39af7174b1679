"""`retry`: run failed trials again."""

from __future__ import annotations

from collections.abc import Sequence

from storage.errors import UsageError
from storage.ledger import Ledger, Renewed
from storage.reader import Reader
from storage.records import StudyRow
from storage.session import Session
from storage.studies import set_outcome
from studies.definition.code_version import versions
from studies.definition.searches import search_without_budget
from studies.history.decisions import GO_BACK, first_from, first_state, going_back


def retry(session: Session, study: StudyRow, numbers: Sequence[int] | None) -> list[str]:
    """Each failed point gets a new trial; a line each. None: all failed points that were not retried yet.

    A depth or fit search decides again what it had decided from one of them.

    Raises:
        UsageError: No trial failed, or one of the given trials did not; nothing was written.
    """
    ledger = Ledger(session, study.study_id)
    for number in numbers or ():
        if not 0 <= number < 2**31:
            raise UsageError(f"--trial: {number} is not the number of a trial")
    with ledger.planning():
        renewed = ledger.retry_points(numbers)
        missing = sorted(set(numbers or ()) - {each.old for each in renewed})
        if missing:
            raise UsageError(f"--trial: {missing[0]} is not a failed trial of {study.name!r} that can be retried")
        if not renewed:
            raise UsageError(f"--failed: no trial of {study.name!r} has failed")
        decided = _decide_again(ledger, study, renewed)
        set_outcome(session, study.study_id)
    effect = "its round is decided already and does not change"
    if study.search in GO_BACK:
        effect = "the search decides again from there"
    return [f"trial {each.old}: retried as trial {each.new}{f'; {effect}' * (each in decided)}" for each in renewed]


def _decide_again(ledger: Ledger, study: StudyRow, renewed: Sequence[Renewed]) -> list[Renewed]:
    """The trials that a standing decision used; a depth or fit search goes back to before the first of them."""
    decisions = Reader(ledger.session).decisions(study.study_id)
    decided = [each for each in renewed if first_from(decisions, [each.trial_id]) is not None]
    number = first_from(decisions, [each.trial_id for each in decided])
    if number is not None and study.search in GO_BACK:
        start = first_state(search_without_budget(study).start(), decisions)
        step = going_back(start, decisions, number, {each.old: each.new for each in decided})
        ledger.record_decision(len(decisions), step.kind, step.record, step.state, [], versions()["studyhall"])
    return decided
