"""Markdown that escapes every name and value and emits no HTML; a table's source is aligned as well."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.cells import cell_len

from studies.tables.digits import printed
from studies.tables.table import Cell, Document, Figure, Table
from studies.tables.terminal import one_line, padded_cell

SPECIAL_CHARACTERS = re.compile(r"([\\`*\[\]<>#|&$~@^]|(?<!\w)_|_(?!\w)|:(?=\S))")
"""What would be markup. A `_` within a word and a `:` before a space are plain text."""
BEGINS_A_LIST = re.compile(r"[-+=]|\d+(?=[.)]\s)")


def markdown(document: Document) -> str:
    """All lines, tables and notes, each a paragraph."""
    tables = [_table(table.of("paper").without_empty_columns()) for table in document.tables]
    return "\n\n".join([*map(escaped, document.head), *tables, *map(escaped, document.notes)]) + "\n"


def escaped(text: str) -> str:
    """A text that is rendered as it is, on one line. It may begin a line."""
    inside = _inline(text)
    begins_list = BEGINS_A_LIST.match(inside)
    if begins_list is None:
        return inside
    digits = begins_list[0] if begins_list[0].isdigit() else ""
    return f"{digits}\\{inside[len(digits) :]}"


def fenced(text: str, language: str) -> str:
    """A block of code that holds any text; characters that would hide or reverse others are written as escapes."""
    plain = "".join(each if each in "\n\t" or each.isprintable() else _written_out(each) for each in text)
    ticks = max((len(run) for run in re.findall("`+", plain)), default=0)
    fence = "`" * max(3, ticks + 1)
    return f"{fence}{language}\n{plain.rstrip()}\n{fence}"


def _table(table: Table) -> str:
    heads = [_inline(column.name or "note") for column in table.columns]
    rows = [[_cell(cell) for cell in row] for row in table.rows]
    widths = [max(3, *map(cell_len, column)) for column in zip(heads, *rows, strict=True)]
    rule = [
        "-" * (width - 1) + (":" if column.right else "-") for column, width in zip(table.columns, widths, strict=True)
    ]
    right = [column.right for column in table.columns]
    lines = [_line(heads, widths, right), _line(rule, widths, right), *(_line(row, widths, right) for row in rows)]
    return "\n".join([f"**{_inline(table.title)}**\n"] * bool(table.title) + lines)


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    return "| " + " | ".join(map(padded_cell, cells, widths, right)) + " |"


def _cell(cell: Cell) -> str:
    if not isinstance(cell, Figure):
        return _inline(cell)
    return f"**{printed(cell)}**" if cell.bold else str(printed(cell))


def _inline(text: str) -> str:
    return SPECIAL_CHARACTERS.sub(r"\\\1", " ".join(one_line(text).split()))


def _written_out(character: str) -> str:
    return character if character in "\u200c\u200d" else f"\\u{ord(character):04x}"
