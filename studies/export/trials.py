"""csv and parquet: one row a trial."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from storage.errors import UsageError
from storage.records import TrialRow
from studies.definition.yaml_text import is_plain


def trials_table(rows: Sequence[TrialRow], earlier: Collection[int] = ()) -> dict[str, list[Any]]:
    """Columns of one value a trial, every trial of the study: `setting.NAME` holds axes that no config has, too.
    `earlier`: ids of trials that are not of the grid in force."""
    metrics = [row.metrics for row in rows]
    columns: dict[str, list[Any]] = {
        "trial": [row.number for row in rows],
        "state": [row.state for row in rows],
        "seed": [row.seed for row in rows],
        "attempts": [row.attempt for row in rows],
        "seconds": [row.seconds for row in rows],
        "reason": [row.reason for row in rows],
        "in_force": [row.trial_id not in earlier for row in rows],
    }
    settings = [row.role.get("setting", {}) for row in rows]
    columns |= {f"setting.{name}": [each.get(name) for each in settings] for name in _names(settings)}
    configs = [row.config for row in rows]
    columns |= {f"config.{name}": [each.get(name) for each in configs] for name in _names(configs)}
    return columns | {name: [each.get(name) for each in metrics] for name in _names(metrics)}


def trials_csv(rows: Sequence[TrialRow], earlier: Collection[int] = ()) -> str:
    """`csv`. In the columns of settings and configs, a text that would be read as something else stands in JSON's
    quotes: 1 is the number, "1" the text, "" the empty text; an empty cell is null, or a key that is not there."""
    columns = {
        name: [_unmistakable(value) for value in values] if name.startswith(("setting.", "config.")) else values
        for name, values in trials_table(rows, earlier).items()
    }
    return _csv(list(columns), zip(*columns.values(), strict=True))


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
        raise UsageError("--as parquet: needs pyarrow: pip install 'studyhall[parquet]'") from error
    columns = {name: _one_kind(values) for name, values in trials_table(rows, earlier).items()}
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


def _names(mappings: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for each in mappings for name in each))


def _csv(header: Sequence[str], rows: Iterable[Iterable[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list | dict | bool) else value
