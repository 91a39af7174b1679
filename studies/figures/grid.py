"""What a grid looks like: each setting with its interval, two axes as a heat map, all axes side by side.

From the results of `show --json` (studies/results/grid.py), the best setting first.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from studies.figures.labels import labels
from studies.figures.picture import Axis, Heat, Parallel, Picture, Points, Value
from studies.figures.thinning import thinned, wide
from studies.history.purpose import setting_name

MAX_NAMED_SETTINGS = 40
MAX_SETTING_LINES = 600
"""Of parallel coordinates."""
MAX_CELLS = 80
"""Along one axis of a heat map."""

Rows = Sequence[Mapping[str, Any]]


def pictures(shown: Mapping[str, Any], metric: str) -> list[Picture]:
    """The figures of `show --json`: of the settings that are ranked, or, while none is, of those with a score."""
    rows = [row for row in shown["results"] if row.get("ranked", True)] or shown["results"]
    if not rows:
        return []
    axes = varied(rows)
    failed, pruned, partial = len(shown["failed"]), len(shown.get("pruned", ())), len(shown["results"]) - len(rows)
    gone = f" {failed} settings have no score, since all their trials failed." if failed else ""
    gone += f" Not shown: {partial} without all their seeds." if partial else ""
    gone += f" Not shown: {pruned} that were pruned." if pruned else ""
    made = [_settings(rows, axes, metric, gone)]
    if len(axes) == 2:
        means = [row["mean"] for row in rows]
        caption = f"Mean over the seeds; an empty cell has no score.{gone}"
        made.append(heat_map("grid-heat", f"{metric} over {axes[0]} and {axes[1]}", rows, axes, means, metric, caption))
    if len(axes) >= 2:
        made.append(parallel(rows, axes, metric, gone))
    return made


def varied(rows: Rows) -> list[str]:
    """Names of the axes that have more than one value, in the order of the grid."""
    names = dict.fromkeys(name for row in rows for name in row["setting"])
    return [name for name in names if len({_text(row["setting"].get(name)) for row in rows}) > 1]


def heat_map(
    key: str,
    title: str,
    rows: Rows,
    axes: Sequence[str],
    figures: Sequence[float],
    name: str,
    caption: str,
    contour: float | None = None,
) -> Picture:
    """A figure for each pair of values of two axes. A cell that several settings share shows the first, which is the
    best. Values are evenly spaced, whatever the distance between them."""
    across, cut_x = _places(rows, axes[0])
    up, cut_y = _places(rows, axes[1])
    cells: dict[tuple[str, str], float] = {}
    for row, figure in zip(rows, figures, strict=True):
        cells.setdefault((_text(row["setting"].get(axes[0])), _text(row["setting"].get(axes[1]))), figure)
    z = [[cells.get((x, y), math.nan) for x in across] for y in up]
    heat = Heat(name, labels(across), labels(up), z, contour)
    return Picture(key, title, Axis(axes[0]), Axis(axes[1]), [heat], f"{caption}{cut_x or cut_y}")


def _settings(rows: Rows, axes: Sequence[str], metric: str, gone: str) -> Picture:
    one = axes[0] if len(axes) == 1 and all(_is_number(row["setting"].get(axes[0])) for row in rows) else None
    if one is not None:
        shown = sorted(rows, key=lambda row: float(row["setting"][one]))
        shown, cut = thinned(shown, MAX_SETTING_LINES)
        x: list[Value] = [float(row["setting"][one]) for row in shown]
        across = Axis(one, log=wide([float(row["setting"][one]) for row in shown]))
    else:
        shown = list(rows[:MAX_NAMED_SETTINGS])
        cut = "" if len(shown) == len(rows) else f" The best {len(shown)} of {len(rows):,} settings, the best first."
        x = list(labels([setting_name({name: row["setting"].get(name) for name in axes}) for row in shown]))
        across = Axis("setting")
    without = sum(row["interval"] is None for row in shown)
    sure = "The interval is Student's at 95 %, over the seeds."
    few = "one seed" if all(row["n"] == 1 for row in shown if row["interval"] is None) else "two seeds or fewer"
    if without == len(shown):
        sure = f"{few.capitalize()} each: the spread of a score is not known."
    elif without:
        sure += f" {without} settings have {few} and no interval."
    if any(row.get("interval_cut") for row in shown):
        sure += f" Intervals are cut at 0: {metric} has positive values alone."
    known = without < len(shown)
    ends = [row["interval"] or (math.nan, math.nan) for row in shown]
    means = [row["mean"] for row in shown]
    above = [high - mean for (_, high), mean in zip(ends, means, strict=True)] if known else ()
    below = [mean - low for (low, _), mean in zip(ends, means, strict=True)] if known else ()
    points = Points(metric, x, means, above, below)
    return Picture("grid-settings", f"{metric} of each setting", across, Axis(metric), [points], f"{sure}{cut}{gone}")


def parallel(rows: Rows, axes: Sequence[str], metric: str, gone: str, key: str = "grid-parallel") -> Picture:
    """All axes side by side, a line a setting."""
    shown, cut = thinned(rows, MAX_SETTING_LINES)
    columns: list[tuple[str, Sequence[Value]]] = [(name, _column(shown, name)) for name in axes]
    columns.append((metric, [row["mean"] for row in shown]))
    caption = f"A line a setting, coloured by its mean {metric}.{cut}{gone}"
    return Picture(key, f"{metric} and all axes", Axis(""), Axis(""), [Parallel(metric, columns)], caption)


def _column(rows: Rows, name: str) -> Sequence[Value]:
    values = [row["setting"].get(name) for row in rows]
    if all(_is_number(value) for value in values):
        return [float(value) for value in values]
    return labels([_text(value) for value in values])


def _places(rows: Rows, name: str) -> tuple[list[str], str]:
    """An axis' values as texts, numbers in their order; and a sentence if not all are shown."""
    values = {_text(row["setting"].get(name)): row["setting"].get(name) for row in rows}
    if all(_is_number(value) for value in values.values()):
        return thinned(sorted(values, key=lambda text: float(values[text])), MAX_CELLS)
    return thinned(list(values), MAX_CELLS)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _text(value: object) -> str:
    return "–" if value is None else str(value)
