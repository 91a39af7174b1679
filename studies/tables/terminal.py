"""A document as lines of text, in the width of a terminal or of any length."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from itertools import groupby, zip_longest

from rich.cells import cell_len, chop_cells, set_cell_size

from studies.tables.digits import shown
from studies.tables.fitting import GAP, Extent, fit
from studies.tables.table import Cell, Document, Figure, Table

UNUSUAL = re.compile(r"(?!\r\n)[^\n\t -~]")
"""All that `escaped` looks at more closely."""
INDENT = "  "
"""Of the second line of a note, and those after it."""
MIN_TEXT_CELLS = 12
"""Cells that a column of texts keeps; longer words are broken."""


def lines(document: Document, width: int | None, wrap: bool = True) -> list[str]:
    """Head, tables and notes, one below the other.

    Args:
        document: What is printed.
        width: Cells of a line; None: no limit, nothing is hidden or cut.
        wrap: A row takes as many lines as it needs, and hidden columns are named. Without it a row is one line, and
            long texts are cut.
    """
    printed = [line for text in document.head for line in folded(one_line(text), width)]
    for table in document.tables:
        printed += table_lines(table, width, wrap)
    return [*printed, *(line for text in document.notes for line in indented(one_line(text), width))]


def table_lines(table: Table, width: int | None, wrap: bool = False) -> list[str]:
    """Title, names of the columns, rows; without `wrap` one line for each row. Wide characters take two cells; control
    characters are shown as escapes."""
    table = table.of("text")
    heads = [one_line(column.name) for column in table.columns]
    rows = [[one_line(text_of(cell)) for cell in row] for row in table.rows]
    extents = [
        _extent([head, *texts], column.right, column.spare, wrap)
        for column, head, texts in zip(table.columns, heads, zip(*rows, strict=True) if rows else heads, strict=True)
    ]
    widths = fit(extents, width, wrap)
    printed = [] if not table.title else indented(one_line(table.title), width)
    for row in [heads, *rows] if any(heads[index] for index in widths) else rows:
        cells = [folded(row[index], room) if wrap else [cut(row[index], room)] for index, room in widths.items()]
        for parts in zip_longest(*cells, fillvalue=""):
            padded = [
                padded_cell(part, room, table.columns[index].right)
                for part, (index, room) in zip(parts, widths.items(), strict=True)
            ]
            printed.append((" " * GAP).join(padded).rstrip())
    hidden = [head for index, head in enumerate(heads) if extents[index].whole and index not in widths]
    if wrap and hidden:
        printed += folded(f"hidden at this width: {', '.join(hidden)}", width)
    return printed


def _extent(texts: Iterable[str], number: bool, spare: int, wrap: bool) -> Extent:
    """A number is never broken; one with an error may wrap between the two."""
    texts = list(texts)
    whole = max(map(cell_len, texts))
    least = max((cell_len(word) for text in texts for word in text.split()), default=0) if wrap else whole
    return Extent(least if number else min(least, MIN_TEXT_CELLS), whole, number, spare)


def text_of(cell: Cell) -> str:
    """One cell for reading."""
    return shown(cell) if isinstance(cell, Figure) else cell


def one_line(text: str) -> str:
    """A text on one line, without characters that move the cursor or change how a terminal shows the rest."""
    if text.isprintable():
        return text
    parts = ("".join(part) for part in (list(each) for _, each in groupby(text, str.isspace)))
    plain = "".join(" " if part.isspace() else part for part in parts)
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in plain)


def escaped(text: str) -> str:
    """A text for a terminal, its lines as they are: characters that move the cursor, or change how a terminal shows
    the rest, as the text of their escape (`\\x1b`). All that others wrote passes here or through
    `one_line`."""
    return UNUSUAL.sub(lambda found: _escape(found[0]), text)


def _escape(character: str) -> str:
    is_space = unicodedata.category(character) == "Zs"
    return character if is_space or character.isprintable() else ascii(character)[1:-1]


def folded(text: str, width: int | None) -> list[str]:
    """A text as lines of at most so many cells, broken between words where that is possible."""
    printed = []
    while width is not None and cell_len(text) > max(2, width):  # a wide character takes two cells
        piece = chop_cells(text, max(2, width))[0]
        space = piece.rfind(" ") if text[len(piece) : len(piece) + 1] != " " else -1
        piece = piece[:space] if space > 0 else piece
        printed.append(piece)
        text = text[len(piece) :].lstrip()
    return [*printed, text]


def cut(text: str, width: int | None) -> str:
    """At most so many cells of a text; where something is cut off, it ends with `…`."""
    if width is None or cell_len(text) <= width:
        return text
    return set_cell_size(text, max(0, width - 1)).rstrip() + "…"


def indented(text: str, width: int | None) -> list[str]:
    """As `folded`, its further lines indented, so that it is seen where the next text begins."""
    first, *rest = folded(text, width)
    if not rest or width is None or width <= 2 * len(INDENT):
        return [first, *rest]
    return [first, *(INDENT + line for line in folded(text[len(first) :].lstrip(), width - len(INDENT)))]


def padded_cell(text: str, width: int, right: bool) -> str:
    """A text in a cell of a width, flush left or right."""
    space = " " * (width - cell_len(text))
    return space + text if right else text + space
