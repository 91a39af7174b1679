"""A document as data: lines, tables and notes. Every form that it is printed in is made from this alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Form = Literal["text", "paper"]
"""Where a table is read: on a terminal, or in a paper, where a mean and its error share a cell."""


@dataclass(frozen=True)
class Column:
    """One column."""

    name: str
    """Empty: remarks on a row."""
    right: bool = False
    """A column of numbers."""
    only: Form | None = None
    """The only form that shows it; None: both."""
    spare: int = 0
    """In a narrow terminal, columns are hidden, the largest number first; 0: last of all."""


@dataclass(frozen=True)
class Figure:
    """A number, with or without its error. `None` means not known yet; NaN means known to be NaN."""

    value: float | None
    error: float | None = None
    form: str | None = None
    """A Python format, in place of six digits."""


Cell = str | Figure


@dataclass(frozen=True)
class Table:
    """Rows with a cell for each column."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    title: str = ""

    def of(self, form: Form) -> Table:
        """Only the columns of one form."""
        return self.keeping([index for index, each in enumerate(self.columns) if each.only in (None, form)])

    def without_empty_columns(self) -> Table:
        """Only the columns that have a cell with something in it."""
        places = [index for index in range(len(self.columns)) if any(row[index] != "" for row in self.rows)]
        return self.keeping(places or range(len(self.columns)))

    def keeping(self, places: Sequence[int]) -> Table:
        """Only the columns at these places."""
        rows = [[row[index] for index in places] for row in self.rows]
        return Table([self.columns[index] for index in places], rows, self.title)


@dataclass(frozen=True)
class Document:
    """What a command prints: lines, then tables, the first of which is the main one, then notes."""

    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()
    """Below the tables, a line each."""
    head: Sequence[str] = ()
    """Above the tables, a line each."""
