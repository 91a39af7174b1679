"""The figures of a study as it stands: the same in the browser, in a notebook and on paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from storage.records import StudyRow, TrialRow
from studies.definition.units import Units
from studies.figures import depth, difficulty, fit, grid, growth, tune
from studies.figures.picture import Picture
from studies.settings.difficulty import TARGET


def pictures_of(study: StudyRow, shown: Mapping[str, Any], points: Sequence[TrialRow]) -> list[Picture]:
    """The few figures that answer a study's question, from `show --json`; of a grid also from its points, which hold
    the target. The first one is the most telling."""
    match study.search:
        case "depth":
            return depth.pictures(shown, study.origin["depth"].get("solve", "layers"))
        case "fit":
            return fit.pictures(shown, study.score)
        case "grid":
            target = next((row.config["target"] for row in points if "target" in row.config), TARGET)
            return [*difficulty.pictures(shown, target), *grid.pictures(shown, study.score)]
        case "tune":
            return tune.pictures(shown, study.scores)
        case _:
            return growth.pictures(shown, study.score, str(study.cost), Units.of(study))


def with_units(picture: Picture, study: StudyRow) -> Picture:
    """Its axes with the units of the metrics that they show."""
    units = Units.of(study)
    x, y = (replace(axis, title=units.head(axis.title)) for axis in (picture.x, picture.y))
    return replace(picture, x=x, y=y)


def further_pictures(study: StudyRow, shown: Mapping[str, Any]) -> list[Picture]:
    """Figures that a report has behind these."""
    match study.search:
        case "depth":
            return depth.further(shown, study.origin["depth"].get("solve", "layers"))
        case "grid":
            return grid.further(shown, study.score)
        case "tune":
            return tune.further(shown, study.scores)
        case _:
            return []
