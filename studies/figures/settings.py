"""Settings or candidates below each other, each with its interval or its seeds.

An interval over two or three seeds is often many times as long as the differences that a figure is about. The seeds
themselves, as dots, then say more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from studies.figures.labels import labels
from studies.figures.picture import Axis, Mark, Picture, Points
from studies.figures.scales import wide

MAX_ROWS = 24
"""Rows of one figure: the dashboard's have room for no more."""
MAX_NAME = 44
"""Characters of a row's name."""
SQUEEZED = 3.0
"""Intervals are not drawn if they reach this many times as far as the seeds."""
SEEDS, OTHERS = "single seeds", "others"


@dataclass(frozen=True)
class Row:
    """One setting."""

    name: str
    group: str
    """Rows of one group share a colour."""
    value: float
    interval: tuple[float, float] | None = None
    """Its ends; None: not known."""
    seeds: Sequence[float] = ()
    """The value of each seed; empty: not known."""


def settings_picture(
    key: str, title: str, rows: Sequence[Row], axes: tuple[str, str], caption: str, more: Sequence[Mark] = ()
) -> Picture:
    """A row each, the first on top.

    Args:
        key: The figure's.
        title: The figure's.
        rows: At most `MAX_ROWS`.
        axes: What the names are, and what the values are.
        caption: What to see; how it was drawn is added.
        more: Marks beside the rows.
    """
    names = dict(zip(map(id, rows), labels([each.name for each in rows], MAX_NAME), strict=True))
    drawn = draws_intervals(rows)
    marks: list[Mark] = [*more]
    dots = [] if drawn else [(names[id(each)], seed) for each in rows if len(each.seeds) > 1 for seed in each.seeds]
    if dots:
        marks.append(Points(SEEDS, [name for name, _ in dots], [seed for _, seed in dots], faint=True))
        caption += " Pale dots are single seeds."
    for group in sorted(dict.fromkeys(each.group for each in rows), key=lambda group: group == OTHERS):
        own = [each for each in rows if each.group == group]
        above = [each.interval[1] - each.value if each.interval else math.nan for each in own] if drawn else ()
        below = [each.value - each.interval[0] if each.interval else math.nan for each in own] if drawn else ()
        marks.append(Points(group, [names[id(each)] for each in own], [each.value for each in own], above, below))
    if drawn:
        caption += " Lines are 95 % intervals over the seeds."
        some = sum(each.interval is None for each in rows)
        caption += f" {some} without a line have too few seeds for one." if some else ""
    value_axis = Axis(axes[1], log=wide([each.value for each in rows]))
    return Picture(key, title, Axis(axes[0], ticks=[*names.values()]), value_axis, marks, caption, lies=True)


def draws_intervals(rows: Sequence[Row]) -> bool:
    """Whether some interval is known, and the intervals leave room for what they are about."""
    ends = [end for each in rows if each.interval for end in each.interval if math.isfinite(end)]
    if not ends:
        return False
    inner = [value for each in rows for value in (*each.seeds, each.value) if math.isfinite(value)]
    width, spread = max(*ends, *inner) - min(*ends, *inner), max(inner) - min(inner)
    return width <= SQUEEZED * spread or not any(len(each.seeds) > 1 for each in rows)
