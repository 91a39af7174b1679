"""Verbs that change a study from outside: retry, stop, delete."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from storage.errors import UsageError
from storage.home import home, study_folder
from storage.ledger import Ledger, Renewed
from storage.locks import WORKER_LOCKS
from storage.records import StudyRow
from storage.session import Session
from studies.launch.launcher import read_launches
from studies.launch.states import cancel
from studies.lifecycle import search_without_budget
from studies.standing import GO_BACK, first_from, going_back
from studies.versions import versions


def retry(session: Session, study: StudyRow, numbers: Sequence[int] | None) -> list[str]:
    """Failed points get a new trial each, told in a line each. None: all that failed and were not retried yet.

    What a depth or fit search decided from one of them, it decides again.

    Raises:
        UsageError: There is nothing to retry, or one of the trials did not fail; nothing was written.
    """
    ledger = Ledger(session, study.study_id)
    for number in numbers or ():
        if not 0 <= number < 2**31:
            raise UsageError(f"--trial: {number} is not the number of a trial")
    with ledger.planning():
        renewed = ledger.retry_points(numbers)
        missing = sorted(set(numbers or ()) - {each.old for each in renewed})
        if missing:
            raise UsageError(f"--trial: {missing[0]} is not a failed trial of {study.name!r} that can be tried again")
        if not renewed:
            raise UsageError(f"--failed: no trial of {study.name!r} has failed")
        decided = _decide_again(ledger, study, renewed)
        session.run("set_outcome", {"study_id": study.study_id, "outcome": None, "failed": False})
    effect = "the search goes back to before it"
    if study.search not in GO_BACK:
        effect = "its round is decided and stays so: this has no effect on it"
    return [
        f"trial {each.old}: tried again as trial {each.new}" + (f"; {effect}" if each in decided else "")
        for each in renewed
    ]


def _decide_again(ledger: Ledger, study: StudyRow, renewed: Sequence[Renewed]) -> list[Renewed]:
    """Those that a standing decision was made from; a depth or fit search is taken back to before the first of them."""
    decisions = ledger.session.run("read_decisions", {"study_id": study.study_id})
    decided = [each for each in renewed if first_from(decisions, [each.trial_id]) is not None]
    number = first_from(decisions, [each.trial_id for each in decided])
    if number is not None and study.search in GO_BACK:
        start = search_without_budget(study).start()
        step = going_back(start, decisions, number, {each.old: each.new for each in decided})
        ledger.record_decision(len(decisions), step.kind, step.record, step.state, [], versions()["studyhall"])
    return decided


def stop(session: Session, study: StudyRow) -> str:
    """Tell every worker to drain, and take those that wait at a scheduler out of its queue; says how many there are."""
    session.run("drain_study", {"study_id": study.study_id})
    alive = _alive(session, study)
    told = f"{study.name}: told to {alive} worker{'' if alive == 1 else 's'}; what runs is finished first"
    return "\n".join([told, *cancel(read_launches(session, study.study_id))])


def delete(session: Session, study: StudyRow) -> str:
    """Delete a study and its files on this host.

    Raises:
        UsageError: Workers are at it.
    """
    alive = _alive(session, study)
    if alive:
        raise UsageError(f"--study: {alive} workers are at {study.name!r}; `stop` it first")
    ledger, launches = Ledger(session, study.study_id), read_launches(session, study.study_id)
    with ledger.planning():
        session.run("delete_study", {"study_id": study.study_id})
    cancelled = cancel(launches)
    shutil.rmtree(study_folder(home(), study.name, study.created_at), ignore_errors=True)
    return "\n".join([f"{study.name}: deleted", *cancelled])


def _alive(session: Session, study: StudyRow) -> int:
    workers = session.run("read_workers", {"study_id": study.study_id, "space": WORKER_LOCKS})
    return sum(worker.alive for worker in workers)
