"""Tables in the width of a terminal: texts wrap, numbers are never cut. What does not fit is left out and named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rich.console import Console, ConsoleRenderable, Group, RenderableType, RenderHook
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

NARROWEST = 12  # cells of a column of texts, whose longer words are broken
KEPT = 2  # columns that are never left out: they say what a row is about


class NothingCut(RenderHook):
    """Fits every table that a console is to print."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [each for one in renderables for each in _fitted(one, self._console)]


def _fitted(view: RenderableType, console: Console) -> list[ConsoleRenderable]:
    if isinstance(view, Group):
        return [Group(*(each for one in view.renderables for each in _fitted(one, console)))]
    if isinstance(view, Table):
        return _fit(view, console)
    return [Text(view) if isinstance(view, str) else view]  # type: ignore[list-item]


def _fit(table: Table, console: Console) -> list[ConsoleRenderable]:
    """The table with widths of its columns, and a line that names what had to be left out."""
    columns, wide = list(table.columns), console.width
    ranges = [_range(column.header, list(column.cells), column.justify == "right", console) for column in columns]
    _, right, _, left = table.padding
    gap = right + left
    kept = list(range(len(columns)))

    def room() -> int:
        return wide - gap * (len(kept) - (0 if table.pad_edge else 1))

    while len(kept) > KEPT and sum(ranges[index].minimum for index in kept) > room():
        numbers = [index for index in kept[KEPT:] if columns[index].justify == "right"]
        kept.remove((numbers or kept)[-1])
    widths = _widths([ranges[index] for index in kept], room())
    fitted = Table(title=table.title, title_justify=table.title_justify, box=table.box, pad_edge=table.pad_edge)
    for index, width in zip(kept, widths, strict=True):
        fitted.columns.append(replace(columns[index], _index=len(fitted.columns), width=width, overflow="fold"))
    fitted.rows.extend(table.rows)
    names = ", ".join(str(columns[index].header) for index in range(len(columns)) if index not in kept)
    return [fitted, Text(f"left out here, for want of width: {names}")] if names else [fitted]


def _range(header: RenderableType, cells: Sequence[RenderableType], number: bool, console: Console) -> Measurement:
    """The least and the most cells that a column has use for: a number's least is the whole of it."""
    options = console.options.update(width=1 << 16)
    sizes = [Measurement.get(console, options, each) for each in (header, *cells)]
    least = max(size.minimum for size in sizes)
    return Measurement(least if number else min(least, NARROWEST), max(size.maximum for size in sizes))


def _widths(ranges: Sequence[Measurement], room: int) -> list[int]:
    """Everybody's least; what is left over goes to numbers and short columns first."""
    widths = [each.minimum for each in ranges]
    left = max(0, room - sum(widths))
    for index in sorted(range(len(ranges)), key=lambda index: ranges[index].maximum):
        more = min(left, ranges[index].maximum - widths[index])
        widths[index] += more
        left -= more
    return widths
