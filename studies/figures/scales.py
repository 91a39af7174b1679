"""Scales of axes: when one is logarithmic, which of its places are named, and how far an interval is drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import median

from samplers.searches.plural import counted
from studies.figures.picture import Axis, Band, Line, Mark, Picture, Points, Value

WIDE = 10.0
"""A range by more than this factor is shown on a log scale."""
MAX_TICKS = 7
"""Named places of a log scale: as many as a phone has room for."""
STEPS = ((1, 2, 3, 5), (1, 2, 5), (1, 3), (1,))
"""Leading digits of named places, the more the smaller the range."""
FAR = 4.0
"""Values this many times as far from the best as the median is are not shown: they would squeeze the others."""
VERY_FAR = 25.0
"""The same where a figure is about what makes a score bad."""
MARGIN = 0.06
"""Beyond the limits of an axis, as a share of the range."""
BAND_FACTOR = 3.0
"""A band is drawn up to this factor, or this share of the range, beyond the points."""


def wide(values: Sequence[float]) -> bool:
    """Whether a log scale shows more: all above zero, and over a factor of ten."""
    finite = [value for value in values if math.isfinite(value)]
    return bool(finite) and min(finite) > 0 and max(finite) > WIDE * min(finite)


def log_filled(values: Sequence[float]) -> bool:
    """Whether many values fill a log scale better than a linear one: their median is nearer to its middle."""
    if not wide(values):
        return False
    known = [value for value in values if math.isfinite(value)]
    least, middle, most = min(known), median(known), max(known)
    linear = (middle - least) / (most - least)
    return abs(math.log(middle / least) / math.log(most / least) - 0.5) < abs(linear - 0.5)


def log_spaced(values: Sequence[float]) -> bool:
    """Whether the values of an axis were chosen by factors: they are above zero and far apart, or their ratios differ
    less than their distances."""
    known = sorted(set(values))
    if len(known) < 2 or known[0] <= 0:
        return False
    if len(known) == 2:
        return wide(known)
    distances = [high - low for low, high in pairwise(known)]
    ratios = [math.log(high / low) for low, high in pairwise(known)]
    return max(ratios) / min(ratios) < max(distances) / min(distances)


def axis_of(title: str, values: Sequence[float]) -> Axis:
    """An axis whose own few values are named."""
    known = sorted({value for value in values if math.isfinite(value)})
    return Axis(title, log=log_spaced(known), ticks=named_places(known))


def whole_axis(title: str, values: Sequence[float], log: bool = False) -> Axis:
    """An axis of many values; where they are few whole numbers, these are named: 1, 2, 3, not 1.5."""
    known = sorted({value for value in values if math.isfinite(value)})
    return Axis(title, log=log, ticks=named_places(known) if all(value == int(value) for value in known) else ())


def named_places(values: Sequence[float]) -> list[Value]:
    """Evenly spaced ones of these, both ends among them; none of many: an axis then names round numbers."""
    if len(values) > 2 * MAX_TICKS:
        return []
    step = math.ceil((len(values) - 1) / (MAX_TICKS - 1)) if len(values) > MAX_TICKS else 1
    return list(values[::step])


def near_best(values: Sequence[float], smaller: bool, times: float = FAR) -> tuple[float, float] | None:
    """The best value, and the worst one that does not squeeze the others into a corner; None if all are near enough.
    A few runs that diverged would else leave a figure of two clouds."""
    finite = [value for value in values if math.isfinite(value)]
    if len(finite) < 3:
        return None
    best = min(finite) if smaller else max(finite)
    far = times * abs(median(finite) - best)
    near = [value for value in finite if abs(value - best) <= far]
    if not far or len(near) == len(finite):
        return None
    return best, max(near, key=lambda value: abs(value - best))


def value_axis(title: str, values: Sequence[float], smaller: bool, kept: Sequence[float] = ()) -> tuple[Axis, str]:
    """The axis of scores, and a sentence on those beyond its end; empty if all are shown. `kept` are always shown."""
    if wide(values):
        return Axis(title, log=True), ""
    found = near_best(values, smaller)
    if found is None:
        return Axis(title), ""
    shown = [*found, *(value for value in kept if math.isfinite(value))]
    low, high = min(shown), max(shown)
    margin = MARGIN * (high - low)
    beyond = sum(not low <= value <= high for value in values if math.isfinite(value))
    if not beyond:
        return Axis(title), ""
    side = "above" if smaller else "below"
    far, verb = number_text(high if smaller else low), "is" if beyond == 1 else "are"
    return Axis(
        title, limits=(low - margin, high + margin)
    ), f" {counted(beyond, 'setting')} {side} {far} {verb} not shown."


def within(value: float, axis: Axis) -> float:
    """The value, or a gap where the axis does not reach it: a line would plunge out of the figure."""
    return value if axis.limits is None or axis.limits[0] <= value <= axis.limits[1] else math.nan


def at_edge(title: str, values: Sequence[float], smaller: bool) -> tuple[Axis, str]:
    """The same where bad values are an answer too, as against an axis: only those that would squeeze all others lie
    beyond the end, and they are drawn there."""
    if wide(values):
        return Axis(title, log=True), ""
    found = near_best(values, smaller, VERY_FAR)
    if found is None:
        return Axis(title), ""
    low, high = min(found), max(found)
    margin = MARGIN * (high - low)
    beyond = sum(not low <= value <= high for value in values if math.isfinite(value))
    side, end = ("above", high) if smaller else ("below", low)
    drawn = f" {beyond} {side} {number_text(end)} {'are' if beyond > 1 else 'is'} drawn at the edge."
    return Axis(title, limits=(low - margin, high + margin)), drawn


def log_ticks(low: float, high: float) -> list[float]:
    """Round numbers from `low` to `high`, at most `MAX_TICKS`; powers of ten where the range is large."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for digits in STEPS:
        found = [
            digit * 10.0**power
            for power in range(first, last + 1)
            for digit in digits
            if low * (1 - 1e-9) <= digit * 10.0**power <= high * (1 + 1e-9)
        ]
        if len(found) <= MAX_TICKS:
            return found
    return found[:: math.ceil(len(found) / MAX_TICKS)]


def number_text(value: Value) -> str:
    """A number as people write it on an axis: 1.5M, 0.02, 3e-5."""
    if isinstance(value, str):
        return value
    size = abs(value)
    if value == int(value) and 1000 <= size < 10_000 and value % 100:
        return f"{value:,.0f}"
    for least, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if size >= least and size < 1e15:
            return f"{value / least:.4g}{unit}"
    text = f"{value:.4g}" if size >= 1e-3 or not size else f"{value:.3e}"
    digits, power, exponent = text.partition("e")
    return f"{digits.rstrip('0').rstrip('.')}e{int(exponent)}" if power else text


def cut_to_points(picture: Picture) -> Picture:
    """Bands and intervals that would leave a log axis, or squeeze the points, end a little beyond the points."""
    values = [
        value
        for mark in picture.marks
        if isinstance(mark, Line | Points)
        for value in mark.y
        if math.isfinite(value) and (value > 0 or not picture.y.log)
    ]
    if not values:
        return picture
    least, most = min(values), max(values)
    if picture.y.log:
        low, high = least / BAND_FACTOR, most * BAND_FACTOR
    else:
        margin = BAND_FACTOR * ((most - least) or abs(most) or 1.0)
        low, high = least - margin, most + margin
    return replace(picture, marks=[_cut(mark, low, high, picture.y.log) for mark in picture.marks])


def _cut(mark: Mark, low: float, high: float, log: bool) -> Mark:
    if isinstance(mark, Band):
        ends = ([_within(each, low, high) for each in curve] for curve in (mark.low, mark.high))
        return replace(mark, low=next(ends), high=next(ends))
    if isinstance(mark, Points) and log and len(mark.reach):
        below = [_below(y, reach, low) for y, reach in zip(mark.y, mark.below or mark.reach, strict=True)]
        return replace(mark, below=below)
    return mark


def _below(y: float, reach: float, low: float) -> float:
    return reach if math.isnan(reach) else max(0.0, min(reach, y - low))


def _within(value: float, low: float, high: float) -> float:
    return value if math.isnan(value) else min(max(value, low), high)
