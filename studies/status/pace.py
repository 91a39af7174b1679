"""How fast a running trial goes and where its metric heads, from its latest reports; None before there is ground."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import linear_regression

from storage.records import ReportRow

GROUND = 3
"""Reports before a slope or a rate means anything."""


@dataclass(frozen=True)
class Pace:
    """What the latest reports of one attempt say."""

    metric: str | None = None
    """The score, if it is reported; else a loss, else the first."""
    value: float | None = None
    slope: float | None = None
    """Of the metric, a step: least squares over the latest reports."""
    rate: float | None = None
    """Steps a second."""


def shown_metric(names: Iterable[str], score: str) -> str | None:
    """Which of the reported metrics is shown where there is room for one; None: there is none."""
    known = list(names)
    return score if score in known else next((name for name in known if "loss" in name), next(iter(known), None))


def pace(reports: Sequence[ReportRow], score: str) -> Pace:
    """Of a trial whose reports are given, the latest first."""
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
    if len(reports) >= GROUND and seconds > 0:
        rate = (reports[0].step - reports[-1].step) / seconds
    slope = linear_regression(steps, values).slope if len(set(steps)) >= GROUND else None
    return Pace(metric, named[metric], slope, rate)
