"""Planned trials that another Optuna program ended, before the storage kept it from that: their points run again.

What that program left in the trial is not ours: the trial is set aside as it is, and a new one takes its place. Since
`storage/queries/guard_points.sql` a storage refuses such an end, so only older storages hold one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from storage.ledger import Ledger, Renewed
from storage.reader import Reader
from storage.records import StudyRow
from storage.studies import set_outcome
from studies.definition.code_version import versions
from studies.definition.searches import search_without_budget
from studies.history.decisions import GO_BACK, first_from, first_state, going_back


def renew_taken(ledger: Ledger, study: StudyRow, log: Callable[[str], None]) -> None:
    """Plan the points again whose trials were taken; print a line for each."""
    if all(each.again is not None for each in Reader(ledger.session).taken_trials(study.study_id)):
        return
    with ledger.planning():
        renewed = ledger.renew_taken()
        decided = decide_again(ledger, study, renewed)
        set_outcome(ledger.session, study.study_id)
    for each in renewed:
        effect = f"; {effect_of_again(study)}" if each in decided else ""
        log(f"trial {each.old}: another Optuna program ended it; its point runs again as trial {each.new}{effect}")


def decide_again(ledger: Ledger, study: StudyRow, renewed: Sequence[Renewed]) -> list[Renewed]:
    """The trials that a standing decision used; a depth or fit search goes back to before the first of them."""
    decisions = Reader(ledger.session).decisions(study.study_id)
    decided = [each for each in renewed if first_from(decisions, [each.trial_id]) is not None]
    number = first_from(decisions, [each.trial_id for each in decided])
    if number is not None and study.search in GO_BACK:
        start = first_state(search_without_budget(study).start(), decisions)
        step = going_back(start, decisions, number, {each.old: each.new for each in decided})
        ledger.record_decision(len(decisions), step.kind, step.record, step.state, [], versions()["studyhall"])
    return decided


def effect_of_again(study: StudyRow) -> str:
    """What a trial's second run changes where a decision was made from the first."""
    if study.search in GO_BACK:
        return "the search decides again from there"
    if study.search == "tune":
        return "the sampler has been told of its setting already; the tables count the new result"
    return "its round is decided already and does not change"
