"""How fast a running trial goes and where its metric heads, from its latest reports; None while they are too few."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import linear_regression

from storage.records import ReportRow
from studies.definition.units import duration_text
from studies.tables.sparkline import sparkline
from studies.tables.table import Cell, Column

MIN_REPORTS = 3
"""Before a slope or a rate means anything."""
RUNNING = [Column("slot"), Column("trial", right=True), Column("what"), Column("for", right=True, spare=4)]
RUNNING += [Column("step", right=True), Column("last", right=True), Column("slope", right=True, spare=2)]
RUNNING += [Column("rate", right=True, spare=3), Column("ETA", right=True, spare=1), Column("trend", spare=5)]
TREND_CELLS = 20


@dataclass(frozen=True)
class Pace:
    """The latest reports of one attempt."""

    metric: str | None = None
    """The score, if it is reported; else a loss, else the first."""
    value: float | None = None
    slope: float | None = None
    """Of the metric, per step: least squares over the latest reports."""
    rate: float | None = None
    """Steps per second."""
    trend: str = ""
    """A sparkline of the metric."""


def shown_metric(names: Iterable[str], score: str) -> str | None:
    """The reported metric to show; None if nothing was reported."""
    known = list(names)
    return score if score in known else next((name for name in known if "loss" in name), next(iter(known), None))


def pace(reports: Sequence[ReportRow], score: str) -> Pace:
    """Of a trial with these reports, the latest first."""
    named = next((row.metrics for row in reports if row.metrics), {})
    metric = shown_metric(named, score)
    if metric is None:
        return Pace()
    steps, values, rate = [], [], None
    for row in reports:
        value = row.metrics.get(metric)
        if value is not None and math.isfinite(value):
            steps.append(float(row.step))
            values.append(value)
    seconds = (reports[0].reported_at - reports[-1].reported_at).total_seconds()
    if len(reports) >= MIN_REPORTS and seconds > 0:
        rate = (reports[0].step - reports[-1].step) / seconds
    slope = linear_regression(steps, values).slope if len(set(steps)) >= MIN_REPORTS else None
    trend = sparkline(values[::-1], TREND_CELLS) if len(values) >= MIN_REPORTS else ""
    return Pace(metric, named[metric], slope, rate, trend)


def running_row(
    slot: str,
    number: int,
    what: str,
    seconds: float,
    step: int | None,
    known: Pace,
    mean: float | None,
) -> list[Cell]:
    """A running trial's row, for a table with the columns `RUNNING`. `mean`: seconds of a completed trial."""
    left = "" if mean is None else duration_text(mean - seconds) if mean > seconds else "overdue"
    return [
        *(slot, str(number), what, duration_text(seconds), "" if step is None else f"{step:,}"),
        "" if known.value is None else f"{known.metric} {known.value:.4g}",
        "" if known.slope is None else f"{known.slope:+.2g}/step",
        "" if known.rate is None else f"{known.rate:.3g}/s",
        left,
        known.trend,
    ]
