"""`replay`: a study's decisions derived again; and what they would have been, had the cost been another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from samplers.searches.growth.what_if import what_if
from storage.errors import UsageError
from storage.reader import Reader
from storage.records import StudyRow
from storage.session import Session
from studies.audit.replay import Rederived, replay, trials_of
from studies.definition.searches import search_without_budget


@dataclass(frozen=True)
class Replayed:
    """All decisions of a study, made again."""

    decisions: Sequence[Rederived]
    cost: str | None
    other: Sequence[Mapping[str, Any]]
    """With `--cost`: each round's choice under that cost, in the search's words."""

    @property
    def agrees(self) -> bool:
        return all(each.problem is None for each in self.decisions)

    def to_json(self) -> dict[str, Any]:
        return {
            "agrees": self.agrees,
            "decisions": [
                {"number": each.number, "kind": each.kind, "chosen": each.record.get("chosen"), "problem": each.problem}
                for each in self.decisions
            ],
            "what_if": list(self.other),
        }

    def text(self) -> str:
        lines = [
            f"round {each.record.get('round', each.number)}: {_choice(each.record)}: {each.problem or 'again'}"
            for each in self.decisions
        ]
        lines += [self._otherwise(each) for each in self.other]
        agreeing = sum(each.problem is None for each in self.decisions)
        return "\n".join([*lines, f"decisions derived again: {agreeing}/{len(self.decisions)}"])

    def _otherwise(self, each: Mapping[str, Any]) -> str:
        if each["same"]:
            return f"round {each['round']}, were the cost {self.cost}: the same"
        return f"round {each['round']}, were the cost {self.cost}: {_named(each['would_be'])}: {each['why']}"


def _choice(record: Mapping[str, Any]) -> str:
    return (
        _named(record["chosen"])
        if record.get("chosen")
        else record.get("told") or record.get("event") or "nothing chosen"
    )


def _named(choice: Mapping[str, Any]) -> str:
    return f"{choice['param']} → {choice['value']}"


def replay_study(session: Session, study: StudyRow, cost: str | None) -> Replayed:
    """Derive every decision of a study again.

    Raises:
        UsageError: `cost` is no metric of its trials.
    """
    decisions = Reader(session).decisions(study.study_id)
    derived = replay(search_without_budget(study), decisions, trials_of(Reader(session).trials(study.study_id)))
    if cost is not None and study.search != "grow":
        raise UsageError(f"--cost: {study.name!r} is a {study.search} study: its choices have no cost")
    other = [] if cost is None else what_if([row.record for row in decisions], cost)
    return Replayed(derived, cost, other)
