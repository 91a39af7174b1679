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
from studies.figures.placing import sides
from studies.figures.scales import cut_to_points, log_filled, log_ticks, number_text

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
FAINT_POINTS = 0.6
"""Small dots need more to be seen."""
PALE = 3
"""The rank of marks that stand behind all others."""
MAX_MARKED_POINTS = 25
"""Points of a line that are marked one by one."""
MAX_WRITTEN_CELLS = 60
"""Cells of a heat map that have their number in them."""
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


def plotly_json(picture: Picture, titled: bool = True) -> dict[str, Any]:
    """A picture as plotly.js reads it: `data` and `layout`, JSON values only. Without its title and caption, where a
    page has them as text."""
    picture = cut_to_points(picture)
    colours, shown = colours_of(picture.marks), {mark.name: mark for mark in picture.marks}
    data = [
        {"name": _text(mark.name), **({} if shown[mark.name] is mark else {"showlegend": False}), **trace}
        for mark in picture.marks
        for trace in _traces(mark, colours[mark.name], picture)
    ]
    return {"data": data, "layout": _layout(picture, data, titled)}


def colours_of(marks: Sequence[Mark]) -> dict[str, str]:
    """Marks of one name, such as a line and its band, share a colour and an entry of the legend. What is drawn boldly
    has the first colours; what is always pale is grey."""
    names = dict.fromkeys(mark.name for mark in sorted(marks, key=_paleness) if _paleness(mark) < PALE)
    grey = dict.fromkeys((mark.name for mark in marks), INK)
    return grey | {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(names)}


def _paleness(mark: Mark) -> int:
    if isinstance(mark, Rule):
        return 2
    if isinstance(mark, Line):
        return PALE if mark.faint else int(mark.dashed)
    return PALE if isinstance(mark, Points | Bars) and mark.faint else 0


def _layout(picture: Picture, data: Sequence[dict[str, Any]], titled: bool) -> dict[str, Any]:
    layout: dict[str, Any] = {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": INK},
        "colorway": list(COLOURS),
        "hovermode": "closest",
        "showlegend": len({trace["name"] for trace in data}) > 1,
        **(_titled(picture) if titled else UNTITLED),
    }
    if any(isinstance(mark, Parallel) for mark in picture.marks):
        layout["margin"] = {**layout["margin"], "l": 60, "r": 60, "t": layout["margin"]["t"] + 40, "b": 30}
        return layout
    across, up = (picture.y, picture.x) if picture.lies else (picture.x, picture.y)
    layout["xaxis"] = _axis(across, _places(data, "x"))
    layout["yaxis"] = _axis(up, _places(data, "y"))
    layout["xaxis"]["tickangle"] = 0
    if picture.lies:
        layout["yaxis"]["autorange"] = "reversed"  # the first row on top, as it is read
        layout["yaxis"]["tickfont"] = {"size": 11}
    colours = colours_of(picture.marks)
    rules = [_rule(mark, colours[mark.name], picture) for mark in picture.marks if isinstance(mark, Rule)]
    if rules:
        layout["shapes"] = rules
    if any(isinstance(mark, Area) for mark in picture.marks) and picture.y.percent:
        layout["yaxis"]["range"] = [0, 1]
    return layout


UNTITLED = {
    "margin": {"l": 50, "r": 15, "t": 10, "b": 40},
    "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": 1.01, "yanchor": "bottom"},
}


def _titled(picture: Picture) -> dict[str, Any]:
    caption = textwrap.wrap(picture.caption, CAPTION_CHARACTERS, break_long_words=True)
    small = "".join(f'<br><span style="font-size:11px">{_text(line)}</span>' for line in caption)
    return {
        "title": {"text": f"<b>{_text(picture.title)}</b>{small}", **TITLE},
        "margin": {"l": 60, "r": 20, "t": 58 + 18 * len(caption), "b": 50},
        "legend": {"orientation": "h", "y": -0.2},
    }


def _axis(axis: Axis, places: Sequence[Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"title": {"text": _text(axis.title), "standoff": 12}, "automargin": True}
    made |= {"gridcolor": GRID, "zeroline": False, "linecolor": GRID, "showline": True}
    if any(isinstance(place, str) for place in places):  # plotly would take `1` for a number and `2020-01` for a date
        order = {"categoryorder": "array", "categoryarray": _values(axis.ticks)} if axis.ticks else {}
        every = {"dtick": 1} if axis.ticks else {}
        return {**made, "type": "category", **order, **every}
    numbers = [place for place in places if place is not None and (place > 0 or not axis.log)]
    ticks = axis.ticks or (log_ticks(min(numbers), max(numbers)) if axis.log and numbers else ())
    if len(ticks) > 1:
        made |= {"tickmode": "array", "tickvals": _values(ticks), "ticktext": [number_text(each) for each in ticks]}
    elif axis.percent:
        made["tickformat"] = ".3~%"
    elif _is_small(places, axis.log):
        made["exponentformat"] = "power"  # nobody reads 500n
    else:
        made["separatethousands"] = True  # as the text writes them
    if axis.limits is not None:
        made["range"] = [_value(math.log10(end) if axis.log else end) for end in axis.limits]
    return {**made, "type": "log" if axis.log else "linear"}


def _is_small(places: Sequence[Any], log: bool) -> bool:
    sizes = [abs(place) for place in places if place]
    return bool(sizes) and (min(sizes) if log else max(sizes)) < POWERS_BELOW


def _places(data: Sequence[dict[str, Any]], across: str) -> list[Any]:
    return [place for trace in data for place in trace.get(across, ())]


def _traces(mark: Mark, colour: str, picture: Picture) -> list[dict[str, Any]]:
    """A mark's traces, without its name."""
    line = {"type": "scatter", "mode": "lines"}
    match mark:
        case Line():
            mode = "lines+markers" if len(mark.x) <= MAX_MARKED_POINTS and not mark.dashed else "lines"
            style: dict[str, Any] = {"color": colour, **({"dash": "dash"} if mark.dashed else {})}
            return [{"type": "scatter", "mode": mode, **_xy(mark), "line": style, **_faintness(mark.faint)}]
        case Points():
            return [_points(mark, colour, picture)]
        case Bars():
            at, length = ("y", "x") if picture.lies else ("x", "y")
            made = {"type": "bar", **({"orientation": "h"} if picture.lies else {}), "marker": {"color": colour}}
            made |= {at: _texts(mark.at), length: _values(mark.length), **_errors(length, mark.reach, (), colour)}
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


def _points(mark: Points, colour: str, picture: Picture) -> dict[str, Any]:
    at, value = ("y", "x") if picture.lies else ("x", "y")
    made: dict[str, Any] = {"type": "scatter", "mode": "markers", at: _values(mark.x), value: _values(mark.y)}
    made |= {"marker": {"color": colour, "size": 6 if mark.faint else 8}}
    made |= {"opacity": FAINT_POINTS} if mark.faint else {}
    made |= _errors(value, mark.reach, mark.below, colour)
    if any(mark.labels):
        numbers = [float("nan") if isinstance(each, str) else each for each in mark.x]
        positions = sides(numbers, mark.y, mark.labels, picture.x.log)
        made |= {"mode": "markers+text", "text": _texts(mark.labels), "textposition": positions, "cliponaxis": False}
    if mark.hover:
        made |= {"hovertext": _texts(mark.hover), "hovertemplate": "%{hovertext}<br>%{x}, %{y}<extra></extra>"}
    return made


def _xy(mark: Line | Area) -> dict[str, Any]:
    return {"x": _values(mark.x), "y": _values(mark.y)}


def _heat(mark: Heat) -> list[dict[str, Any]]:
    table = {"x": _values(mark.x), "y": _values(mark.y), "z": [_values(row) for row in mark.z]}
    bar = {"title": {"text": _text(mark.name), "side": "right"}, "outlinewidth": 0, "thickness": 14}
    made: dict[str, Any] = {"type": "heatmap", **table, "colorscale": "Viridis", "colorbar": bar, "hoverongaps": False}
    if mark.ends is not None:
        low, high = sorted(mark.ends)
        made |= {"zmin": _value(low), "zmax": _value(high), "reversescale": mark.ends[0] > mark.ends[1]}
    if len(mark.x) * len(mark.y) <= MAX_WRITTEN_CELLS:
        made["texttemplate"] = "%{z:.4~g}"
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
    kept = [(name, list(compress(values, known))) for name, values in mark.axes]  # a line has no gaps
    line: dict[str, Any] = {"color": _values(kept[-1][1]) if kept else [], "colorscale": "Viridis", "showscale": False}
    if mark.ends is not None:
        low, high = sorted(mark.ends)
        line |= {"cmin": _value(low), "cmax": _value(high), "reversescale": mark.ends[0] > mark.ends[1]}
    return {
        "type": "parcoords",
        "dimensions": [_dimension(name, values) for name, values in kept],
        "line": line,
        **{font: {"color": INK} for font in ("labelfont", "tickfont", "rangefont")},
    }


def _rule(mark: Rule, colour: str, picture: Picture) -> dict[str, Any]:
    along, across = ("y", "x") if mark.upright != picture.lies else ("x", "y")
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
    numbers = [value for value in values if not isinstance(value, str)]
    if len(numbers) == len(values):
        if not log_filled(numbers):
            return {"label": _text(name), "values": _values(values)}
        ticks = log_ticks(min(numbers), max(numbers))
        made = {"values": [math.log10(value) for value in numbers], "tickvals": [math.log10(value) for value in ticks]}
        return {"label": _text(name), **made, "ticktext": [number_text(value) for value in ticks]}
    names = list(dict.fromkeys(str(value) for value in values))
    places = {each: place for place, each in enumerate(names)}
    return {
        "label": _text(name),
        "values": [places[str(value)] for value in values],
        "tickvals": list(range(len(names))),
        "ticktext": _texts(names),
    }


def _errors(axis: str, reach: Sequence[float], below: Sequence[float], colour: str) -> dict[str, Any]:
    """Intervals as plotly's error bars along an axis; none where no point has one."""
    if not reach:
        return {}
    ends = _values(reach)
    shown = {
        "array": ends,
        "arrayminus": _values(below) if below else ends,
        "color": colour,
        "thickness": 1.5,
        "width": 0,
    }
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
