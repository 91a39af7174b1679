"""`replay`: a study's decisions derived again, and the choices that `--cost` or `--seeds` would have made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from samplers.searches.growth.what_if import OtherTerms, trainings, what_if
from storage.errors import UsageError
from storage.reader import Reader
from storage.records import StudyRow
from storage.session import Session
from studies.audit.replay import Rederived, replay
from studies.definition.searches import search_without_budget
from studies.history.decisions import in_force
from studies.history.purpose import candidate_name
from studies.history.state import decided, decision_name
from studies.tables.table import Document


@dataclass(frozen=True)
class Replayed:
    """All decisions of a study, made again."""

    decisions: Sequence[Rederived]
    terms: str
    """What `other` is judged by, in words."""
    other: Sequence[Mapping[str, Any]]
    """With `--cost` or `--seeds`: each round's choice on those terms."""
    notes: Sequence[str] = ()

    @property
    def agrees(self) -> bool:
        return all(each.problem is None for each in self.decisions)

    def to_json(self) -> dict[str, Any]:
        return {
            "agrees": self.agrees,
            "decisions": [
                {
                    "number": each.number,
                    "kind": each.kind,
                    "chosen": each.record.get("chosen"),
                    "problem": each.problem,
                    **({"unchecked": each.unchecked} if each.unchecked else {}),
                }
                for each in self.decisions
            ],
            "what_if": list(self.other),
        }

    def document(self) -> Document:
        """A line a decision, then a line a round of `other`; last, how many decisions were reproduced."""
        lines = [
            f"{decision_name(each.number, each.record)}: {decided(each.record)}: {each.verdict}"
            for each in self.decisions
        ]
        lines += [f"round {each['round']} with {self.terms}: {_what_if(each)}" for each in self.other]
        lines += self.notes
        unchecked = sum(each.unchecked is not None for each in self.decisions)
        reproduced = sum(each.problem is None for each in self.decisions) - unchecked
        left = f"; {unchecked} were not derived" if unchecked else ""
        return Document(notes=[*lines, f"decisions reproduced: {reproduced} of {len(self.decisions)}{left}"])


def _what_if(other: Mapping[str, Any]) -> str:
    if other["same"]:
        return "the same choice"
    would_be = "no step" if other["would_be"] is None else candidate_name(other["would_be"])
    return would_be if other["why"] is None else f"{would_be}: {other['why']}"


def _path_note(records: Sequence[Mapping[str, Any]], other: Sequence[Mapping[str, Any]], terms: OtherTerms) -> str:
    """Whether the path would have been another, and what its trainings would have been."""
    parted = next((each for each in other if not each["same"]), None)
    path = "the same path"
    if parted is not None:
        path = f"another path from round {parted['round']} on; the rounds after it are judged from the real baselines"
    few, all_of_them = trainings(records, terms.seeds), trainings(records)
    return f"with {_terms_text(terms)}: {path}; {few} of the {all_of_them} trainings of these rounds"


def _terms_text(terms: OtherTerms) -> str:
    seeds = None if terms.seeds is None else "the first seed" if terms.seeds == 1 else f"the first {terms.seeds} seeds"
    return " and ".join(filter(None, (seeds, terms.cost and f"cost {terms.cost}")))


def replay_study(session: Session, study: StudyRow, cost: str | None, seeds: int | None) -> Replayed:
    """Derive every decision of a study again.

    Raises:
        UsageError: `cost` is no metric of its trials, or no round has so many seeds.
    """
    decisions = Reader(session).decisions(study.study_id)
    derived = replay(search_without_budget(study), decisions, Reader(session).trials(study.study_id))
    if cost is not None and study.search != "grow":
        raise UsageError(f"{study.name!r} is a {study.search} study: its choices have no cost", "--cost")
    if seeds is not None and study.search != "grow":
        raise UsageError(f"{study.name!r} is a {study.search} search: it has no rounds of seeds", "--seeds")
    if cost is None and seeds is None:
        return Replayed(derived, "", ())
    terms = OtherTerms(cost, seeds, study.direction)
    records = [row.record for row in in_force(decisions)]
    other = what_if(records, terms)
    notes = [] if seeds is None else [_path_note(records, other, terms)]
    return Replayed(derived, _terms_text(terms), other, notes)
