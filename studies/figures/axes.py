"""The score of a grid against one axis: a line for each value of another axis, each point the best over the rest.

Rows are those of `show --json`, the best first, so the first row with some values is the best of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from studies.figures.labels import labels, shortened, slug
from studies.figures.picture import Axis, Line, Mark, Picture, Points
from studies.figures.scales import axis_of, value_axis
from studies.figures.settings import Row, draws_intervals
from studies.figures.thinning import thinned

MAX_LINES = 6
"""Values of the other axis."""
MAX_AXIS_POINTS = 600
"""Values of the axis."""

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
    marks: list[Mark] = []
    for value in kept:
        own = [(each, best[each, value]["mean"]) for each in order if (each, value) in best]
        group = shortened(f"{beside} {value}")
        if numeric:
            marks.append(Line(group, [float(values[each]) for each, _ in own], [mean for _, mean in own]))
        else:
            marks.append(Points(group, [shown[each] for each, _ in own], [mean for _, mean in own]))
    means = [mean for mark in marks if isinstance(mark, Line | Points) for mean in mark.y]
    x = axis_of(name, [float(each) for each in values.values()]) if numeric else Axis(name, ticks=[*shown.values()])
    how = f" Each point is the best over {', '.join(rest)}." if rest else " Each point is a mean over seeds."
    y, far = value_axis(metric, means, smaller=rows[0]["mean"] <= rows[-1]["mean"])
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
    if len(set(winners.values())) == 1:
        said = f"Every {beside} is best at {name} {shortened(whole)}."
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
    ends = [None if row["interval"] is None else (row["interval"][0], row["interval"][1]) for row in known]
    intervals = draws_intervals([Row("", "", mean, end, own) for mean, end, own in zip(y, ends, seeds, strict=True)])
    marks: list[Mark] = []
    how = ""
    if intervals:
        above = [end[1] - mean if end else math.nan for end, mean in zip(ends, y, strict=True)]
        below = [mean - end[0] if end else math.nan for end, mean in zip(ends, y, strict=True)]
        without = sum(end is None for end in ends)
        how = " Bars are 95 % intervals over the seeds." + (f" {without} settings have none." if without else "")
    else:
        above, below = [], []
        dots = [(place, seed) for place, own in zip(x, seeds, strict=True) if len(own) > 1 for seed in own]
        if dots:
            marks.append(Points("single seeds", [place for place, _ in dots], [seed for _, seed in dots], faint=True))
            how = " Pale dots are single seeds."
        else:
            how = " One seed each: the spread of a score is not known."
    marks += [Line(metric, x, y), Points(metric, x, y, above, below)]
    best = rows[0]["setting"][name]
    said = f"The best {name} is {text_of(best)}."
    if len(x) > 2 and float(best) in (x[0], x[-1]):
        said += " It is the end of the axis: values beyond it may be better."
    y_axis, far = value_axis(metric, y, smaller=rows[0]["mean"] <= rows[-1]["mean"])
    return Picture(
        "grid-settings", f"{metric} against {name}", axis_of(name, x), y_axis, marks, f"{said}{how}{far}{cut}{gone}"
    )


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
