"""A study's results as they stand: `show` and its JSON, search by search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from storage.reader import Reader
from storage.records import DecisionRow, StudyRow, TrialRow
from storage.session import Session
from studies.results import depth, fit, grid, growth
from studies.tables.table import Document


@dataclass(frozen=True)
class Shown:
    """A study's results."""

    study: StudyRow
    points: Sequence[TrialRow]
    decisions: Sequence[DecisionRow]
    whole: bool = False
    """Every candidate of every round, every setting."""
    flat: bool = False
    """With `whole`: a growth's candidates in one table, in place of one for each round."""

    def document(self) -> Document:
        if self.flat and self.whole and self.study.search == "grow":
            return Document([growth.candidates_table(self.decisions)])
        study, decisions = self.study, self.decisions
        match study.search:
            case "depth":
                return depth.show_document(decisions)
            case "fit":
                return fit.show_document(decisions)
            case "grid":
                return grid.show_document(self.points, decisions, study.score, study.direction, self.whole)
            case _:
                varied = list(study.origin["grow"]["increments"])
                return growth.show_document(
                    study.origin["config"], decisions, varied, self.whole, self.points, study.outcome
                )

    def to_json(self) -> dict[str, Any]:
        """`show --json`."""
        study, decisions = self.study, self.decisions
        match study.search:
            case "depth":
                return depth.show_json(decisions)
            case "fit":
                return fit.show_json(decisions)
            case "grid":
                return grid.show_json(self.points, decisions, study.score, study.direction)
            case _:
                return growth.show_json(study.origin["config"], decisions, self.points, study.outcome)


def show(session: Session, study: StudyRow, whole: bool = False, flat: bool = False) -> Shown:
    """Read a study's results as they stand."""
    decisions = Reader(session).decisions(study.study_id)
    return Shown(study, Reader(session).trials(study.study_id), decisions, whole, flat)
