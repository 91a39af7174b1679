"""Figures of a depth study: the answer for each target, and how far its count is from the target.

From `show --json` (studies/results/depth.py). A target out of reach is a gap: a bound is no answer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from samplers.searches.depth.fixed_size import count_in
from studies.figures.picture import Axis, Line, Picture, Points, Rule
from studies.figures.scales import axis_of, number_text, wide

Rows = Sequence[Mapping[str, Any]]


def pictures(shown: Mapping[str, Any], solve: str) -> list[Picture]:
    """The answer; `solve` says which of `layers` and `width` was looked for."""
    rows = shown["results"]
    if not rows:
        return []
    given, metric = _given(solve), _metric(rows)
    lines = [Line(name, at, _column(each, solve)) for name, at, each in _by_target(rows, given)]
    x = axis_of(given, [row[given] for row in rows])
    y = Axis(solve, log=wide([value for line in lines for value in line.y]))
    caption = f"The {solve} whose {metric} is closest to each target. {_closest(rows, given, solve)}{_gaps(rows)}"
    return [Picture("depth-answer", f"{solve.capitalize()} over {given}, for each target", x, y, lines, caption)]


def further(shown: Mapping[str, Any], solve: str) -> list[Picture]:
    """How far the closest counts are from their targets."""
    rows = shown["results"]
    if not any(math.isfinite(distance(row)) for row in rows):
        return []
    given, metric = _given(solve), _metric(rows)
    marks = [Points(name, at, [distance(row) for row in each]) for name, at, each in _by_target(rows, given)]
    caption = (
        f"{metric[:1].upper()}{metric[1:]} beyond the target, as a share of it; below zero it is less.{_gaps(rows)}"
    )
    x, y = axis_of(given, [row[given] for row in rows]), Axis("distance from the target", percent=True)
    title = "How far the closest count is from its target"
    return [Picture("depth-distance", title, x, y, [*marks, Rule("on target", 0.0)], caption)]


def _given(solve: str) -> str:
    return "width" if solve == "layers" else "layers"


def _metric(rows: Rows) -> str:
    return rows[0].get("metric") or "number of parameters"


def _by_target(rows: Rows, given: str) -> list[tuple[str, list[float], Rows]]:
    """The name of each target, and its rows with where they stand."""
    found: list[tuple[str, list[float], Rows]] = []
    for target in dict.fromkeys(row["target"] for row in rows):
        own = sorted((row for row in rows if row["target"] == target), key=lambda row: float(row[given]))
        found.append((f"{target:,}", [row[given] for row in own], own))
    return found


def _closest(rows: Rows, given: str, solve: str) -> str:
    """Of the largest target, the answer that is nearest to it."""
    known = [row for row in rows if math.isfinite(distance(row))]
    if not known:
        return "No target is within reach."
    target = max(row["target"] for row in known)
    row = min((row for row in known if row["target"] == target), key=lambda row: abs(distance(row)))
    return f"Nearest to {number_text(target)}: {given} {row[given]:,}, {solve} {row[solve]:,} ({distance(row):+.2%})."


def _gaps(rows: Rows) -> str:
    missed = sum(not row["reached"] for row in rows)
    verb, gaps = ("is", "this is a gap") if missed == 1 else ("are", "these are gaps")
    return f" {missed} of {len(rows)} {verb} out of reach or could not be counted: {gaps}." if missed else ""


def _column(rows: Rows, name: str) -> list[float]:
    """Of the answers; NaN where there is none."""
    return [float(row[name]) if row["reached"] and row[name] is not None else math.nan for row in rows]


def distance(row: Mapping[str, Any]) -> float:
    """Of an answer: what it has beyond the target, as a share of it; NaN where there is none."""
    count = count_in(row)
    return (count - row["target"]) / row["target"] if row["reached"] and count is not None else math.nan
