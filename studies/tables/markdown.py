"""A table as GitHub's Markdown, its source aligned as well."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.cells import cell_len

from studies.tables.digits import printed
from studies.tables.table import Cell, Document, Figure, Table
from studies.tables.terminal import one_line

SPECIAL = re.compile(r"([\\|*`\[\]])")


def markdown(document: Document) -> str:
    """All tables and notes."""
    parts = [_table(table.of("paper").without_empty_columns()) for table in document.tables]
    return "\n\n".join([*parts, *map(_escaped, document.notes)]) + "\n"


def _table(table: Table) -> str:
    heads = [_escaped(column.name or "note") for column in table.columns]
    rows = [[_cell(cell) for cell in row] for row in table.rows]
    widths = [max(3, *map(cell_len, column)) for column in zip(heads, *rows, strict=True)]
    rule = [
        "-" * (width - 1) + (":" if column.right else "-") for column, width in zip(table.columns, widths, strict=True)
    ]
    right = [column.right for column in table.columns]
    lines = [_line(heads, widths, right), _line(rule, widths, right), *(_line(row, widths, right) for row in rows)]
    return "\n".join([f"**{_escaped(table.title)}**\n"] * bool(table.title) + lines)


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = []
    for cell, width, flush in zip(cells, widths, right, strict=True):
        space = " " * (width - cell_len(cell))
        padded.append(space + cell if flush else cell + space)
    return "| " + " | ".join(padded) + " |"


def _cell(cell: Cell) -> str:
    return str(printed(cell)) if isinstance(cell, Figure) else _escaped(cell)


def _escaped(text: str) -> str:
    """On one line, with nothing in it that Markdown or HTML would take for its own."""
    plain = " ".join(one_line(text).split()).replace("&", "&amp;").replace("<", "&lt;")
    return SPECIAL.sub(r"\\\1", plain)
