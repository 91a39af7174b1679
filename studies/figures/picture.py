"""A figure as data: what is drawn, not how. plotly draws it for the browser, matplotlib draws it for paper.

All numbers are in the axes' own units. NaN is a gap. A mark that is `faint` stands behind the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

Value = float | str
"""A place on an axis: a number, or a category by its name."""


@dataclass(frozen=True)
class Axis:
    """One axis: its title with the unit, and its scale."""

    title: str
    log: bool = False
    percent: bool = False
    """Numbers are shares, 0 to 1, shown as percentages."""
    ticks: Sequence[Value] = ()
    """The places that are named, or all categories in their order; empty: whatever suits the range."""
    limits: tuple[float, float] | None = None
    """The least and the largest value that is shown; None: all are."""


@dataclass(frozen=True)
class Line:
    """Points joined in the order given."""

    name: str
    x: Sequence[Value]
    y: Sequence[float]
    dashed: bool = False
    faint: bool = False


@dataclass(frozen=True)
class Points:
    """Points that are not joined, with or without intervals."""

    name: str
    x: Sequence[Value]
    y: Sequence[float]
    reach: Sequence[float] = ()
    """Half of each point's interval, on the y axis; NaN: the point has none; empty: no point has one."""
    below: Sequence[float] = ()
    """The part of the interval below each point, where it is not the same as above; empty: it is."""
    faint: bool = False
    labels: Sequence[str] = ()
    """Text at each point; empty: none."""
    hover: Sequence[str] = ()
    """What the browser shows of each point under the pointer, above its numbers."""


@dataclass(frozen=True)
class Bars:
    """A bar at each category."""

    name: str
    at: Sequence[str]
    length: Sequence[float]
    reach: Sequence[float] = ()
    """As of points, along the bar."""
    faint: bool = False


@dataclass(frozen=True)
class Area:
    """A layer of a stack over x; layers add up in the order of the marks."""

    name: str
    x: Sequence[float]
    y: Sequence[float]


@dataclass(frozen=True)
class Band:
    """The area between two curves."""

    name: str
    x: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


@dataclass(frozen=True)
class Heat:
    """A value in each cell of a table, with a contour where it reaches `contour`."""

    name: str
    x: Sequence[Value]
    y: Sequence[Value]
    z: Sequence[Sequence[float]]
    """A row for each y."""
    contour: float | None = None
    ends: tuple[float, float] | None = None
    """The values of the first and the last colour; the last is the brightest. None: the least and the largest."""


@dataclass(frozen=True)
class Rule:
    """A straight line across the figure at one value of y, or of x where `upright`."""

    name: str
    at: float
    upright: bool = False


@dataclass(frozen=True)
class Parallel:
    """Parallel coordinates: a line through every axis for each row, coloured by the last axis, the last row on top.
    Numbers that fill a log scale better stand on one."""

    name: str
    axes: Sequence[tuple[str, Sequence[Value]]]
    ends: tuple[float, float] | None = None
    """As of a heat map, of the last axis."""


Mark = Line | Points | Bars | Area | Band | Heat | Rule | Parallel


@dataclass(frozen=True)
class Picture:
    """One figure. Its key is its name in files and in the dashboard: stable, lower case, hyphens."""

    key: str
    title: str
    x: Axis
    y: Axis
    marks: Sequence[Mark] = field(default=())
    caption: str = ""
    """What to see in it, then how it was drawn, in two to four sentences."""
    lies: bool = False
    """Categories stand below each other, with x upwards and y to the right: their names are then whole."""

    @property
    def rows(self) -> int:
        """How many categories stand below each other."""
        return len(self.x.ticks) if self.lies else 0
