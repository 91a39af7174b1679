"""csv and parquet of every search: one row a trial."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from storage.errors import UsageError
from storage.records import TrialRow
from studies.definition.yaml_text import is_plain
from studies.tables.delimited import csv_text

Columns = dict[str, list[Any]]
"""A table by column, with a value for each trial."""


def grid_columns(rows: Sequence[TrialRow], earlier: Collection[int] = ()) -> Columns:
    """A grid's trials; `setting.NAME` also holds axes that no config has.

    Args:
        rows: Every trial of the study.
        earlier: Ids of trials that are not of the grid in force.
    """
    columns = _ends(rows, {"seed": [row.seed for row in rows]})
    columns["in_force"] = [in_force(row, earlier) for row in rows]
    columns |= _spread("setting.", [row.role.get("setting", {}) for row in rows])
    return columns | _spread("config.", [row.config for row in rows]) | _spread("", [row.metrics for row in rows])


def in_force(row: TrialRow, earlier: Collection[int]) -> bool:
    """Whether a trial of a grid or a tune counts: the search still wants it, and it was not set aside."""
    return row.trial_id not in earlier and row.set_aside is None


def trial_cells(rows: Sequence[TrialRow]) -> Columns:
    """`csv` of a growth, a depth or a fit: what a trial was for, its whole configuration, its end, its metrics."""
    purpose = {name: [row.role.get(name) for row in rows] for name in ("role", "param", "value")}
    columns = _ends(rows, {"round": [row.round for row in rows], **purpose, "seed": [row.seed for row in rows]})
    columns |= _spread("config.", [row.config for row in rows]) | _spread("", [row.metrics for row in rows])
    return as_text(columns, (list, dict))


def _ends(rows: Sequence[TrialRow], between: Columns) -> Columns:
    return {
        "trial": [row.number for row in rows],
        "state": [row.state for row in rows],
        **between,
        "attempts": [row.attempt for row in rows],
        "seconds": [row.seconds for row in rows],
        "reason": [row.reason for row in rows],
        "set_aside": [None if row.set_aside is None else row.set_aside.value for row in rows],
    }


def _spread(prefix: str, mappings: Sequence[Mapping[str, Any]]) -> Columns:
    """A column for each key of any of the mappings."""
    names = dict.fromkeys(name for each in mappings for name in each)
    return {f"{prefix}{name}": [each.get(name) for each in mappings] for name in names}


def grid_cells(rows: Sequence[TrialRow], earlier: Collection[int] = ()) -> Columns:
    """`csv` of a grid. In the columns of settings and configs, a text that would be read as another type is quoted as
    in JSON: 1 is the number, "1" the text, "" the empty text; an empty cell is null or a missing key."""
    columns = {
        name: [_unmistakable(value) for value in values] if name.startswith(("setting.", "config.")) else values
        for name, values in grid_columns(rows, earlier).items()
    }
    return as_text(columns, (list, dict, bool))


def joined(tables: Mapping[str, Columns]) -> Columns:
    """Tables of several studies under one another, with the study's name in front.

    >>> joined({"one": {"a": [1]}, "two": {"b": [2, 3]}})
    {'study': ['one', 'two', 'two'], 'a': [1, None, None], 'b': [None, 2, 3]}
    """
    lengths = {name: len(next(iter(table.values()))) for name, table in tables.items()}
    columns = {"study": [name for name, length in lengths.items() for _ in range(length)]}
    for column in dict.fromkeys(column for table in tables.values() for column in table):
        columns[column] = [
            value for name, table in tables.items() for value in table.get(column, [None] * lengths[name])
        ]
    return columns


def _unmistakable(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) and not is_plain(value) else value


def parquet(rows: Sequence[TrialRow], earlier: Collection[int] = ()) -> bytes:
    """`parquet`: the same table. A column of values of several kinds holds their JSON text.

    Raises:
        UsageError: pyarrow is not installed.
    """
    try:
        import pyarrow
        from pyarrow.parquet import write_table
    except ImportError as error:
        raise UsageError("--as parquet: needs pyarrow: pip install -e '.[parquet]'") from error
    columns = {name: _one_kind(values) for name, values in grid_columns(rows, earlier).items()}
    sink = pyarrow.BufferOutputStream()
    write_table(pyarrow.table(columns), sink)
    return bytes(sink.getvalue().to_pybytes())


def _one_kind(values: Sequence[Any]) -> list[Any]:
    kinds = {type(each) for each in values if each is not None}
    if kinds <= {int, float} and len(kinds) > 1:
        return [None if each is None else float(each) for each in values]
    big = kinds == {int} and any(each is not None and abs(each) >= 2**63 for each in values)
    if len(kinds) > 1 or kinds & {list, dict} or big:
        return [None if each is None else json.dumps(each, sort_keys=True) for each in values]
    return list(values)


def as_text(columns: Columns, kinds: tuple[type, ...]) -> Columns:
    """The table with values of these types as JSON."""
    return {
        name: [json.dumps(value) if isinstance(value, kinds) else value for value in values]
        for name, values in columns.items()
    }


def columns_csv(columns: Columns) -> str:
    """A table as CSV."""
    return csv_text([columns, *zip(*columns.values(), strict=True)])
