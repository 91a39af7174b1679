"""The figures of a study as it stands: the same in the browser, in a notebook and on paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from storage.records import StudyRow
from storage.session import Session
from studies import depth_table, fit_table, grid_table, growth_table
from studies.difficulty_table import TARGET
from studies.figures import depth, difficulty, fit, grid, growth
from studies.figures.picture import Picture


def pictures(session: Session, study: StudyRow) -> list[Picture]:
    """All figures of a study; none of one that has nothing to show yet."""
    values = {"study_id": study.study_id}
    points = session.run("read_points", values) if study.search == "grid" else []
    return pictures_of(study, session.run("read_decisions", values), points)


def pictures_of(study: StudyRow, decisions: Sequence[Any], points: Sequence[Any]) -> list[Picture]:
    """The figures from what was read; `points` are wanted of a grid alone."""
    origin: Mapping[str, Any] = study.origin
    metric, direction = origin["score"]["metric"], origin["score"]["direction"]
    match study.search:
        case "depth":
            return depth.pictures(depth_table.show_json(decisions), origin["depth"].get("solve", "layers"))
        case "fit":
            return fit.pictures(fit_table.show_json(decisions), metric)
        case "grid":
            shown = grid_table.show_json(points, decisions, metric, direction)
            target = next((row.config["target"] for row in points if "target" in row.config), TARGET)
            return [*difficulty.pictures(shown, target), *grid.pictures(shown, metric)]
        case _:
            return growth.pictures(growth_table.show_json(origin["config"], decisions), metric, str(origin["cost"]))
