"""The main table as CSV, for programs: numbers whole, an error in a column of its own."""

from __future__ import annotations

import csv
from collections.abc import Iterable

from studies.tables.table import Cell, Document, Figure, Table


def delimited(document: Document) -> str:
    """The first table; nothing where there is none."""
    return "".join(csv_text(_rows(table.of("data"))) for table in document.tables[:1])


def csv_text(rows: Iterable[Iterable[object]]) -> str:
    """Rows as CSV.

    >>> csv_text([["a", 1], ["one\\rtwo", None]])
    'a,1\\n"one\\rtwo",\\n'
    """
    lines = _Lines()
    csv.writer(lines, lineterminator="\r\n").writerows(rows)
    return "".join(lines)


class _Lines(list[str]):
    """Rows that end in a line feed. The writer quotes the characters that end its own: in Python 3.11 no others."""

    def write(self, row: str) -> None:
        self.append(row.removesuffix("\r\n") + "\n")


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
