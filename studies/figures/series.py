"""Series over runs: what trials reported as they went, the mean over seeds with its spread.

A run is never drawn or averaged beyond its own ends: the mean goes as far as the shortest run.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from studies.figures.picture import Axis, Band, Line, Mark, Picture
from studies.figures.scales import wide
from studies.figures.thinning import thinned

MIN_SMOOTHED_POINTS = 60
"""Lines with fewer points are not smoothed."""
WINDOW = 1 / 30
"""Share of a line's points that smoothing averages over."""
MAX_SERIES_POINTS = 400
"""Points of a line that are drawn."""


@dataclass(frozen=True)
class Run:
    """One run's reports of one metric."""

    group: str
    """Runs of one group differ in their seed alone."""
    x: Sequence[float]
    y: Sequence[float]


@dataclass(frozen=True)
class Mean:
    """The mean over the runs of a group, where all of them report."""

    x: Sequence[float]
    middle: Sequence[float]
    sd: Sequence[float]
    """Of the sample; empty with one run."""
    runs: int


def series(runs: Sequence[Run], key: str, title: str, x: str, y: str) -> Picture:
    """One line a group, over one x; single runs faint behind their mean, raw values faint behind smoothed ones."""
    marks: list[Mark] = []
    smoothed = False
    for group in dict.fromkeys(run.group for run in runs):
        own = [run for run in map(_clean, runs) if run.group == group and len(run.x)]
        mean = mean_of(own)
        name = f"{group} ({len(own)} seeds)" if len(own) > 1 else group
        smooth = len(mean.x) >= MIN_SMOOTHED_POINTS
        smoothed |= smooth
        if mean.sd:
            low, high = np.subtract(mean.middle, mean.sd), np.add(mean.middle, mean.sd)
            places, below, above = _thinned(mean.x, low.tolist(), high.tolist())
            marks.append(Band(name, places, below, above))
        if len(own) > 1 or smooth:
            marks += [_line(name, run.x, run.y, faint=True) for run in own]
        if mean.x:
            middle = smoothed_line(mean.middle) if smooth else mean.middle
            marks.append(_line(name, mean.x, middle))
    several = any(isinstance(mark, Band) for mark in marks)
    caption = [_lowest(marks, y)]
    if several:
        caption.append("Lines are means while every seed still runs, bands one standard deviation, single runs pale.")
    if smoothed:
        caption.append("Strong lines are smoothed (local lines over a thirtieth); raw values are pale behind.")
    xs, ys = [value for run in runs for value in run.x], [value for run in runs for value in run.y]
    return Picture(key, title, Axis(x, log=wide(xs)), Axis(y, log=wide(ys)), marks, " ".join(filter(None, caption)))


def _lowest(marks: Sequence[Mark], metric: str) -> str:
    """What each strong line comes to: the lowest and the highest end."""
    ends = {mark.name: mark.y[-1] for mark in marks if isinstance(mark, Line) and not mark.faint}
    if len(ends) < 2:
        return ""
    low, high = min(ends, key=lambda name: ends[name]), max(ends, key=lambda name: ends[name])
    return f"{metric} ends lowest for {low}, at {ends[low]:.4g}, and highest for {high}, at {ends[high]:.4g}."


def mean_of(runs: Sequence[Run]) -> Mean:
    """The mean of runs over the x that all of them cover; between two reports of a run, a straight line."""
    if not runs:
        return Mean((), (), (), 0)
    first, last = max(run.x[0] for run in runs), min(run.x[-1] for run in runs)
    places = sorted({x for run in runs for x in run.x if first <= x <= last})
    if not places:
        return Mean((), (), (), len(runs))
    values = np.array([np.interp(places, run.x, run.y) for run in runs])
    sd = values.std(0, ddof=1).tolist() if len(runs) > 1 else ()
    return Mean(places, values.mean(0).tolist(), sd, len(runs))


def smoothed_line(values: Sequence[float]) -> list[float]:
    """At each place the line that fits its neighbours best, near ones most; unlike a running mean it does not lag.

    Source: Cleveland (1979), "Robust locally weighted regression", J. Am. Stat. Assoc. 74; with normal weights, and
    without its second pass.
    """
    y, width = np.asarray(values, float), max(1.0, len(values) * WINDOW / 2)
    made = []
    for place in range(len(y)):
        first, last = max(0, place - int(3 * width)), min(len(y), place + int(3 * width) + 1)
        away = np.arange(first, last) - place
        weight = np.exp(-0.5 * (away / width) ** 2)
        total, centre = weight.sum(), (weight @ away) / weight.sum()
        spread = weight @ (away - centre) ** 2
        mean = (weight @ y[first:last]) / total
        slope = (weight * (away - centre)) @ y[first:last] / spread if spread > 0 else 0.0
        made.append(float(mean - slope * centre))
    return made


def _clean(run: Run) -> Run:
    """Finite values in the order of x; of several reports at one x, the last."""
    known = {x: y for x, y in zip(run.x, run.y, strict=True) if math.isfinite(x) and math.isfinite(y)}
    return Run(run.group, sorted(known), [known[x] for x in sorted(known)])


def _line(name: str, x: Sequence[float], y: Sequence[float], faint: bool = False) -> Line:
    xs, ys = _thinned(x, y)
    return Line(name, xs, ys, faint=faint)


def _thinned(*columns: Sequence[float]) -> list[list[float]]:
    kept, _ = thinned(range(len(columns[0])), MAX_SERIES_POINTS)
    return [[column[place] for place in kept] for column in columns]
