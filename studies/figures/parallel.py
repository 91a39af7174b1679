"""All axes of a study side by side: a line through its values for each setting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from samplers.searches.plural import counted
from studies.figures.axes import is_number, text_of
from studies.figures.labels import labels
from studies.figures.picture import Axis, Parallel, Picture, Value
from studies.figures.scales import near_best, number_text
from studies.figures.thinning import thinned

MAX_SETTING_LINES = 300

Rows = Sequence[Mapping[str, Any]]


def parallel(rows: Rows, axes: Sequence[str], metric: str, smaller: bool, key: str) -> Picture:
    """The axes in their order, the score last, which colours a line. `smaller`: small scores are the good ones."""
    known = sorted(rows, key=lambda row: float(row["mean"]), reverse=smaller)  # the best are drawn last, on top
    near = near_best([row["mean"] for row in known], smaller)
    far = ""
    if near is not None:
        kept = [row for row in known if min(near) <= row["mean"] <= max(near)]
        gone, side = len(known) - len(kept), "above" if smaller else "below"
        far = f" {counted(gone, 'setting')} {side} {number_text(near[1])} {'is' if gone == 1 else 'are'} not shown."
        known = kept
    shown, cut = thinned(known, MAX_SETTING_LINES)
    columns: list[tuple[str, Sequence[Value]]] = [(name, _column(shown, name)) for name in axes]
    columns.append((metric, [float(row["mean"]) for row in shown]))
    ends = (float(shown[0]["mean"]), float(shown[-1]["mean"])) if shown else None
    caption = "A line is a setting; the brightest are the best. In a browser, drag along an axis to pick out settings."
    title = f"{metric} and all axes"
    return Picture(key, title, Axis(""), Axis(""), [Parallel(metric, columns, ends)], f"{caption}{far}{cut}")


def _column(rows: Rows, name: str) -> Sequence[Value]:
    values = [row["setting"].get(name) for row in rows]
    if all(map(is_number, values)):
        return [float(value) for value in values]
    return labels([text_of(value) for value in values])
