"""A document as HTML that escapes every name and value. Rows beyond the first ones are hidden until asked for, without
a script."""

from __future__ import annotations

import re
from collections.abc import Collection
from html import escape

from studies.tables.digits import NO_VALUE, printed
from studies.tables.table import NOTES, Cell, Column, Document, Figure, Table
from studies.tables.terminal import one_line

REMARKS = ("", NOTES)
"""Columns of sentences."""
MAX_SHOWN_ROWS = 12
"""Of a table; where a few more are all, they are shown too."""


def html(document: Document, key: str, last: bool = False, without: Collection[str] = ()) -> str:
    """Its tables; where there is none, its notes.

    Args:
        document: What is shown.
        key: Begins the ids of its elements.
        last: Whether the last rows of a long table are shown, in place of the first.
        without: Names of columns that are left out.
    """
    tables = [
        _table(_telling(table.of("paper"), without), f"{key}-{place}", last)
        for place, table in enumerate(document.tables)
    ]
    return "\n".join(tables or [f"<p>{_text(note)}</p>" for note in document.notes])


def notes_html(document: Document) -> str:
    """Its notes as a list; empty without any."""
    notes = "".join(f"<li>{_text(note)}</li>" for note in document.notes)
    return f'<ul class="notes">{notes}</ul>' if notes else ""


def _telling(table: Table, without: Collection[str]) -> Table:
    """Only the columns in which some cell has a value."""
    places = [
        place
        for place, column in enumerate(table.columns)
        if column.name not in without and any(map(_tells, (row[place] for row in table.rows)))
    ]
    return table.keeping(places or range(len(table.columns)))


def _tells(cell: Cell) -> bool:
    return (str(printed(cell)) if isinstance(cell, Figure) else cell) not in ("", NO_VALUE)


def _table(table: Table, key: str, last: bool) -> str:
    count = len(table.rows)
    shown = count if count <= MAX_SHOWN_ROWS + 3 else MAX_SHOWN_ROWS
    hidden = range(count - shown) if last else range(shown, count)
    title = f"<caption>{_text(table.title)}</caption>" if table.title else ""
    sides = [_classes(column) for column in table.columns]
    heads = "".join(
        f'<th class="{side}">{_head(column.name)}</th>' for column, side in zip(table.columns, sides, strict=True)
    )
    rows = "\n".join(
        f"<tr{' class=rest' if place in hidden else ''}>"
        + "".join(f'<td class="{side}">{_cell(cell)}</td>' for cell, side in zip(row, sides, strict=True))
        + "</tr>"
        for place, row in enumerate(table.rows)
    )
    more = ""
    if hidden:
        more = f'<input type="checkbox" id="{key}"><label for="{key}">all {count:,} rows</label>\n'
    return f'{more}<div class="wide"><table>{title}<thead><tr>{heads}</tr></thead>\n<tbody>{rows}</tbody></table></div>'


def _head(name: str) -> str:
    """It may be broken after a dot or an underscore, and nowhere else."""
    return re.sub(r"([._])(?=\w)", r"\1<wbr>", _text(name))


def _classes(column: Column) -> str:
    """A phone leaves out what a narrow terminal does."""
    side = "right" if column.right else "note" if column.name in REMARKS else "left"
    return f"{side} spare" if column.spare else side


def _cell(cell: Cell) -> str:
    return escape(str(printed(cell))) if isinstance(cell, Figure) else _text(cell)


def _text(text: str) -> str:
    return escape(" ".join(one_line(text).split()))
