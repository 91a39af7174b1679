"""Pictures drawn by plotly, for the browser: as the JSON that plotly.js reads, and as its `Figure`.

The JSON is made here, not by plotly: without a template it is a few kilobytes, and whoever keeps figures current
imports nothing heavy. Backgrounds are transparent and letters of a middle grey, so that one figure serves a light and
a dark page.
"""

from __future__ import annotations

import html
import math
import textwrap
from collections.abc import Iterator, Sequence
from functools import singledispatch
from itertools import compress
from typing import TYPE_CHECKING, Any

from studies.figures.picture import (
    Area,
    Axis,
    Band,
    Bars,
    Heat,
    Line,
    Mark,
    Parallel,
    Picture,
    Points,
    Rule,
    Value,
)

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

COLOURS = ("#3b86c9", "#e07b39", "#3fa76b", "#c2559d", "#a08a2f", "#7a6fd0", "#d0524f", "#3aa6b9")
"""Told apart on white and on black."""
TITLE = {
    "font": {"size": 15},
    "pad": {"t": 22, "l": 10},
    "x": 0.0,
    "xanchor": "left",
    "xref": "container",
    "y": 1.0,
    "yanchor": "top",
    "yref": "container",
}
INK = "#808080"
CONTOUR = "#ff5a4f"
GRID = "rgba(128,128,128,0.25)"
FAINT = 0.35
LONG = 6
"""Characters of a bar's name from which on bars lie."""
FEW = 50
"""Points of a line that are marked one by one."""
SMALL = 1e-3
"""From which on downwards numbers are written with a power of ten."""
LINE = 100
"""Characters of a caption's line."""


def to_plotly(picture: Picture) -> Figure:
    """A picture as plotly's own figure, for a notebook or a page."""
    from plotly.graph_objects import Figure

    figure = plotly_json(picture)
    figure["layout"]["template"] = {}  # or plotly adds its own, five times the size of the figure
    return Figure(figure)


def plotly_json(picture: Picture) -> dict[str, Any]:
    """A picture as plotly.js reads it: `data` and `layout`, JSON values only."""
    lies = any(isinstance(mark, Bars) and _long(mark.at) for mark in picture.marks)
    colours, shown = colours_of(picture.marks), {mark.name: mark for mark in picture.marks}
    data = [
        {**_named(mark), **({} if shown[mark.name] is mark else {"showlegend": False}), **trace}
        for mark in picture.marks
        for trace in _traces(mark, colours[mark.name], lies)
    ]
    return {"data": data, "layout": _layout(picture, lies, data)}


def colours_of(marks: Sequence[Mark]) -> dict[str, str]:
    """Marks of one name, such as a line and its band, have one colour, and one place in the legend."""
    names = dict.fromkeys(mark.name for mark in marks)
    return {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(names)}


def _layout(picture: Picture, lies: bool, data: Sequence[dict[str, Any]]) -> dict[str, Any]:
    caption = textwrap.wrap(picture.caption, LINE, break_long_words=True)
    small = "".join(f'<br><span style="font-size:11px">{_text(line)}</span>' for line in caption)
    across, up = (picture.y, picture.x) if lies else (picture.x, picture.y)
    layout: dict[str, Any] = {
        "title": {"text": f"<b>{_text(picture.title)}</b>{small}", **TITLE},
        "margin": {"l": 60, "r": 20, "t": 58 + 18 * len(caption), "b": 50},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": INK},
        "colorway": list(COLOURS),
        "legend": {"orientation": "h", "y": -0.2},
        "hovermode": "closest",
        "showlegend": len(data) > 1,
    }
    if any(isinstance(mark, Parallel) for mark in picture.marks):
        layout["margin"] = {"l": 80, "r": 80, "t": 100 + 16 * len(caption), "b": 30}
    else:
        layout["xaxis"] = _axis(across, _places(data, "x"))
        layout["yaxis"] = _axis(up, _places(data, "y"))
        if lies:
            layout["yaxis"]["autorange"] = "reversed"  # the first bar on top, as it is read
    colours = colours_of(picture.marks)
    rules = [_rule(mark, colours[mark.name]) for mark in picture.marks if _is_rule(mark)]
    if rules:
        layout["shapes"] = rules
    if any(isinstance(mark, Area) for mark in picture.marks) and picture.y.percent:
        layout["yaxis"]["range"] = [0, 1]
    return layout


def _axis(axis: Axis, places: Sequence[Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"title": {"text": _text(axis.title), "standoff": 12}, "automargin": True}
    told |= {"gridcolor": GRID, "zeroline": False, "linecolor": GRID, "showline": True}
    if any(isinstance(place, str) for place in places):  # plotly would take `1` for a number and `2020-01` for a date
        return {**told, "type": "category"}
    if axis.percent:
        told["tickformat"] = ".3~%"
    elif _is_small(places, axis.log):
        told["exponentformat"] = "power"  # 500n is a number to nobody
    return {**told, "type": "log" if axis.log else "linear"}


def _is_small(places: Sequence[Any], log: bool) -> bool:
    sizes = [abs(place) for place in places if place]
    return bool(sizes) and (min(sizes) if log else max(sizes)) < SMALL


def _places(data: Sequence[dict[str, Any]], across: str) -> list[Any]:
    return [place for trace in data for place in trace.get(across, ())]


@singledispatch
def _traces(mark: Mark, colour: str, lies: bool) -> Iterator[dict[str, Any]]:
    """A mark's traces, without its name."""
    raise TypeError(f"no mark of a picture: {mark!r}")


@_traces.register
def _(mark: Line, colour: str, lies: bool) -> Iterator[dict[str, Any]]:
    yield {
        "type": "scatter",
        "mode": "lines+markers+text" if mark.labels else "lines+markers" if len(mark.x) <= FEW else "lines",
        "x": _values(mark.x),
        "y": _values(mark.y),
        "line": {"color": colour, **({"dash": "dash"} if mark.dashed else {})},
        **({"text": _texts(mark.labels), "textposition": "top center"} if mark.labels else {}),
        **_faintness(mark.faint),
    }


@_traces.register
def _(mark: Points, colour: str, lies: bool) -> Iterator[dict[str, Any]]:
    yield {
        "type": "scatter",
        "mode": "markers+text" if mark.labels else "markers",
        "x": _values(mark.x),
        "y": _values(mark.y),
        "marker": {"color": colour, "size": 7},
        **({"error_y": _errors(mark)} if mark.low else {}),
        **({"text": _texts(mark.labels), "textposition": "top center"} if mark.labels else {}),
        **_faintness(mark.faint),
    }


@_traces.register
def _(mark: Bars, colour: str, lies: bool) -> Iterator[dict[str, Any]]:
    at, length = ("y", "x") if lies else ("x", "y")
    yield {
        "type": "bar",
        **({"orientation": "h"} if lies else {}),
        at: _texts(mark.at),
        length: _values(mark.length),
        "marker": {"color": colour},
        **({f"error_{length}": _errors(mark)} if mark.low else {}),
        **_faintness(mark.faint),
    }


@_traces.register
def _(mark: Area, colour: str, lies: bool) -> Iterator[dict[str, Any]]:
    yield {
        "type": "scatter",
        "mode": "lines",
        "stackgroup": "one",
        "x": _values(mark.x),
        "y": _values(mark.y),
        "line": {"color": colour, "width": 1},
    }


@_traces.register
def _(mark: Band, colour: str, lies: bool) -> Iterator[dict[str, Any]]:
    yield {
        "type": "scatter",
        "mode": "lines",
        "fill": "toself",
        "x": _values([*mark.x, *reversed(mark.x)]),
        "y": _values([*mark.high, *reversed(mark.low)]),
        "line": {"color": colour, "width": 0},
        "opacity": FAINT,
        "hoverinfo": "skip",
    }


@_traces.register
def _(mark: Heat, colour: str, lies: bool) -> Iterator[dict[str, Any]]:
    table = {"x": _values(mark.x), "y": _values(mark.y), "z": [_values(row) for row in mark.z]}
    bar = {"title": {"text": _text(mark.name), "side": "right"}, "outlinewidth": 0}
    yield {"type": "heatmap", **table, "colorscale": "Viridis", "colorbar": bar, "hoverongaps": False}
    if mark.contour is not None:
        yield {
            "type": "contour",
            **table,
            "name": _text(f"{mark.name} {mark.contour:g}"),
            "contours": {"start": mark.contour, "end": mark.contour, "size": 1, "coloring": "none"},
            "line": {"color": CONTOUR, "width": 3},
            "showscale": False,
            "showlegend": True,
            "hoverinfo": "skip",
        }


@_traces.register
def _(mark: Parallel, colour: str, lies: bool) -> Iterator[dict[str, Any]]:
    known = [None not in map(_value, row) for row in zip(*(values for _, values in mark.axes), strict=True)]
    axes = [_dimension(name, list(compress(values, known))) for name, values in mark.axes]  # a line has no gaps
    last = axes[-1]["values"] if axes else []
    yield {
        "type": "parcoords",
        "dimensions": axes,
        "line": {"color": last, "colorscale": "Viridis", "showscale": False},
        "labelfont": {"color": INK},
        "tickfont": {"color": INK},
        "rangefont": {"color": INK},
    }


@_traces.register
def _(mark: Rule, colour: str, lies: bool) -> Iterator[dict[str, Any]]:
    # The line itself is a shape of the layout; this is its entry in the legend, where names cannot cover each other.
    line = {"color": colour, "dash": "dot", "width": 1.5}
    yield {"type": "scatter", "mode": "lines", "x": [None], "y": [None], "line": line}


def _is_rule(mark: Mark) -> bool:
    return isinstance(mark, Rule)


def _rule(mark: Mark, colour: str) -> dict[str, Any]:
    assert isinstance(mark, Rule)
    along, across = ("y", "x") if mark.upright else ("x", "y")
    return {
        "type": "line",
        f"{along}ref": "paper",
        f"{along}0": 0,
        f"{along}1": 1,
        f"{across}0": _value(mark.at),
        f"{across}1": _value(mark.at),
        "line": {"color": colour, "dash": "dot", "width": 1.5},
    }


def _dimension(name: str, values: Sequence[Value]) -> dict[str, Any]:
    """An axis of parallel coordinates; names stand at 0, 1, … in the order of their coming."""
    if not any(isinstance(value, str) for value in values):
        return {"label": _text(name), "values": _values(values)}
    names = list(dict.fromkeys(str(value) for value in values))
    places = {each: place for place, each in enumerate(names)}
    return {
        "label": _text(name),
        "values": [places[str(value)] for value in values],
        "tickvals": list(range(len(names))),
        "ticktext": _texts(names),
    }


def _errors(mark: Points | Bars) -> dict[str, Any]:
    """Distances from the value, as plotly wants an interval's ends."""
    middle = mark.y if isinstance(mark, Points) else mark.length
    return {
        "type": "data",
        "symmetric": False,
        "array": _values([high - y for high, y in zip(mark.high, middle, strict=True)]),
        "arrayminus": _values([y - low for low, y in zip(mark.low, middle, strict=True)]),
        "color": INK,
        "thickness": 1,
        "width": 3,
    }


def _named(mark: Mark) -> dict[str, Any]:
    return {"name": _text(mark.name)}


def _faintness(faint: bool) -> dict[str, Any]:
    return {"opacity": FAINT} if faint else {}


def _long(names: Sequence[str]) -> bool:
    return max(map(len, names), default=0) > LONG


def _values(values: Sequence[Value]) -> list[Any]:
    return [_value(value) for value in values]


def _value(value: Value) -> Any:
    """Whole numbers whole, others to seven digits; NaN and infinities are gaps, which JSON has no word for."""
    if isinstance(value, str):
        return _text(value)
    if not math.isfinite(value):
        return None
    return int(value) if value == int(value) and abs(value) < 2**53 else float(f"{value:.7g}")


def _texts(texts: Sequence[str]) -> list[str]:
    return [_text(text) for text in texts]


def _text(text: str) -> str:
    """Plotly reads some HTML in what it writes: nobody's name is to be taken for that."""
    return html.escape(text, quote=False)
