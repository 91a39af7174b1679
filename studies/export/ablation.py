"""`ablation-csv`: a grid's finished trials, one row each, 29 columns, series over steps as lists in text."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from storage.records import ReportRow, TrialRow
from studies.export.trials import as_text, columns_csv
from studies.history.trials import in_order

UNIT_SCALE_PARAMS = 46_009_736
"""Parameters of the model whose scale is 1."""
# fmt: off
RUN = (
    "last_val_loss", "model_scale", "depth", "width", "num_params", "num_non_embedding_params", "num_heads",
    "linear_value", "seed", "run_num", "max_epochs", "max_steps", "max_tokens", "max_time_seconds",
    "gpu_capacity_scalar",
)
SERIES_COLUMNS = (
    "train_loss", "val_loss", "train_acc", "val_acc", "train_pplx", "val_pplx", "grad_norm", "cumulative_time",
    "tokens_seen", "epoch", "batch_size", "seq_length", "learning_rate", "weight_decay",
)
# fmt: on
REPORTED_AS = {"seq_length": "sequence_length"}
COUNT_COLUMNS = ("tokens_seen", "batch_size", "seq_length")


def ablation_csv(rows: Sequence[TrialRow], reports: Callable[[int], Sequence[ReportRow]]) -> str:
    """`ablation-csv`: a row for each run that has finished, in the order of the grid.

    `model_scale` is the true one, a run's parameters over those of the model of scale 1; the setting's only where a
    trial returned no `params`. A series that a trial does not report is an empty list.

    Args:
        rows: Of `read_points`.
        reports: Rows of `read_reports` by a trial's id.
    """
    first = min((row.seed for row in rows), default=0)
    done = [row for row in in_order(rows) if row.state == "COMPLETE"]
    runs = [_run(row, row.seed - first + 1, reports(row.trial_id)) for row in done]
    columns = {name: [run[name] for run in runs] for name in (*RUN, *SERIES_COLUMNS)}
    return columns_csv(as_text(columns, (list, dict, bool)))


def _run(row: TrialRow, run: int, reports: Sequence[ReportRow]) -> dict[str, Any]:
    metrics, config = row.metrics, row.config
    given = {**config, **row.role.get("setting", {})}
    series = {column: _series(reports, column) for column in SERIES_COLUMNS}
    params = metrics.get("params")
    return {
        "last_val_loss": series["val_loss"][-1] if series["val_loss"] else metrics.get("val_loss"),
        "model_scale": given.get("model_scale") if params is None else params / UNIT_SCALE_PARAMS,
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
        **{name: str(values) for name, values in series.items()},
    }


def _series(reports: Sequence[ReportRow], column: str) -> list[float | None]:
    name = REPORTED_AS.get(column, column)
    values: list[float | None] = [row.metrics[name] for row in reports if name in row.metrics]
    return [_whole(value) for value in values] if column in COUNT_COLUMNS else values


def _whole(value: float | None) -> float | None:
    """A count, which the database keeps as a float, without its `.0`."""
    return int(value) if value is not None and math.isfinite(value) and value == int(value) else value
