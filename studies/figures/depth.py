"""Figures of a depth study: the answer for each target, and how far its count is from the target.

From `show --json` (studies/results/depth.py). A target out of reach is a gap: a bound is no answer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from samplers.searches.depth.fixed_size import count_in
from studies.figures.picture import Axis, Line, Picture, Points, Rule
from studies.figures.thinning import wide


def pictures(shown: Mapping[str, Any], solve: str) -> list[Picture]:
    """The figures of `show --json`; `solve` says which of `layers` and `width` was looked for."""
    rows = shown["results"]
    if not rows:
        return []
    given = "width" if solve == "layers" else "layers"
    lines = [
        (target, sorted((row for row in rows if row["target"] == target), key=lambda row: row[given]))
        for target in dict.fromkeys(row["target"] for row in rows)
    ]
    missed = sum(not row["reached"] for row in rows)
    gaps = f" {missed} of {len(rows)} are out of reach or could not be counted: these are gaps." if missed else ""
    x = Axis(given, log=wide([row[given] for row in rows]))
    places = [(f"{target:,}", [row[given] for row in each], each) for target, each in lines]
    answers = [Line(name, at, _column(each, solve)) for name, at, each in places]
    distances = [Points(name, at, [distance(row) for row in each]) for name, at, each in places]
    y = Axis(solve, log=wide([value for line in answers for value in line.y]))
    metric = rows[0].get("metric")
    counted, more = ("number of parameters", "Parameters") if metric is None else (metric, metric)
    less = "there are fewer" if metric is None else "it is less"
    closest = f"The {solve} whose {counted} is closest to each target.{gaps}"
    return [
        Picture("depth-answer", f"{solve.capitalize()} over {given}, for each target", x, y, answers, closest),
        Picture(
            "depth-distance",
            "How far the closest count is from its target",
            x,
            Axis("distance from the target", percent=True),
            [*distances, Rule("on target", 0.0)],
            f"{more} beyond the target, as a share of it; below zero {less}.{gaps}",
        ),
    ]


def _column(rows: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    """Of the answers; NaN where there is none."""
    return [float(row[name]) if row["reached"] and row[name] is not None else math.nan for row in rows]


def distance(row: Mapping[str, Any]) -> float:
    """Of an answer: what it has beyond the target, as a share of it; NaN where there is none."""
    count = count_in(row)
    return (count - row["target"]) / row["target"] if row["reached"] and count is not None else math.nan
