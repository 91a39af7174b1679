"""A table as data: columns, rows and notes. Everything that is printed of it is made from this alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Form = Literal["text", "paper"]
"""What a table is for: the terminal; or a document, where a mean and its error stand together."""


@dataclass(frozen=True)
class Column:
    """One column."""

    name: str
    """Empty: remarks on a row."""
    right: bool = False
    only: Form | None = None
    """The form that it belongs to; None: both."""
    spare: int = 0
    """Where there is little room, columns are left out, the largest number first; 0: never."""


@dataclass(frozen=True)
class Figure:
    """A number with its error, or without. No value is not known yet, which is not NaN."""

    value: float | None
    error: float | None = None
    form: str | None = None
    """Python's format of it, where six digits are not what is wanted."""


Cell = str | Figure


@dataclass(frozen=True)
class Table:
    """Rows with a cell for each column."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    title: str = ""

    def of(self, form: Form) -> Table:
        """With the columns of one form."""
        return self.keeping([index for index, each in enumerate(self.columns) if each.only in (None, form)])

    def said(self) -> Table:
        """Without the columns that say nothing."""
        places = [index for index in range(len(self.columns)) if any(row[index] != "" for row in self.rows)]
        return self.keeping(places or range(len(self.columns)))

    def keeping(self, places: Sequence[int]) -> Table:
        """With these columns."""
        rows = [[row[index] for index in places] for row in self.rows]
        return Table([self.columns[index] for index in places], rows, self.title)


@dataclass(frozen=True)
class Document:
    """What `show` prints: tables, the first of which is the main one, and notes."""

    tables: Sequence[Table] = ()
    notes: Sequence[str] = field(default=())
