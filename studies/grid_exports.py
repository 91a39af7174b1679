"""A grid study's trials as tables, in the formats that programs for such sweeps read.

csv, parquet    one row a trial: its setting, its whole configuration, how it ended, its metrics
ablation-csv    one row a finished run, 29 columns, series over steps as lists in text
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from storage.errors import UsageError
from storage.ledger import metrics_of
from studies.grid_table import in_order
from studies.reading import is_plain

SCALE = 46_009_736
"""Parameters of the model whose scale is 1."""
# fmt: off
RUN = (
    "last_val_loss", "model_scale", "depth", "width", "num_params", "num_non_embedding_params", "num_heads",
    "linear_value", "seed", "run_num", "max_epochs", "max_steps", "max_tokens", "max_time_seconds",
    "gpu_capacity_scalar",
)
SERIES = (
    "train_loss", "val_loss", "train_acc", "val_acc", "train_pplx", "val_pplx", "grad_norm", "cumulative_time",
    "tokens_seen", "epoch", "batch_size", "seq_length", "learning_rate", "weight_decay",
)
# fmt: on
REPORTED_AS = {"seq_length": "sequence_length"}
COUNTS = ("tokens_seen", "batch_size", "seq_length")


# One row a trial


def trials_table(rows: Sequence[Any], earlier: Collection[int] = ()) -> dict[str, list[Any]]:
    """Columns of one value a trial, every trial of the study: `setting.NAME` holds axes that no config has, too.
    `earlier`: ids of trials that are not of the grid in force."""
    metrics = [metrics_of(row.metrics) for row in rows]
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


def trials_csv(rows: Sequence[Any], earlier: Collection[int] = ()) -> str:
    """`csv`. In the columns of settings and configs, a text that would be read as something else stands in JSON's
    quotes: 1 is the number, "1" the text, "" the empty text; an empty cell is null, or a key that is not there."""
    columns = {
        name: [_unmistakable(value) for value in values] if name.startswith(("setting.", "config.")) else values
        for name, values in trials_table(rows, earlier).items()
    }
    return _csv(list(columns), zip(*columns.values(), strict=True))


def _unmistakable(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) and not is_plain(value) else value


def parquet(rows: Sequence[Any], earlier: Collection[int] = ()) -> bytes:
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


# One row a run, with its series


def ablation_csv(rows: Sequence[Any], reports: Callable[[int], Sequence[Any]]) -> str:
    """`ablation-csv`: a row for each run that has finished, in the order of the grid.

    `model_scale` is the setting's, or its parameters over those of the model of scale 1. What a trial does not report
    is an empty list.

    Args:
        rows: Of `read_points`.
        reports: Rows of `read_reports` by a trial's id.
    """
    first = min((row.seed for row in rows), default=0)
    done = [row for row in in_order(rows) if row.state == "COMPLETE"]
    return _csv([*RUN, *SERIES], (_run(row, row.seed - first + 1, reports(row.trial_id)) for row in done))


def _run(row: Any, run: int, reports: Sequence[Any]) -> list[Any]:
    metrics, config = metrics_of(row.metrics), row.config
    given = {**config, **row.role.get("setting", {})}
    series = {column: _series(reports, column) for column in SERIES}
    params = metrics.get("params")
    figures = {
        "last_val_loss": series["val_loss"][-1] if series["val_loss"] else metrics.get("val_loss"),
        "model_scale": given.get("model_scale", None if params is None else params / SCALE),
        "depth": given.get("depth", config.get("n_layer")),
        "width": given.get("width", config.get("n_embd")),
        "num_params": _whole(params),
        "num_non_embedding_params": _whole(metrics.get("non_embedding_params")),
        "num_heads": given.get("num_heads", config.get("n_head")),
        "linear_value": given.get("linear_value"),
        "seed": row.seed,
        "run_num": run,
        "max_epochs": config.get("max_epochs"),
        "max_steps": config.get("max_iters"),
        "max_tokens": config.get("max_tokens"),
        "max_time_seconds": config.get("max_time_seconds"),
        "gpu_capacity_scalar": config.get("gpu_capacity_scalar"),
    }
    return [*(figures[name] for name in RUN), *map(str, series.values())]


def _series(reports: Sequence[Any], column: str) -> list[float | None]:
    name = REPORTED_AS.get(column, column)
    values = [row.figures[row.names.index(name)] for row in reports if name in row.names]
    return [_whole(value) for value in values] if column in COUNTS else values


def _whole(value: float | None) -> float | None:
    """A count, which the database keeps as a float, without its `.0`."""
    return int(value) if value is not None and math.isfinite(value) and value == int(value) else value
