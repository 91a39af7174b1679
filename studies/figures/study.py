"""The figures of a study as it stands: the same in the browser, in a notebook and on paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from storage.reader import Reader
from storage.records import StudyRow, TrialRow
from storage.session import Session
from studies.figures import depth, difficulty, fit, grid, growth
from studies.figures.picture import Picture
from studies.results.difficulty import TARGET
from studies.results.show import shown_of


def pictures(session: Session, study: StudyRow) -> list[Picture]:
    """All figures of a study; none of one that has nothing to show yet."""
    points = Reader(session).trials(study.study_id) if study.search == "grid" else []
    decisions = Reader(session).decisions(study.study_id)
    return pictures_of(study, shown_of(study, decisions, points), points)


def pictures_of(study: StudyRow, shown: Mapping[str, Any], points: Sequence[TrialRow]) -> list[Picture]:
    """The figures, from what `show --json` says; `points` are wanted of a grid alone, for their target."""
    origin: Mapping[str, Any] = study.origin
    metric = origin["score"]["metric"]
    match study.search:
        case "depth":
            return depth.pictures(shown, origin["depth"].get("solve", "layers"))
        case "fit":
            return fit.pictures(shown, metric)
        case "grid":
            target = next((row.config["target"] for row in points if "target" in row.config), TARGET)
            return [*difficulty.pictures(shown, target), *grid.pictures(shown, metric)]
        case _:
            return growth.pictures(shown, metric, str(origin["cost"]))
