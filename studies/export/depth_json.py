"""`depth-json`: the answers of a depth search for other programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from samplers.searches.depth.fixed_size import count_in
from storage.errors import UsageError
from studies.history.decisions import standing
from studies.results.depth import results_of


def depth_json(decisions: Sequence[Any]) -> dict[str, Any]:
    """`export --as depth-json`: one object for a single answer, else objects by target and width.

    A target that is out of reach has an `error` and no layers, like a failed count: a bound is not an optimum.

    Raises:
        UsageError: The study solved for widths, which that format does not hold.
    """
    rows = results_of(decisions)
    if any(row.record["solve"] != "layers" for row in standing(decisions)):
        raise UsageError("holds depths; this study solved for widths: use json or csv", "--as depth-json")
    if len(rows) == 1:
        answer = _answer(rows[0])
        del answer["calibration_ratio"]
        return {"width": rows[0]["width"], **answer}
    by_target: dict[str, dict[str, Any]] = {str(row["target"]): {} for row in rows}
    for row in rows:
        by_target[str(row["target"])][str(row["width"])] = _answer(row)
    return by_target


def _counted(row: Mapping[str, Any], count: int | None) -> dict[str, Any]:
    """Under the metric's name where it is not `params`."""
    metric = row.get("metric", "params")
    return {f"actual_{metric}": count, f"target_{metric}": row["target"]}


def _answer(row: Mapping[str, Any]) -> dict[str, Any]:
    kept = row if row["reached"] else {}
    answer = {
        "optimal_layers": kept.get("layers"),
        **_counted(row, count_in(row) if row["reached"] else None),
        "difference": kept.get("difference"),
        "percentage_diff": kept.get("percent"),
        "calibration_ratio": kept.get("calibration_ratio"),
    }
    return answer if row["reached"] else {**answer, "error": row["reason"]}
