"""Pictures drawn by matplotlib, for paper: PNG and SVG.

It needs no display and leaves nothing behind: no pyplot, and its settings hold only while it draws. The same picture
gives the same bytes.
"""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter, PercentFormatter

from studies.drawing.drawn_by_plotly import FAINT, FAINT_POINTS, MAX_MARKED_POINTS, MAX_WRITTEN_CELLS, colours_of
from studies.drawing.fonts import MISSING_GLYPH, families
from studies.figures.labels import labels, shortened
from studies.figures.picture import Area, Axis, Band, Bars, Heat, Line, Mark, Parallel, Picture, Points, Rule, Value
from studies.figures.placing import sides
from studies.figures.scales import cut_to_points, log_filled, log_ticks, number_text

Form = Literal["png", "svg"]

SIZE_INCHES = (7.2, 4.5)
ROW_INCHES = 0.19
"""Of a row where categories stand below each other; few rows have the common height."""
DPI = 150
MAX_TICKS = 40
"""Categories that are named on an axis; of more, evenly spaced ones are."""
MATPLOTLIB_SETTINGS = {
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.unicode_minus": True,
    "figure.constrained_layout.use": True,
    "font.size": 9,
    "grid.alpha": 0.25,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.markersize": 5,
    "svg.fonttype": "path",
    "svg.hashsalt": "studyhall",
    "text.parse_math": False,  # a name may hold dollars
}
MAX_ON_AXIS = 1e150
"""The largest number on an axis: its length and margins have to be finite too."""


def draw(picture: Picture, path: Path) -> None:
    """Write the picture as PATH.png and PATH.svg."""
    for form, data in drawn(picture).items():
        path.with_name(f"{path.name}.{form}").write_bytes(data)


def drawn(picture: Picture, forms: Sequence[Form] = ("png", "svg")) -> dict[Form, bytes]:
    """The picture in each form. What is too large for an axis is a gap."""
    picture = cut_to_points(replace(picture, marks=[_tamed(mark) for mark in picture.marks]))
    found, missing = families([*_texts(picture), "0123456789.,−+-×…()% "])
    canvas = _Canvas(picture, str.maketrans(dict.fromkeys(missing, MISSING_GLYPH)))
    with mpl.rc_context({**MATPLOTLIB_SETTINGS, "font.family": found}):
        figure = canvas.figure()
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # laid out once, not again for each form
        made: dict[Form, bytes] = {}
        for form in forms:
            sink = io.BytesIO()
            figure.savefig(sink, format=form, dpi=DPI, metadata={"Date": None} if form == "svg" else {})
            made[form] = sink.getvalue()
    return made


def _tamed(mark: Mark) -> Mark:
    tamed: Mark = replace(mark, **{each.name: _drawable(getattr(mark, each.name)) for each in fields(mark)})
    return tamed


def _drawable(value: Any) -> Any:
    if isinstance(value, float):
        return value if abs(value) <= MAX_ON_AXIS or math.isnan(value) else math.nan
    return [_drawable(each) for each in value] if isinstance(value, list | tuple) else value


def _texts(value: Any) -> Iterator[str]:
    """Every text anywhere below a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)
    elif is_dataclass(value):
        for each in fields(value):
            yield from _texts(getattr(value, each.name))


@dataclass
class _Canvas:
    """One picture while it is drawn."""

    picture: Picture
    known: dict[int, Any]
    """Letters that no font here has, with their replacement."""

    def figure(self) -> Figure:
        picture = self.picture
        figure = Figure(figsize=(SIZE_INCHES[0], max(SIZE_INCHES[1], 1.5 + ROW_INCHES * picture.rows)))
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        figure.suptitle(self.text(picture.title, 90), x=0.01, ha="left", fontsize=11, fontweight="bold")
        if picture.caption:
            caption = "\n".join(textwrap.wrap(self.text(picture.caption, 1500), 125))
            figure.supxlabel(caption, x=0.01, ha="left", fontsize=7.5, color="#555555")
        self.lies = picture.lies
        self.across, self.up = (picture.y, picture.x) if self.lies else (picture.x, picture.y)
        self.places = _places(picture)
        parallel = next((mark for mark in picture.marks if isinstance(mark, Parallel)), None)
        if parallel is not None:
            self.parallel(figure, axes, parallel)
            return figure
        axes.set_xlabel(self.text(self.across.title, 60))
        axes.set_ylabel(self.text(self.up.title, 60))
        self.scale(axes)
        self.marks(figure, axes)
        self.finish(axes)
        return figure

    def text(self, text: str, longest: int = 40) -> str:
        return shortened(text, longest).translate(self.known)

    def scale(self, axes: Axes) -> None:
        """Set before the marks are drawn, so that a value not above zero is a gap on a logarithmic axis."""
        for axis, name, values in (
            (self.across, "x", _numbers(self.picture.marks, not self.lies)),
            (self.up, "y", _numbers(self.picture.marks, self.lies)),
        ):
            if axis.log and any(value > 0 for value in values) and not (self.places and name == self.named_axis):
                axes.set(**{f"{name}scale": "log"})

    @property
    def named_axis(self) -> str:
        return "y" if self.lies else "x"

    def marks(self, figure: Figure, axes: Axes) -> None:
        colours = colours_of(self.picture.marks)
        stacked: Any = None
        for mark in self.picture.marks:
            colour, name = colours[mark.name], self.text(mark.name)
            match mark:
                case Line():
                    self.line(axes, mark, colour, name)
                case Points():
                    self.points(axes, mark, colour, name)
                case Bars():
                    self.bars(axes, mark, colour, name)
                case Area():
                    base = np.zeros(len(mark.x)) if stacked is None else stacked
                    stacked = base + np.nan_to_num(np.asarray(mark.y, float))
                    axes.fill_between(mark.x, base, stacked, color=colour, alpha=0.8, linewidth=0, label=name)
                case Band():
                    axes.fill_between(mark.x, mark.low, mark.high, color=colour, alpha=0.2, linewidth=0, label=name)
                case Heat():
                    self.heat(figure, axes, mark, name)
                case Rule() if math.isfinite(mark.at):
                    draw = axes.axvline if mark.upright != self.lies else axes.axhline
                    draw(mark.at, color=colour, linestyle=":", linewidth=1.3, label=name)
        if self.lies and self.places:
            axes.set_ylim(len(self.places) - 0.4, -0.6)  # the first row on top, as it is read

    def where(self, values: Sequence[Value]) -> Any:
        """Places on an axis: numbers as they are, names at 0, 1, … in order of appearance."""
        if not self.places:
            return np.asarray(values, float)
        return np.array([self.places[str(value)] for value in values], float)

    def line(self, axes: Axes, mark: Line, colour: str, name: str) -> None:
        style = "--" if mark.dashed else "-"
        marker = "o" if len(mark.x) <= MAX_MARKED_POINTS and not mark.dashed else None
        shown = {
            "color": colour,
            "alpha": FAINT if mark.faint else 1,
            "linewidth": 1.4,
            "marker": marker,
            "markersize": 4,
        }
        axes.plot(self.where(mark.x), mark.y, style, label=name, **shown)

    def points(self, axes: Axes, mark: Points, colour: str, name: str) -> None:
        at, values = self.where(mark.x), np.asarray(mark.y, float)
        reach = _error(mark.reach) if not mark.below else [_error(mark.below), _error(mark.reach)]
        shown = {"color": colour, "alpha": FAINT_POINTS if mark.faint else 1, "markersize": 4 if mark.faint else 5}
        x, y = (values, at) if self.lies else (at, values)
        ends = {"xerr" if self.lies else "yerr": reach}
        axes.errorbar(x, y, fmt="o", elinewidth=1, label=name, **ends, **shown)
        if any(mark.labels):
            self.labelled(axes, at, mark.y, mark.labels)

    def labelled(self, axes: Axes, x: Sequence[float], y: Sequence[float], texts: Sequence[str]) -> None:
        for each_x, each_y, text, side in zip(x, y, texts, sides(x, y, texts, self.picture.x.log), strict=True):
            if math.isfinite(each_x) and math.isfinite(each_y) and text:
                axes.annotate(
                    self.text(text, 28),
                    (each_x, each_y),
                    xytext=(0, 4 if side.startswith("top") else -4),
                    textcoords="offset points",
                    ha="right" if side.endswith("left") else "left",
                    va="bottom" if side.startswith("top") else "top",
                    fontsize=7,
                    color="#444444",
                )

    def bars(self, axes: Axes, mark: Bars, colour: str, name: str) -> None:
        at, length = self.where(mark.at), np.asarray(mark.length, float)
        reach = _error(mark.reach)
        shown = {"color": colour, "alpha": FAINT if mark.faint else 0.9, "label": name, "capsize": 2}
        if self.lies:
            axes.barh(at, length, xerr=reach, **shown)
        else:
            axes.bar(at, length, yerr=reach, **shown)

    def heat(self, figure: Figure, axes: Axes, mark: Heat, name: str) -> None:
        table = np.ma.masked_invalid(np.asarray(mark.z, float).reshape(len(mark.y), len(mark.x)))
        axes.grid(False)
        low, high = sorted(mark.ends) if mark.ends is not None else (None, None)
        colours = "viridis_r" if mark.ends is not None and mark.ends[0] > mark.ends[1] else "viridis"
        image = axes.imshow(
            table, aspect="auto", origin="lower", cmap=colours, interpolation="nearest", vmin=low, vmax=high
        )
        figure.colorbar(image, ax=axes, label=name)
        for set_ticks, values in ((axes.set_xticks, mark.x), (axes.set_yticks, mark.y)):
            names = [self.text(each, 24) for each in labels([number_text(value) for value in values])]
            chosen = _thinned(len(names))
            set_ticks(chosen, [names[place] for place in chosen])
        if table.size <= MAX_WRITTEN_CELLS:
            self.written(axes, image, table)
        level = mark.contour
        if level is not None and min(table.shape) > 1 and table.count() and table.min() < level < table.max():
            axes.contour(table, levels=[level], colors="white", linewidths=2)

    def written(self, axes: Axes, image: Any, table: Any) -> None:
        """The number of each cell, in black or white by the brightness of its colour."""
        for (row, column), value in np.ndenumerate(table):
            if value is not np.ma.masked:
                red, green, blue, _ = image.cmap(image.norm(value))
                ink = "black" if 0.3 * red + 0.59 * green + 0.11 * blue > 0.5 else "white"
                axes.text(column, row, f"{value:.4g}", ha="center", va="center", fontsize=7, color=ink)

    def parallel(self, figure: Figure, axes: Axes, mark: Parallel) -> None:
        """Each axis runs from its smallest to its largest value; rows with a gap are left out."""
        axes.grid(False, axis="y")
        axes.set_yticks([])
        axes.set_xticks(range(len(mark.axes)), [""] * len(mark.axes))
        scaled = []
        for place, (name, values) in enumerate(mark.axes):
            places, (low, high) = _scaled(values)
            scaled.append(places)
            axes.text(place, 1.02, self.text(high, 14), ha="center", va="bottom", fontsize=7)
            axes.text(place, -0.02, self.text(low, 14), ha="center", va="top", fontsize=7)
            axes.text(place, -0.08, self.text(name, 18), ha="center", va="top", fontsize=8, fontweight="bold")
        axes.set_ylim(-0.15, 1.08)
        rows = np.array(scaled, float).T if scaled else np.zeros((0, 0))
        for row in rows[np.isfinite(rows).all(1)] if len(rows) else ():
            share = 1 - row[-1] if mark.ends is not None and mark.ends[0] > mark.ends[1] else row[-1]
            axes.plot(row, color=mpl.colormaps["viridis"](share), alpha=max(0.15, min(0.8, 40 / len(rows))))
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.tick_params(length=0)

    def finish(self, axes: Axes) -> None:
        """Ticks and the legend."""
        for axis, name in ((self.across, "x"), (self.up, "y")):
            self.ticks(axes, axis, name)
            if axis.limits is not None:
                axes.set(**{f"{name}lim": axis.limits})
        if self.places and not any(isinstance(mark, Heat) for mark in self.picture.marks):
            names = [self.text(each, 44 if self.lies else 16) for each in labels(list(self.places), 44)]
            chosen = _thinned(len(names))
            set_ticks = axes.set_yticks if self.lies else axes.set_xticks
            set_ticks(chosen, [names[place] for place in chosen])
        handles, names = axes.get_legend_handles_labels()
        last = {name: handle for name, handle in zip(names, handles, strict=True) if name}
        if len(last) > 1:
            columns = max(1, min(5, 100 // (max(map(len, last)) + 6)))
            # above the axes: it covers no point, and matplotlib need not search for a free place
            axes.legend(list(last.values()), list(last), loc="lower left", bbox_to_anchor=(0, 1), ncols=columns)
        if not self.picture.marks:
            axes.text(0.5, 0.5, "nothing to show yet", transform=axes.transAxes, ha="center", color="#777777")

    def ticks(self, axes: Axes, axis: Axis, name: str) -> None:
        side = axes.xaxis if name == "x" else axes.yaxis
        if axis.percent:
            side.set_major_formatter(PercentFormatter(1.0, decimals=None))
        elif axis.ticks and not isinstance(axis.ticks[0], str):
            side.set_ticks([float(each) for each in axis.ticks], [number_text(each) for each in axis.ticks])
            side.set_minor_formatter(NullFormatter())
        elif side.get_scale() == "log":
            low, high = sorted(side.get_view_interval())
            ticks = log_ticks(low, high) if low > 0 else []
            if len(ticks) > 1:
                side.set_ticks(ticks)
            side.set_major_formatter(FuncFormatter(lambda value, _: number_text(value)))
            side.set_minor_formatter(NullFormatter())


def _places(picture: Picture) -> dict[str, int]:
    """Places of names on their axis, in the axis' order or that of the marks; empty if it holds numbers."""
    values: list[Value] = [each for each in picture.x.ticks if isinstance(each, str)]
    for mark in picture.marks:
        if isinstance(mark, Bars):
            values += mark.at
        elif isinstance(mark, Line | Points):
            values += mark.x
    if not any(isinstance(value, str) for value in values):
        return {}
    return {name: place for place, name in enumerate(dict.fromkeys(str(value) for value in values))}


def _numbers(marks: Sequence[Mark], across: bool) -> list[float]:
    """Finite numbers along an axis: the x of the marks, or their y."""
    found: list[Value] = []
    for mark in marks:
        match mark:
            case Line() | Points() | Area():
                found += mark.x if across else mark.y
            case Band():
                found += mark.x if across else (*mark.low, *mark.high)
            case Bars() if not across:
                found += mark.length
            case _:
                pass
    return [value for value in found if not isinstance(value, str) and math.isfinite(value)]


def _error(reach: Sequence[float]) -> Any:
    """The length of error bars; nothing where a point has none."""
    return np.nan_to_num(np.asarray(reach, float), nan=0.0, posinf=0.0, neginf=0.0) if len(reach) else None


def _scaled(values: Sequence[Value]) -> tuple[list[float], tuple[str, str]]:
    """Values from 0 to 1, and the names of the two ends."""
    if any(isinstance(value, str) for value in values):
        names = list(dict.fromkeys(str(value) for value in values))
        last = max(1, len(names) - 1)
        return [names.index(str(value)) / last for value in values], (names[0], names[-1] if len(names) > 1 else "")
    numbers = [float(value) for value in values]
    finite = [value for value in numbers if math.isfinite(value)]
    if not finite:
        return [math.nan] * len(numbers), ("–", "–")
    low, high = min(finite), max(finite)
    if log_filled(numbers):
        numbers, low, high = [math.log10(value) for value in numbers], math.log10(low), math.log10(high)
    width = (high - low) or 1.0
    ends = (number_text(min(finite)), number_text(max(finite)))
    return [(value - low) / width if math.isfinite(value) else math.nan for value in numbers], ends


def _thinned(count: int) -> list[int]:
    step = max(1, math.ceil(count / MAX_TICKS))
    return list(range(0, count, step))
