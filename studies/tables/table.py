"""A document as data: lines, tables and notes. Every form that it is printed in is made from this alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

Form = Literal["text", "paper", "data"]
"""Where a table is read: on a terminal; in a paper or on a page; by a program, as CSV."""


@dataclass(frozen=True)
class Column:
    """One column."""

    name: str
    """Empty: remarks on a row."""
    right: bool = False
    """A column of numbers."""
    only: Sequence[Form] = ()
    """The forms that have it; empty: all."""
    spare: int = 0
    """In a narrow terminal, columns are hidden, the largest number first; 0: last of all."""
    key: str = ""
    """The head in CSV, which programs read: it never changes. Empty: the name."""

    @property
    def head(self) -> str:
        """Its head in CSV."""
        return self.key or self.name or "note"


@dataclass(frozen=True)
class Figure:
    """A number, with or without its error. `None` means not known yet; NaN means known to be NaN."""

    value: float | None
    error: float | None = None
    form: str | None = None
    """A Python format, in place of the digits that digits.py chooses."""
    times: float = 1.0
    """People read the number times this: an efficiency per million parameters. Programs read it as it is."""
    bold: bool = False
    """In a paper."""
    digits: int | None = None
    """Significant ones, of a number without an error; None: as digits.py chooses."""
    text: str | None = None
    """What people read in its place: `< 1 %`."""

    @property
    def scaled(self) -> Figure:
        """As people read it."""
        if self.times == 1.0:
            return self
        value, error = (None if each is None else each * self.times for each in (self.value, self.error))
        return replace(self, value=value, error=error, times=1.0)


Cell = str | Figure
NOTES = "notes"
"""Head of a column of sentences."""


@dataclass(frozen=True)
class Table:
    """Rows with a cell for each column."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    title: str = ""
    aside: bool = False
    """Not part of the results: a paper has it as comments."""

    def of(self, form: Form) -> Table:
        """Only the columns of one form."""
        return self.keeping([index for index, each in enumerate(self.columns) if not each.only or form in each.only])

    def without_empty_columns(self) -> Table:
        """Only the columns that have a cell with something in it."""
        places = [index for index in range(len(self.columns)) if any(row[index] != "" for row in self.rows)]
        return self.keeping(places or range(len(self.columns)))

    def keeping(self, places: Sequence[int]) -> Table:
        """Only the columns at these places."""
        rows = [[row[index] for index in places] for row in self.rows]
        return replace(self, columns=[self.columns[index] for index in places], rows=rows)


@dataclass(frozen=True)
class Document:
    """What a command prints: lines, then tables, the first of which is the main one, then notes."""

    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()
    """Below the tables, a line each."""
    head: Sequence[str] = ()
    """Above the tables, a line each."""
    caption: str = ""
    """Of the main table in a paper."""
    label: str = ""
    """What a paper refers to its tables by."""
