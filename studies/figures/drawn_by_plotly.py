"""Pictures drawn by plotly, for the browser: as the JSON that plotly.js reads, and as its `Figure`.

The JSON is made here, not by plotly: without a template it is a few kilobytes, and a process that keeps figures current
imports nothing heavy. The background is transparent and the text a middle grey, so that one figure serves a light and a
dark page.
"""

from __future__ import annotations

import html
import math
import textwrap
from collections.abc import Sequence
from itertools import compress
from typing import TYPE_CHECKING, Any

from studies.figures.picture import Area, Axis, Band, Bars, Heat, Line, Mark, Parallel, Picture, Points, Rule, Value

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

COLOURS = ("#3b86c9", "#e07b39", "#3fa76b", "#c2559d", "#a08a2f", "#7a6fd0", "#d0524f", "#3aa6b9")
"""Distinct on white and on black."""
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
MAX_UPRIGHT_NAME = 6
"""Characters of a bar's name; with a longer one, bars lie."""
MAX_MARKED_POINTS = 50
"""Points of a line that are marked one by one."""
POWERS_BELOW = 1e-3
"""Numbers smaller than this are written with a power of ten."""
CAPTION_CHARACTERS = 100
"""Of one line."""


def to_plotly(picture: Picture) -> Figure:
    """A picture as plotly's own figure, for a notebook or a page."""
    from plotly.graph_objects import Figure

    figure = plotly_json(picture)
    figure["layout"]["template"] = {}  # or plotly adds its own, five times the size of the figure
    return Figure(figure)


def plotly_json(picture: Picture) -> dict[str, Any]:
    """A picture as plotly.js reads it: `data` and `layout`, JSON values only."""
    lies = bars_lie(picture.marks)
    colours, shown = colours_of(picture.marks), {mark.name: mark for mark in picture.marks}
    data = [
        {"name": _text(mark.name), **({} if shown[mark.name] is mark else {"showlegend": False}), **trace}
        for mark in picture.marks
        for trace in _traces(mark, colours[mark.name], lies)
    ]
    return {"data": data, "layout": _layout(picture, lies, data)}


def bars_lie(marks: Sequence[Mark]) -> bool:
    """Whether bars are drawn lying, since a bar's name is long."""
    return any(len(name) > MAX_UPRIGHT_NAME for mark in marks if isinstance(mark, Bars) for name in mark.at)


def colours_of(marks: Sequence[Mark]) -> dict[str, str]:
    """Marks of one name, such as a line and its band, share a colour and an entry of the legend."""
    names = dict.fromkeys(mark.name for mark in marks)
    return {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(names)}


def _layout(picture: Picture, lies: bool, data: Sequence[dict[str, Any]]) -> dict[str, Any]:
    caption = textwrap.wrap(picture.caption, CAPTION_CHARACTERS, break_long_words=True)
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
    rules = [_rule(mark, colours[mark.name]) for mark in picture.marks if isinstance(mark, Rule)]
    if rules:
        layout["shapes"] = rules
    if any(isinstance(mark, Area) for mark in picture.marks) and picture.y.percent:
        layout["yaxis"]["range"] = [0, 1]
    return layout


def _axis(axis: Axis, places: Sequence[Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"title": {"text": _text(axis.title), "standoff": 12}, "automargin": True}
    made |= {"gridcolor": GRID, "zeroline": False, "linecolor": GRID, "showline": True}
    if any(isinstance(place, str) for place in places):  # plotly would take `1` for a number and `2020-01` for a date
        return {**made, "type": "category"}
    if axis.percent:
        made["tickformat"] = ".3~%"
    elif _is_small(places, axis.log):
        made["exponentformat"] = "power"  # nobody reads 500n
    return {**made, "type": "log" if axis.log else "linear"}


def _is_small(places: Sequence[Any], log: bool) -> bool:
    sizes = [abs(place) for place in places if place]
    return bool(sizes) and (min(sizes) if log else max(sizes)) < POWERS_BELOW


def _places(data: Sequence[dict[str, Any]], across: str) -> list[Any]:
    return [place for trace in data for place in trace.get(across, ())]


def _traces(mark: Mark, colour: str, lies: bool) -> list[dict[str, Any]]:
    """A mark's traces, without its name."""
    line = {"type": "scatter", "mode": "lines"}
    match mark:
        case Line():
            lines = (
                "lines+markers+text"
                if mark.labels
                else "lines+markers"
                if len(mark.x) <= MAX_MARKED_POINTS
                else "lines"
            )
            style: dict[str, Any] = {"color": colour, **({"dash": "dash"} if mark.dashed else {})}
            return [{"type": "scatter", "mode": lines, **_xy(mark), "line": style, **_labelled(mark)}]
        case Points():
            style = {"color": colour, "size": 7}
            markers = "markers+text" if mark.labels else "markers"
            made = {
                "type": "scatter",
                "mode": markers,
                **_xy(mark),
                "marker": style,
                **_errors("y", mark.reach, mark.below),
            }
            return [{**made, **_labelled(mark)}]
        case Bars():
            at, length = ("y", "x") if lies else ("x", "y")
            made = {"type": "bar", **({"orientation": "h"} if lies else {}), "marker": {"color": colour}}
            made |= {at: _texts(mark.at), length: _values(mark.length), **_errors(length, mark.reach)}
            return [{**made, **_faintness(mark.faint)}]
        case Area():
            return [{**line, "stackgroup": "one", **_xy(mark), "line": {"color": colour, "width": 1}}]
        case Band():
            outline = {"x": _values([*mark.x, *reversed(mark.x)]), "y": _values([*mark.high, *reversed(mark.low)])}
            style = {"color": colour, "width": 0}
            return [{**line, "fill": "toself", **outline, "line": style, "opacity": FAINT, "hoverinfo": "skip"}]
        case Heat():
            return _heat(mark)
        case Parallel():
            return [_parallel(mark)]
        case Rule():
            # The line itself is a shape of the layout; this is its entry in the legend, where names cannot overlap.
            return [{**line, "x": [None], "y": [None], "line": {"color": colour, "dash": "dot", "width": 1.5}}]


def _xy(mark: Line | Points | Area) -> dict[str, Any]:
    return {"x": _values(mark.x), "y": _values(mark.y)}


def _labelled(mark: Line | Points) -> dict[str, Any]:
    labels = {"text": _texts(mark.labels), "textposition": "top center"} if mark.labels else {}
    return {**labels, **_faintness(mark.faint)}


def _heat(mark: Heat) -> list[dict[str, Any]]:
    table = {"x": _values(mark.x), "y": _values(mark.y), "z": [_values(row) for row in mark.z]}
    bar = {"title": {"text": _text(mark.name), "side": "right"}, "outlinewidth": 0}
    made = {"type": "heatmap", **table, "colorscale": "Viridis", "colorbar": bar, "hoverongaps": False}
    if mark.contour is None:
        return [made]
    contour = {
        "type": "contour",
        **table,
        "name": _text(f"{mark.name} {mark.contour:g}"),
        "contours": {"start": mark.contour, "end": mark.contour, "size": 1, "coloring": "none"},
        "line": {"color": CONTOUR, "width": 3},
        "showscale": False,
        "showlegend": True,
        "hoverinfo": "skip",
    }
    return [made, contour]


def _parallel(mark: Parallel) -> dict[str, Any]:
    known = [None not in map(_value, row) for row in zip(*(values for _, values in mark.axes), strict=True)]
    axes = [_dimension(name, list(compress(values, known))) for name, values in mark.axes]  # a line has no gaps
    return {
        "type": "parcoords",
        "dimensions": axes,
        "line": {"color": axes[-1]["values"] if axes else [], "colorscale": "Viridis", "showscale": False},
        **{font: {"color": INK} for font in ("labelfont", "tickfont", "rangefont")},
    }


def _rule(mark: Rule, colour: str) -> dict[str, Any]:
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
    """An axis of parallel coordinates; names stand at 0, 1, … in order of appearance."""
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


def _errors(axis: str, reach: Sequence[float], below: Sequence[float] = ()) -> dict[str, Any]:
    """Intervals as plotly's error bars along an axis; none where no point has one."""
    if not reach:
        return {}
    ends = _values(reach)
    shown = {"array": ends, "arrayminus": _values(below) if below else ends, "color": INK, "thickness": 1, "width": 3}
    return {f"error_{axis}": {"type": "data", "symmetric": False, **shown}}


def _faintness(faint: bool) -> dict[str, Any]:
    return {"opacity": FAINT} if faint else {}


def _values(values: Sequence[Value]) -> list[Any]:
    return [_value(value) for value in values]


def _value(value: Value) -> Any:
    """Whole numbers stay whole, others get seven digits; NaN and infinities, which JSON cannot hold, become gaps."""
    if isinstance(value, str):
        return _text(value)
    if not math.isfinite(value):
        return None
    return int(value) if value == int(value) and abs(value) < 2**53 else float(f"{value:.7g}")


def _texts(texts: Sequence[str]) -> list[str]:
    return [_text(text) for text in texts]


def _text(text: str) -> str:
    """Plotly renders some HTML: a name must not be taken for markup."""
    return html.escape(text, quote=False)
