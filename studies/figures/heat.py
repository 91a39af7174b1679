"""Two axes of a grid as a heat map: bright cells are good."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from studies.figures.axes import first_of, values_of
from studies.figures.labels import labels
from studies.figures.picture import Axis, Heat, Picture
from studies.figures.scales import near_best
from studies.figures.thinning import thinned

MAX_CELLS = 80
"""Along one axis."""


def heat_map(
    key: str,
    title: str,
    rows: Sequence[Mapping[str, Any]],
    axes: tuple[str, str],
    figures: Sequence[float],
    name: str,
    caption: str,
    smaller: bool,
    contour: float | None = None,
) -> Picture:
    """A figure for each pair of values of two axes. A cell that several settings share shows the first, which is the
    best. Values are evenly spaced, whatever the distance between them. `smaller`: small figures are the bright ones."""
    across, cut_x = thinned(values_of(rows, axes[0]), MAX_CELLS)
    up, cut_y = thinned(values_of(rows, axes[1]), MAX_CELLS)
    known = dict(zip(map(id, rows), figures, strict=True))
    cells = {pair: known[id(row)] for pair, row in first_of(rows, axes).items()}
    z = [[cells.get((x, y), math.nan) for x in across] for y in up]
    ends, far = _ends([*cells.values()], smaller)
    heat = Heat(name, labels(across), labels(up), z, contour, ends)
    empty = " Empty cells have no score." if any(math.isnan(value) for line in z for value in line) else ""
    caption = f"{caption}{far}{empty}{cut_x or cut_y}"
    return Picture(key, title, Axis(axes[0]), Axis(axes[1]), [heat], caption)


def _ends(values: Sequence[float], smaller: bool) -> tuple[tuple[float, float] | None, str]:
    """The values of the darkest and the brightest colour. One cell that diverged would leave none for the others."""
    near = near_best(values, smaller)
    if near is not None:
        best, worst = near
        return (worst, best), f" Everything {'above' if smaller else 'below'} {worst:.4g} has the darkest colour."
    finite = [value for value in values if math.isfinite(value)]
    return ((max(finite), min(finite)) if smaller else (min(finite), max(finite))) if finite else None, ""
