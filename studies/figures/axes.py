"""The score of a grid against one axis: a line for each value of another axis, each point the best over the rest.

Rows are those of `show --json`, the best first, so the first row with some values is the best of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from studies.figures.labels import labels, shortened, slug
from studies.figures.picture import Axis, Line, Mark, Picture, Points, Value
from studies.figures.scales import axis_of, value_axis, within
from studies.figures.settings import Row, draws_intervals
from studies.figures.thinning import thinned

MAX_LINES = 6
"""Values of the other axis."""
MAX_AXIS_POINTS = 600
"""Values of the axis."""
MAX_INTERVAL_SHARE = 0.25
"""Of the spread of the means: longer intervals of several lines would cover each other."""

Rows = Sequence[Mapping[str, Any]]


def varied(rows: Rows) -> list[str]:
    """Names of the axes that have more than one value, in the order of the grid."""
    names = dict.fromkeys(name for row in rows for name in row["setting"])
    return [name for name in names if len({text_of(row["setting"].get(name)) for row in rows}) > 1]


def by_effect(rows: Rows, axes: Sequence[str]) -> list[str]:
    """Axes by how much the best score depends on their value, most first."""

    def effect(name: str) -> float:
        best = [row["mean"] for row in first_of(rows, (name,)).values() if math.isfinite(row["mean"])]
        return max(best) - min(best) if best else 0.0

    return sorted(axes, key=lambda name: -effect(name))


def first_of(rows: Rows, names: Sequence[str]) -> dict[tuple[str, ...], Mapping[str, Any]]:
    """The best row for each combination of these axes' values."""
    found: dict[tuple[str, ...], Mapping[str, Any]] = {}
    for row in rows:
        found.setdefault(tuple(text_of(row["setting"].get(name)) for name in names), row)
    return found


def axis_picture(rows: Rows, axes: Sequence[str], name: str, metric: str) -> Picture:
    """The score against one axis; `axes` are all that vary, the one that matters most first."""
    others = [each for each in axes if each != name]
    counts = {each: len({text_of(row["setting"].get(each)) for row in rows}) for each in others}
    beside = next((each for each in others if counts[each] <= MAX_LINES), others[0])
    rest = [each for each in others if each != beside]
    kept = values_of(rows, beside)
    kept, cut = thinned(kept, MAX_LINES)
    best = first_of(rows, (name, beside))
    values = {text_of(row["setting"].get(name)): row["setting"].get(name) for row in rows}
    numeric = all(map(is_number, values.values()))
    order = values_of(rows, name)
    shown = dict(zip(order, labels(order), strict=True))
    drawn = {value: [(each, best[each, value]) for each in order if (each, value) in best] for value in kept}
    means = [row["mean"] for own in drawn.values() for _, row in own]
    y, far = value_axis(metric, means, smaller=rows[0]["mean"] <= rows[-1]["mean"])
    intervals = _are_short([row for own in drawn.values() for _, row in own])
    marks: list[Mark] = []
    for value, own in drawn.items():
        group = shortened(f"{beside} {value}")
        at: list[Value] = [float(values[each]) if numeric else shown[each] for each, _ in own]
        heights = [within(row["mean"], y) for _, row in own]
        reach = _reach([row for _, row in own]) if intervals else ((), ())
        marks += [Line(group, at, heights)] if numeric else []
        marks += [Points(group, at, heights, *reach)] if intervals or not numeric else []
    x = axis_of(name, [float(each) for each in values.values()]) if numeric else Axis(name, ticks=[*shown.values()])
    how = f" Each point is the best over {', '.join(rest)}." if rest else " Each point is a mean over seeds."
    if any(row["interval"] for own in drawn.values() for _, row in own):
        how += (
            " Bars are 95 % intervals."
            if intervals
            else " The 95 % intervals are too long to be drawn here: see above."
        )
    caption = f"{_where_best(best, name, beside, kept, order if numeric else ())}{how}{far}{cut}"
    title = f"{metric} against {name}, for each {beside}"
    return Picture(f"grid-axis-{slug(name)}", title, x, y, marks, caption, lies=not numeric)


def _where_best(
    best: Mapping[tuple[str, ...], Mapping[str, Any]], name: str, beside: str, kept: Sequence[str], order: Sequence[str]
) -> str:
    """Whether the best value depends on the other axis, and whether it is the last of the axis. `order`: the values of
    an axis of numbers, from low to high."""
    winners: dict[str, str] = {}
    for (value, other), _ in best.items():  # in the order of the means
        winners.setdefault(other, value)
    winners = {other: winners[other] for other in kept}
    whole = next(iter(best))[0]
    apart = {other for other in winners if not best.get((whole, other), {}).get("best_tie")}
    if len(set(winners.values())) == 1:
        said = f"Every {beside} is best at {name} {shortened(whole)}."
    elif all(winners[other] == whole for other in apart):
        said = f"The best {name} is {shortened(whole)}; where another is ahead, the seeds do not set the two apart."
    else:
        (first, one), (last, other) = [[*winners.items()][place] for place in (0, -1)]
        said = f"The best {name} is {shortened(one)} at {beside} {shortened(first)}"
        said += f", and {shortened(other)} at {beside} {shortened(last)}." if one != other else ", but not everywhere."
    if len(order) > 2 and whole in (order[0], order[-1]):
        said += f" {whole} is the end of the axis: values beyond it may be better."
    return said


def only_axis(rows: Rows, name: str, metric: str, gone: str) -> Picture:
    """The score against the only axis, which has numbers: a line with intervals, or with the seeds as dots."""
    known = sorted(rows, key=lambda row: float(row["setting"][name]))
    known, cut = thinned(known, MAX_AXIS_POINTS)
    x, y = [float(row["setting"][name]) for row in known], [row["mean"] for row in known]
    seeds = [[*row.get("scores", {}).values()] for row in known]
    intervals = draws_intervals([_row(row) for row in known])
    y_axis, far = value_axis(metric, y, smaller=rows[0]["mean"] <= rows[-1]["mean"])
    heights = [within(mean, y_axis) for mean in y]
    marks: list[Mark] = []
    how = ""
    if intervals:
        above, below = _reach(known)
        without = sum(row["interval"] is None for row in known)
        how = " Bars are 95 % intervals over the seeds." + (f" {without} settings have none." if without else "")
    else:
        above, below = [], []
        dots = [(place, seed) for place, own in zip(x, seeds, strict=True) if len(own) > 1 for seed in own]
        if dots:
            marks.append(Points("single seeds", [place for place, _ in dots], [seed for _, seed in dots], faint=True))
            how = " Pale dots are single seeds."
        else:
            how = " One seed each: the spread of a score is not known."
    marks += [Line(metric, x, heights), Points(metric, x, heights, above, below)]
    best = rows[0]["setting"][name]
    said = f"The best {name} is {text_of(best)}."
    if len(x) > 2 and float(best) in (x[0], x[-1]):
        said += " It is the end of the axis: values beyond it may be better."
    return Picture(
        "grid-settings", f"{metric} against {name}", axis_of(name, x), y_axis, marks, f"{said}{how}{far}{cut}{gone}"
    )


def _row(row: Mapping[str, Any]) -> Row:
    ends = None if row["interval"] is None else (row["interval"][0], row["interval"][1])
    return Row("", "", row["mean"], ends, [*row.get("scores", {}).values()])


def _are_short(rows: Rows) -> bool:
    """Whether intervals at one place of an axis, a line each, stay apart enough to be read."""
    ends = [row["interval"] for row in rows if row["interval"]]
    means = [row["mean"] for row in rows]
    return bool(ends) and max(high - low for low, high in ends) <= MAX_INTERVAL_SHARE * (max(means) - min(means))


def _reach(rows: Rows) -> tuple[list[float], list[float]]:
    """The parts of each interval above and below its mean; NaN where there is none."""
    known = [(row["mean"], row["interval"] or (math.nan, math.nan)) for row in rows]
    return [ends[1] - mean for mean, ends in known], [mean - ends[0] for mean, ends in known]


def values_of(rows: Rows, name: str) -> list[str]:
    """An axis' values as texts, numbers in their order."""
    values = {text_of(row["setting"].get(name)): row["setting"].get(name) for row in rows}
    if all(map(is_number, values.values())):
        return sorted(values, key=lambda text: float(values[text]))
    return list(values)


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def text_of(value: object) -> str:
    if isinstance(value, float):
        return min(str(value), f"{value:.6g}", key=len)
    return "–" if value is None else str(value)
