"""A table on the terminal: by rich, in columns."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from rich.cells import cell_len, chop_cells, set_cell_size
from rich.console import Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from studies.tables.digits import shown
from studies.tables.table import Cell, Document, Figure, Table

GAP = 1
LEAST = 8
"""Cells that are left of a text that is cut, at least."""


def rendered(document: Document) -> RenderableType:
    """Tables and notes, one below the other."""
    return Group(*map(drawn, document.tables), *map(Text, document.notes))


def drawn(table: Table) -> RichTable:
    """One table, nothing left out; cells wrap where there is no room."""
    table = table.of("text")
    made = RichTable(title=table.title or None, title_justify="left", box=None, pad_edge=False)
    for column in table.columns:
        made.add_column(column.name, justify="right" if column.right else "left")
    for row in table.rows:
        made.add_row(*map(text_of, row))
    return made


def text_of(cell: Cell) -> str:
    """One cell for reading."""
    return shown(cell) if isinstance(cell, Figure) else cell


def fitted(table: Table, width: int) -> list[str]:
    """The lines of a table in so many cells: spare columns are left out as needed, then the longest texts are cut.

    Wide characters take their two cells; control characters are shown as their escapes.
    """
    table = table.of("text")
    places = list(range(len(table.columns)))
    texts = [[one_line(text_of(cell)) for cell in row] for row in table.rows]
    heads = [one_line(column.name) for column in table.columns]
    widths = [max(map(cell_len, column)) for column in zip(heads, *texts, strict=True)]
    places = [index for index in places if widths[index]]
    droppable = [index for index in places if table.columns[index].spare]
    for index in sorted(droppable, key=lambda index: -table.columns[index].spare):
        if _needed(widths, places) <= width:
            break
        places.remove(index)
    while (over := _needed(widths, places) - width) > 0:
        longest = max(places, key=lambda index: (not table.columns[index].right, widths[index]))
        if widths[longest] <= LEAST:
            longest = max(places, key=lambda index: widths[index])
        if widths[longest] <= 1:
            break
        second = max((widths[index] for index in places if index != longest), default=0)
        widths[longest] = max(1, min(widths[longest] - 1, max(widths[longest] - over, LEAST, min(second, width // 3))))
    lines = []
    for row in [heads, *texts]:
        cells = [_aligned(row[index], widths[index], table.columns[index].right) for index in places]
        lines.append((" " * GAP).join(cells).rstrip())
    title = [cut(one_line(table.title), width)] if table.title else []
    return title + (lines if any(heads[index] for index in places) else lines[1:])


def one_line(text: str) -> str:
    """A text without anything that moves the cursor or changes how a terminal shows what follows."""
    if text.isprintable():
        return text
    parts = ("".join(part) for part in (list(each) for _, each in groupby(text, str.isspace)))
    plain = "".join(" " if part.isspace() else part for part in parts)
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in plain)


def folded(text: str, width: int) -> list[str]:
    """A text as lines of at most so many cells, broken between words where that can be."""
    lines = []
    while cell_len(text) > width:
        piece = chop_cells(text, width)[0]
        space = piece.rfind(" ") if text[len(piece) : len(piece) + 1] != " " else -1
        piece = piece[:space] if space > 0 else piece
        lines.append(piece)
        text = text[len(piece) :].lstrip()
    return [*lines, text]


def cut(text: str, width: int) -> str:
    """At most so many cells of a text; what is cut off is marked."""
    return text if cell_len(text) <= width else set_cell_size(text, max(0, width - 1)).rstrip() + "…"


def _aligned(text: str, width: int, right: bool) -> str:
    text = cut(text, width)
    space = " " * (width - cell_len(text))
    return space + text if right else text + space


def _needed(widths: Sequence[int], places: Sequence[int]) -> int:
    return sum(widths[index] for index in places) + GAP * max(0, len(places) - 1)
