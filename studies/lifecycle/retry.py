"""`retry`: run failed trials again."""

from __future__ import annotations

from collections.abc import Sequence

from storage.errors import UsageError
from storage.ledger import Ledger
from storage.records import StudyRow
from storage.session import Session
from storage.studies import set_outcome
from studies.engine.taken import decide_again, effect_of_again


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
        decided = decide_again(ledger, study, renewed)
        set_outcome(session, study.study_id)
    effect = effect_of_again(study)
    return [f"trial {each.old}: retried as trial {each.new}{f'; {effect}' * (each in decided)}" for each in renewed]
