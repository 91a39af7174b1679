"""`replay`: a study's decisions derived again from its results and, with `--cost`, under another cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from samplers.searches.growth.what_if import what_if
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
    cost: str | None
    other: Sequence[Mapping[str, Any]]
    """With `--cost`: each round's choice under that cost."""

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
        """A line a decision, then, with `--cost`, a line a round; last, how many decisions were reproduced."""
        lines = [
            f"{decision_name(each.number, each.record)}: {decided(each.record)}: {each.verdict}"
            for each in self.decisions
        ]
        lines += [f"round {each['round']} with cost {self.cost}: {_what_if(each)}" for each in self.other]
        unchecked = sum(each.unchecked is not None for each in self.decisions)
        reproduced = sum(each.problem is None for each in self.decisions) - unchecked
        left = f"; {unchecked} were not derived" if unchecked else ""
        return Document(notes=[*lines, f"decisions reproduced: {reproduced} of {len(self.decisions)}{left}"])


def _what_if(other: Mapping[str, Any]) -> str:
    if other["same"]:
        return "the same choice"
    return f"{candidate_name(other['would_be'])}: {other['why']}"


def replay_study(session: Session, study: StudyRow, cost: str | None) -> Replayed:
    """Derive every decision of a study again.

    Raises:
        UsageError: `cost` is no metric of its trials.
    """
    decisions = Reader(session).decisions(study.study_id)
    derived = replay(search_without_budget(study), decisions, Reader(session).trials(study.study_id))
    if cost is not None and study.search != "grow":
        raise UsageError(f"{study.name!r} is a {study.search} study: its choices have no cost", "--cost")
    other = [] if cost is None else what_if([row.record for row in in_force(decisions)], cost)
    return Replayed(derived, cost, other)
