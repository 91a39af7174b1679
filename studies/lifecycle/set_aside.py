"""`redo` and `drop`: finished results are set aside by a decision; `redo` plans their points again.

A grid only counts its results. A growth, depth or fit has decided from them: it goes back to before the first such
decision with `--from-here`, and is left alone without.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from samplers.searches.grid.expressions import Expression
from samplers.searches.nested import flattened
from storage.errors import UsageError, nearest
from storage.ledger import Ledger
from storage.program import program_name
from storage.reader import Reader
from storage.records import DecisionRow, FailureKind, SetAside, StudyRow, TrialRow
from storage.session import Session
from storage.studies import set_outcome
from studies.definition.code_version import versions
from studies.definition.searches import search_without_budget
from studies.history.decisions import event_text, first_state, rests_on, state_before
from studies.history.recall import recalled_study
from studies.history.state import decision_name
from studies.history.trials import FINISHED
from studies.history.versions import numbers_text

VERBS = {SetAside.REDONE: "redo", SetAside.DROPPED: "drop"}


@dataclass(frozen=True)
class Selection:
    """Which results: one of the three is given."""

    numbers: Sequence[int] = ()
    where: str | None = None
    code: str | None = None

    def rows(self, rows: Sequence[TrialRow], study: str, verb: str) -> list[TrialRow]:
        """The selected ones among a study's trials.

        Raises:
            UsageError: There are none, or one that is named is not a finished result that counts.
        """
        if sum(map(bool, (self.numbers, self.where, self.code))) != 1:
            raise UsageError(f"{verb}: needs one of --trial N, --where EXPR and --code VERSION")
        counting = [row for row in rows if _counts(row)]
        if self.numbers:
            return self._numbered(rows, study, verb)
        found = self._where(counting) if self.where else self._of_code(counting, study)
        if not found:
            raise UsageError(f"no finished result of {study!r} matches", "--where" if self.where else "--code")
        return found

    def _numbered(self, rows: Sequence[TrialRow], study: str, verb: str) -> list[TrialRow]:
        by_number = {row.number: row for row in rows}
        standing = {row.hash for row in rows if not row.retired}
        for number in self.numbers:
            row = by_number.get(number)
            if row is None:
                raise UsageError(f"study {study!r} has no trial {number}", "--trial")
            again = verb == "redo" and row.set_aside is SetAside.DROPPED and row.hash not in standing
            if not (_counts(row) or again):
                raise UsageError(f"trial {number} of {study!r} is no finished result: it is {_state(row)}", "--trial")
        return [by_number[number] for number in sorted(set(self.numbers))]

    def _where(self, rows: Sequence[TrialRow]) -> list[TrialRow]:
        expression = Expression.parse(self.where, "--where")
        known: dict[str, None] = {}
        found = []
        for row in rows:
            values = {**row.metrics, **flattened(row.config), **row.config, "seed": row.seed, "trial": row.number}
            known |= dict.fromkeys(values)
            if all(_is_comparable(values.get(name, math.nan)) for name in expression.names) and expression.holds(
                values
            ):
                found.append(row)
        unknown = [name for name in expression.names if name not in known] if rows else []
        if unknown:
            raise UsageError(f"no result has {unknown[0]!r}{nearest(unknown[0], known)}", "--where")
        return found

    def _of_code(self, rows: Sequence[TrialRow], study: str) -> list[TrialRow]:
        assert self.code is not None
        ran = {row.code for row in rows if row.code is not None}
        named = sorted(each for each in ran if each.startswith(self.code))
        if len(named) > 1:
            raise UsageError(f"{self.code!r} begins {', '.join(named)}: name one of them", "--code")
        if not named:
            raise UsageError(f"no result of {study!r} ran code {self.code!r}{nearest(self.code, ran)}", "--code")
        return [row for row in rows if row.code == named[0]]


def _is_comparable(value: object) -> bool:
    """Whether a value is there, and is not NaN or infinite."""
    return not isinstance(value, float) or math.isfinite(value)


def _counts(row: TrialRow) -> bool:
    """Whether a trial ran to an end that counts."""
    return row.state in FINISHED and not row.retired and row.failure in (None, FailureKind.FAILED)


def _state(row: TrialRow) -> str:
    if row.set_aside is not None:
        return row.set_aside.value
    return row.failure.value if row.failure is not None else row.state


@dataclass(frozen=True)
class Proposal:
    """What would be set aside, checked and not yet done."""

    study: str
    verb: str
    numbers: Sequence[int]
    resting: Sequence[DecisionRow]
    """The decisions that would be made again, the first one first."""
    from_here: bool
    selected: str

    @property
    def question(self) -> str:
        """For the user to say yes to."""
        count = len(self.numbers)
        plural = "s" * (count > 1)
        what = f"{self.verb} {count} result{plural} of {self.study!r} (trial{plural} {numbers_text(self.numbers)})"
        if not self.resting:
            return f"{what}?"
        return f"{what}, and decide again from {_name(self.resting[0])} on ({_decisions(len(self.resting))})?"


def propose(session: Session, study: StudyRow, how: SetAside, selection: Selection, from_here: bool) -> Proposal:
    """Check what is asked for. Changes nothing.

    Raises:
        UsageError: Nothing is selected, or later decisions rest on it and `from_here` is not asked for.
    """
    reader, verb = Reader(session), VERBS[how]
    rows = selection.rows(reader.trials(study.study_id), study.name, verb)
    resting = rests_on(reader.decisions(study.study_id), [row.trial_id for row in rows], study.search)
    if resting and not from_here:
        first = next(row.number for row in rows if row.trial_id in resting[0].trials)
        raise UsageError(
            f"{_name(resting[0])} was decided from trial {first}, and {_decisions(len(resting))} "
            f"of {study.name!r} rest{'s' * (len(resting) == 1)} on it: --from-here decides them again",
            verb,
        )
    selected = selection.where or selection.code or ""
    return Proposal(study.name, verb, [row.number for row in rows], resting, from_here, selected)


def set_aside(session: Session, study: StudyRow, how: SetAside, proposal: Proposal) -> list[str]:
    """Do it, in one transaction; a line each.

    Raises:
        UsageError: The study has changed since it was proposed; nothing was written.
    """
    ledger, reader = Ledger(session, study.study_id), Reader(session)
    with ledger.planning():
        selection = Selection(numbers=proposal.numbers)
        checked = propose(session, study, how, selection, proposal.from_here)
        rows = {row.number: row for row in reader.trials(study.study_id)}
        again: dict[int, int] = {}
        if how is SetAside.REDONE:
            again = {each.old: each.new for each in ledger.redo_points(checked.numbers)}
            done = sorted(again)
        else:
            done = ledger.drop_points(checked.numbers)
        if done != [*checked.numbers]:
            raise UsageError("the study has changed meanwhile; ask again", proposal.verb)
        decisions = reader.decisions(study.study_id)
        step = _step(study, how, decisions, checked, again, proposal.selected)
        ledger.record_decision(len(decisions), how.value, step.record, step.state, [], versions()["studyhall"])
        if checked.resting and study.search in ("grow", "tune"):
            used = set(checked.resting[0].trials)
            needed = {rows[number].hash for number in again if rows[number].trial_id in used}
            _withdraw(ledger, study, step.state, needed)
        if again or checked.resting:
            set_outcome(session, study.study_id)
    return _lines(study, checked, again)


@dataclass(frozen=True)
class _Step:
    record: Mapping[str, Any]
    state: Mapping[str, Any]


def _step(
    study: StudyRow,
    how: SetAside,
    decisions: Sequence[DecisionRow],
    proposal: Proposal,
    again: Mapping[int, int],
    selected: str,
) -> _Step:
    """The decision that sets results aside."""
    start = first_state(search_without_budget(study).start(), decisions)
    back_to = proposal.resting[0].number if proposal.resting else None
    state = state_before(start, decisions, len(decisions) if back_to is None else back_to)
    event = f"{how.value}: trial{'s' * (len(proposal.numbers) > 1)} {numbers_text(proposal.numbers)}"
    if back_to is not None:
        event += f"; decided again from {_name(proposal.resting[0])} on"
    record: dict[str, Any] = {
        "event": event,
        "trials": list(proposal.numbers),
        "again": {str(old): new for old, new in again.items()},
        "selected": selected,
        "back_to": back_to,
    }
    if study.search == "grow":
        record |= {"round": state["step"], "baseline": None, "candidates": [], "chosen": None}
    return _Step(record, state)


def _withdraw(ledger: Ledger, study: StudyRow, state: Mapping[str, Any], needed: Collection[str]) -> None:
    """Withdraw waiting points that only decisions which were taken back had asked for."""
    unwanted = set(ledger.waiting_points()) - set(needed)
    search = recalled_study(search_without_budget(study), Reader(ledger.session), ledger.study_id)
    for point in search.outlook(state):
        unwanted.discard(point.hash)
    ledger.withdraw_points(sorted(unwanted), "withdrawn: decided again from an earlier decision on")


def _lines(study: StudyRow, proposal: Proposal, again: Mapping[int, int]) -> list[str]:
    lines = [
        f"trial {number}: set aside" + (f", its point is planned again as trial {again[number]}" if again else "")
        for number in proposal.numbers
    ]
    if proposal.resting:
        lines.append(f"{study.name}: decided again from {_name(proposal.resting[0])} on")
        changes = [event_text(row.record) for row in proposal.resting if row.kind == "override"]
        lines += [f"{each}: taken back with them; give it again by --set" for each in changes]
    if again or proposal.resting:
        lines.append(f"to go on: {program_name()} run {study.search} --study {study.name}")
    return lines


def _name(row: DecisionRow) -> str:
    return decision_name(row.number, row.record)


def _decisions(count: int) -> str:
    return f"{count} decision{'s' * (count != 1)}"
