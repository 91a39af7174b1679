"""A study's results as they stand: `show` and its JSON, search by search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from storage.reader import Reader
from storage.records import DecisionRow, StudyRow, TrialRow
from storage.session import Session
from studies.results import depth as depth_table
from studies.results import fit as fit_table
from studies.results import grid as grid_table
from studies.results import growth as growth_table
from studies.tables.table import Document


@dataclass(frozen=True)
class Shown:
    """What `show` prints of a study."""

    study: StudyRow
    points: Sequence[TrialRow]
    """Of a grid alone."""
    decisions: Sequence[DecisionRow]
    whole: bool = False
    """Every candidate of every round, every setting."""
    flat: bool = False
    """With `whole`: a growth's candidates in one table, in place of one for each round."""

    def document(self) -> Document:
        if self.flat and self.whole and self.study.search == "grow":
            return Document([growth_table.candidates_table(self.decisions)])
        return document_of(self.study, self.points, self.decisions, self.whole)

    def to_json(self) -> dict[str, Any]:
        """`show --json`."""
        return shown_of(self.study, self.decisions, self.points)


def show(session: Session, study: StudyRow, whole: bool = False, flat: bool = False) -> Shown:
    """Read a study's results as they stand."""
    decisions = Reader(session).decisions(study.study_id)
    points = Reader(session).trials(study.study_id) if study.search == "grid" else []
    return Shown(study, points, decisions, whole, flat)


def shown_of(study: StudyRow, decisions: Sequence[DecisionRow], points: Sequence[TrialRow]) -> dict[str, Any]:
    """`show --json`, from what was read; `points` are wanted of a grid alone."""
    match study.search:
        case "depth":
            return depth_table.show_json(decisions)
        case "fit":
            return fit_table.show_json(decisions)
        case "grid":
            return grid_table.show_json(points, decisions, *_score(study))
        case _:
            return growth_table.show_json(study.origin["config"], decisions)


def document_of(study: StudyRow, points: Sequence[TrialRow], decisions: Sequence[DecisionRow], whole: bool) -> Document:
    """The result table, from a grid's points, as `read_points` gives them, and the decisions."""
    match study.search:
        case "depth":
            return depth_table.show_document(decisions)
        case "fit":
            return fit_table.show_document(decisions)
        case "grid":
            return grid_table.show_document(points, decisions, *_score(study), whole)
        case _:
            varied = list(study.origin["grow"]["increments"])
            return growth_table.show_document(study.origin["config"], decisions, varied, whole)


def _score(study: StudyRow) -> tuple[str, str]:
    """Its metric and direction."""
    score = study.origin["score"]
    return score["metric"], score["direction"]
