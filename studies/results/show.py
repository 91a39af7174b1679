"""A study's results as they stand: `show` and its JSON, search by search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from storage.reader import Reader
from storage.records import DecisionRow, StudyRow, TrialRow
from storage.session import Session
from studies.results import depth as depth_table
from studies.results import fit as fit_table
from studies.results import grid as grid_table
from studies.results import growth as growth_table
from studies.tables.table import Document


def study_json(session: Session, study: StudyRow) -> dict[str, Any]:
    """`show --json`."""
    decisions = Reader(session).decisions(study.study_id)
    return shown_of(study, decisions, _points(session, study) if study.search == "grid" else [])


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


def study_document(session: Session, study: StudyRow, whole: bool, flat: bool = False) -> Document:
    """The result table; with `whole`, every candidate of every round: under it, or `flat` in one table of their own."""
    decisions = Reader(session).decisions(study.study_id)
    points = _points(session, study) if study.search == "grid" else []
    if flat and whole and study.search == "grow":
        return Document([growth_table.candidates_table(decisions)])
    return document_of(study, points, decisions, whole)


def document_of(study: StudyRow, points: Sequence[TrialRow], decisions: Sequence[DecisionRow], whole: bool) -> Document:
    """The same from rows that were read: a grid's points, as `read_points` gives them, and the decisions."""
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


def _points(session: Session, study: StudyRow) -> list[TrialRow]:
    return Reader(session).trials(study.study_id)


def _score(study: StudyRow) -> tuple[str, str]:
    """Its metric and direction."""
    score = study.origin["score"]
    return score["metric"], score["direction"]
