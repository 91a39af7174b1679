"""A study's results as they stand: `show` and its JSON, search by search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from storage.reader import Reader
from storage.records import DecisionRow, StudyRow, TrialRow
from storage.session import Session
from studies.definition.units import Units
from studies.history.certainty import error_text
from studies.history.decisions import in_force
from studies.results import depth, fit, grid, growth, tune
from studies.results.growth_tables import candidates_table
from studies.results.set_aside import set_aside_json, set_aside_note, set_aside_table
from studies.settings.unheard import unheard
from studies.tables.choice import EVERYTHING, Choice
from studies.tables.table import Document

LISTEN = ("grid", "grow", "tune")
"""Searches whose trials are compared with each other, seed by seed."""


ON_LAPTOP = "begun with --laptop: these are results of the small budget that the definition names there"


@dataclass(frozen=True)
class Shown:
    """A study's results."""

    study: StudyRow
    points: Sequence[TrialRow]
    decisions: Sequence[DecisionRow]
    whole: bool = False
    """Every candidate of every round, every setting; how much each axis of a tune matters."""
    flat: bool = False
    """For a file: the main table has all of its rows; with `whole`, a growth's candidates in one table, in place of one
    for each round."""
    choice: Choice = EVERYTHING
    """Rows and columns of the main table; of a growth, of its candidates."""

    def document(self) -> Document:
        document = self._document()
        if self.study.search in LISTEN:
            document = replace(document, notes=[*document.notes, *unheard(self._counted).notes(self._objective)])
        aside, note = set_aside_table(self.points, self.study.score, self.whole), set_aside_note(self.points)
        more = [] if note is None else [note]
        more += [ON_LAPTOP] if self.study.on_laptop else []
        return replace(
            document,
            tables=[*document.tables, *([] if aside is None else [aside])],
            notes=[*document.notes, *more],
            caption=self._caption,
            label=self.study.name,
        )

    @property
    def _caption(self) -> str:
        """What the study asks, and what ± and bold mean."""
        asked = str(self.study.origin.get("question") or f"Study {self.study.name}.")
        if self.study.search in ("grid", "tune"):
            half = "Mean ± half of the 95 % interval over seeds."
            return f"{asked} {half} Bold: the best, and what the seeds do not set apart from it."
        if self.study.search != "grow":
            return f"{asked} Bold: the best."
        error = error_text([row.record for row in in_force(self.decisions)])
        half = "" if error is None else f" Gain and efficiency ± {error}, over seeds."
        return f"{asked}{half}{' Bold: the best.' if self._is_of_candidates else ''}"

    @property
    def _is_of_candidates(self) -> bool:
        """Whether a growth's candidates stand in one table, in place of its path."""
        return self.study.search == "grow" and (self.choice.given or (self.flat and self.whole))

    def _document(self) -> Document:
        study, decisions, units = self.study, self.decisions, Units.of(self.study)
        if self._is_of_candidates:
            return Document([candidates_table(decisions, units, self.choice)])
        match study.search:
            case "depth":
                return depth.show_document(decisions, self.choice)
            case "fit":
                return fit.show_document(decisions, self.choice, units)
            case "grid":
                return grid.show_document(
                    self.points,
                    decisions,
                    study.score,
                    study.direction,
                    self.whole,
                    self.choice,
                    units,
                    uncut=self.flat,
                )
            case "tune":
                return tune.show_document(study, self.points, decisions, self.whole, self.choice, uncut=self.flat)
            case _:
                varied = list(study.origin["grow"]["increments"])
                return growth.show_document(
                    study.origin["config"],
                    decisions,
                    varied,
                    self.whole,
                    self.points,
                    study.outcome,
                    study.direction,
                    units,
                    study.origin["grow"],
                )

    def to_json(self) -> dict[str, Any]:
        """`show --json`; what was set aside, and what changed nothing, is added where there is some."""
        aside = set_aside_json(self.points)
        laptop = {"laptop": True} if self.study.on_laptop else {}
        return {**self._json(), **self._unheard_json(), **laptop, **({"set_aside": aside} if aside else {})}

    def _unheard_json(self) -> dict[str, Any]:
        found = unheard(self._counted) if self.study.search in LISTEN else None
        if found is None or not (found.names or found.seeds):
            return {}
        return {"unheard": list(found.names), "seeds_alike": found.seeds}

    @property
    def _counted(self) -> Sequence[TrialRow]:
        return [row for row in self.points if row.set_aside is None]

    @property
    def _objective(self) -> str:
        return str(self.study.origin["objective"])

    def _json(self) -> dict[str, Any]:
        study, decisions = self.study, self.decisions
        match study.search:
            case "depth":
                return depth.show_json(decisions)
            case "fit":
                return fit.show_json(decisions)
            case "grid":
                return grid.show_json(self.points, decisions, study.score, study.direction)
            case "tune":
                return tune.show_json(study, self.points, decisions, self.whole)
            case _:
                return growth.show_json(study.origin["config"], decisions, self.points, study.outcome, study.direction)


def show(
    session: Session, study: StudyRow, whole: bool = False, flat: bool = False, choice: Choice = EVERYTHING
) -> Shown:
    """Read a study's results as they stand."""
    decisions = Reader(session).decisions(study.study_id)
    return Shown(study, Reader(session).trials(study.study_id), decisions, whole, flat, choice)
