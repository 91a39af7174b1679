"""The main table as CSV, for programs: numbers whole, an error in a column of its own."""

from __future__ import annotations

import csv
import io

from studies.tables.table import Cell, Document, Figure, Table


def delimited(document: Document) -> str:
    """The first table; nothing where there is none."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for table in document.tables[:1]:
        writer.writerows(_rows(table.of("data")))
    return text.getvalue()


def _rows(table: Table) -> list[list[object]]:
    erring = [any(_error(row[place]) is not None for row in table.rows) for place in range(len(table.columns))]
    heads: list[object] = []
    for column, errs in zip(table.columns, erring, strict=True):
        heads += [column.head, *[f"{column.head} error"] * errs]
    rows = [heads]
    for row in table.rows:
        cells: list[object] = []
        for cell, errs in zip(row, erring, strict=True):
            cells += [cell.value if isinstance(cell, Figure) else cell, *[_error(cell)] * errs]
        rows.append(cells)
    return rows


def _error(cell: Cell) -> float | None:
    return cell.error if isinstance(cell, Figure) else None
