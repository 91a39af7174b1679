"""Figures of a tune study: its history, each axis against the score, all axes side by side, and the front of several
scores.

From the results of `show --json` (studies/results/tune.py).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from samplers.searches.tune.front import hypervolume_over_time, losses, reference_point
from storage.records import Score
from studies.figures.grid import parallel, varied
from studies.figures.picture import Axis, Line, Mark, Picture, Points, Value
from studies.figures.thinning import thinned, wide

MAX_SLICES = 12
"""Axes with a figure of their own; the first ones of the space."""
MAX_SETTING_POINTS = 2_000

Rows = Sequence[Mapping[str, Any]]


def pictures(shown: Mapping[str, Any], scores: Sequence[Score]) -> list[Picture]:
    """The figures of `show --json`; none before a setting has a score."""
    rows = sorted((row for row in shown["results"] if row["mean"] is not None), key=lambda row: row["number"])
    if not rows:
        return []
    made = [_history(rows, scores[0])] if len(scores) == 1 else _of_several(shown, rows, scores)
    axes = varied(rows)
    if len(axes) >= 2:
        made.append(parallel(rows, axes, scores[0].metric, "", key="tune-parallel"))
    return [*made, *(_slice(rows, name, scores[0].metric) for name in axes[:MAX_SLICES])]


def _history(rows: Rows, score: Score) -> Picture:
    better = max if score.direction == "maximize" else min
    kept = [row for row in rows if _met(row)]
    numbers, means = [float(row["number"]) for row in kept], [row["mean"] for row in kept]
    marks: list[Mark] = [
        Points("settings", numbers, means, faint=True),
        Line("best so far", numbers, [*accumulate(means, better)]),
    ]
    caption = "The mean of each setting over its seeds, in the order in which they were chosen."
    caption += _missing(len(rows) - len(kept))
    title = f"{score.metric} of each setting, and the best so far"
    return Picture("tune-history", title, Axis("setting"), Axis(score.metric), marks, caption)


def _of_several(shown: Mapping[str, Any], rows: Rows, scores: Sequence[Score]) -> list[Picture]:
    """The front of the first two scores, and the volume that it encloses over time."""
    kept = [row for row in rows if _met(row) and all(each["mean"] is not None for each in row["by_score"].values())]
    if not kept:
        return []
    directions = [each.direction for each in scores]
    values = [[row["by_score"][each.metric]["mean"] for each in scores] for row in kept]
    points = [losses(each, directions) for each in values]
    ahead = {*shown["front"]}
    behind = [each for row, each in zip(kept, values, strict=True) if row["number"] not in ahead]
    behind, cut = thinned(behind, MAX_SETTING_POINTS)
    best = sorted(each for row, each in zip(kept, values, strict=True) if row["number"] in ahead)
    marks: list[Mark] = [
        Points("settings", [each[0] for each in behind], [each[1] for each in behind], faint=True),
        Line("front", [each[0] for each in best], [each[1] for each in best], dashed=True),
        Points("front", [each[0] for each in best], [each[1] for each in best]),
    ]
    x, y = scores[0].metric, scores[1].metric
    caption = f"{len(best)} of {len(kept)} settings: no other one is as good in every score and better in one."
    caption += f" Of {len(scores)} scores the first two are drawn." if len(scores) > 2 else ""
    front = Picture(
        "tune-front",
        f"{y} against {x}: the front",
        Axis(x, log=wide([each[0] for each in values])),
        Axis(y),
        marks,
        caption + cut + _missing(len(rows) - len(kept)),
    )
    volumes = hypervolume_over_time(points, reference_point(points))
    over = Line("volume", [float(row["number"]) for row in kept], volumes)
    why = "How much the front dominates, measured from a tenth beyond the worst of each score."
    return [front, Picture("tune-volume", "volume of the front", Axis("setting"), Axis("volume"), [over], why)]


def _slice(rows: Rows, name: str, metric: str) -> Picture:
    known = [(row["setting"][name], row["mean"]) for row in rows if name in row["setting"] and _met(row)]
    known, cut = thinned(known, MAX_SETTING_POINTS)
    numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value, _ in known)
    x: list[Value] = [float(value) if numeric else str(value) for value, _ in known]
    log = numeric and wide([each for each in x if isinstance(each, float)])
    points = Points("settings", x, [mean for _, mean in known])
    caption = f"A point a setting, whatever its other axes are.{cut}"
    return Picture(
        f"tune-slice-{_slug(name)}", f"{metric} over {name}", Axis(name, log=log), Axis(metric), [points], caption
    )


def _met(row: Mapping[str, Any]) -> bool:
    return all(not excess > 0 for excess in row["constraints"].values() if not math.isnan(excess))


def _missing(count: int) -> str:
    return f" Not shown: {count} that miss a constraint." if count else ""


def _slug(name: str) -> str:
    return "".join(each if each.isalnum() else "-" for each in name.lower()).strip("-")
