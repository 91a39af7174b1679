"""What of a result table is shown: `show --top --where --sort --columns --names`.

Rows are chosen before a table is made of them, by the values that each row has by name: settings, metrics, and what
the search computed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from samplers.searches.grid.expressions import Expression
from storage.errors import UsageError, nearest
from studies.tables.table import Cell, Column, Figure, Table

Values = Mapping[str, Any]
"""A row's values by name."""
Row = TypeVar("Row")
WITH_INTERVAL = " ± 95 %"
"""Ends the head of a column whose cells have an interval."""


@dataclass(frozen=True)
class Choice:
    """Rows and columns of a main table. Without any of these, the table as it is."""

    top: int | None = None
    where: str | None = None
    sort: str | None = None
    """A name; `-NAME` turns the order round."""
    columns: Sequence[str] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    """New heads by old ones."""

    @staticmethod
    def parse(
        top: int | None, where: str | None, sort: str | None, columns: str | None, names: Iterable[str]
    ) -> Choice:
        """From the command line: `a,b,c` and `old=New,other=Other`.

        Raises:
            UsageError: One of them cannot be meant.
        """
        if top is not None and top < 1:
            raise UsageError(f"--top: {top} is not a number of rows; at least 1")
        pairs = [pair.partition("=") for text in names for pair in text.split(",")]
        wrong = next(("".join(pair) for pair in pairs if not (pair[0].strip() and pair[2].strip())), None)
        if wrong is not None:
            raise UsageError(f"--names: {wrong!r} is not OLD=New")
        wanted = [name.strip() for name in columns.split(",")] if columns is not None else []
        if columns is not None and not all(wanted):
            raise UsageError(f"--columns: {columns!r} is not a list of names, like lr,val_loss")
        return Choice(top, where, sort, tuple(wanted), {old.strip(): new.strip() for old, _, new in pairs})

    @property
    def given(self) -> bool:
        """Whether anything was asked for."""
        return self != EVERYTHING

    @property
    def picks(self) -> bool:
        """Whether it leaves rows out, or orders them."""
        return not (self.top is None and self.where is None and self.sort is None)

    @property
    def order_notes(self) -> list[str]:
        """Which end of a sorted table stands first, since without --sort it is the best."""
        if self.sort is None:
            return []
        turned, name = self.sort.startswith("-"), self.sort.removeprefix("-")
        end, other = ("largest", name) if turned else ("smallest", f"-{name}")
        return [f"sorted by {name}, the {end} first; --sort {other} turns it round"]

    def rows(self, rows: Sequence[Row], values_of: Callable[[Row], Values]) -> list[Row]:
        """The rows that it asks for, in its order.

        Raises:
            UsageError: No row has a name that it uses, or its expression is not a condition.
        """
        if not self.picks or not rows:
            return list(rows)
        valued = [(row, values_of(row)) for row in rows]
        known = dict.fromkeys(name for _, values in valued for name in values)
        if self.where is not None:
            condition = Expression.parse(self.where, "--where")
            _check(condition.names, known, "--where")
            valued = [
                (row, values)
                for row, values in valued
                if all(_is_there(values.get(name, math.nan)) for name in condition.names) and condition.holds(values)
            ]
        if self.sort is not None:
            turned, name = self.sort.startswith("-"), self.sort.removeprefix("-")
            _check([name], known, "--sort")
            there = [each for each in valued if _is_there(each[1].get(name, math.nan))]
            missing = [each for each in valued if not _is_there(each[1].get(name, math.nan))]
            there.sort(key=lambda each: _order(each[1][name]), reverse=turned)
            valued = [*there, *missing]
        return [row for row, _ in valued[: self.top]]

    def table(self, table: Table, values: Sequence[Values], head: Callable[[str], str] = str) -> Table:
        """The columns that it asks for, under its names. A name that is no column becomes one, of the rows' values.

        Args:
            table: With the chosen rows.
            values: Of its rows.
            head: How a metric is headed.

        Raises:
            UsageError: Neither the table nor a row has such a name.
        """
        known = list(dict.fromkeys([*map(_short, table.columns), *(name for each in values for name in each)]))
        if self.columns:
            made: list[tuple[Column, list[Cell]]] = []
            for name in self.columns:
                place = _place(table.columns, name)
                if place is not None:
                    made.append((replace(table.columns[place], spare=0), [row[place] for row in table.rows]))
                else:
                    _check([name], known if table.rows else [*known, name], "--columns")
                    cells = [_cell(each.get(name)) for each in values]
                    made.append((Column(head(name), _is_right(cells), key=name), cells))
            rows = [list(row) for row in zip(*(cells for _, cells in made), strict=True)] if table.rows else []
            table = replace(table, columns=[column for column, _ in made], rows=rows)
        columns = list(table.columns)
        for old, new in self.names.items():
            place = _place(table.columns, old)  # before any is renamed: two names can be swapped
            if place is None:
                _check([old], [_short(each) for each in table.columns], "--names")
            else:
                columns[place] = replace(columns[place], name=new, key=new)
        return replace(table, columns=columns)


EVERYTHING = Choice()


def _place(columns: Sequence[Column], name: str) -> int | None:
    """Of the column of that name: its head, its head in CSV, or that without the words for the interval."""
    for place, column in enumerate(columns):
        if not column.only and name in (column.name, column.head, _short(column)) and name:
            return place
    return None


def _short(column: Column) -> str:
    return column.head.removesuffix(WITH_INTERVAL)


def _check(names: Iterable[str], known: Iterable[str], option: str) -> None:
    every = list(known)
    unknown = next((name for name in names if name not in every), None)
    if unknown is not None:
        raise UsageError(f"the table has no {unknown!r}{nearest(unknown, every)}", option)


def _is_there(value: object) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


def _order(value: object) -> tuple[int, float, str]:
    """Numbers before texts."""
    return (0, float(value), "") if isinstance(value, int | float) else (1, 0.0, str(value))


def _cell(value: object) -> Cell:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Figure(value)
    return "" if value is None else str(value)


def _is_right(cells: Sequence[Cell]) -> bool:
    return any(isinstance(cell, Figure) for cell in cells)
