"""Figures of a tune study: its history, the axes that matter most against the score, all axes side by side; of several
scores, their front.

From the results of `show --json` (studies/results/tune.py).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from statistics import fmean
from typing import Any

from samplers.searches.tune.front import hypervolume_over_time, losses, reference_point
from storage.records import Score
from studies.figures.axes import is_number, text_of, varied
from studies.figures.labels import labels, slug
from studies.figures.parallel import parallel
from studies.figures.picture import Axis, Line, Mark, Picture, Points
from studies.figures.scales import at_edge, log_filled, number_text, value_axis, whole_axis
from studies.figures.thinning import thinned
from studies.history.purpose import setting_name

MAX_SLICES = 3
"""Axes with a figure of their own, those that matter most; the others stand behind them."""
MIN_SETTINGS = 8
"""Settings below which an axis against the score is a handful of points."""
MAX_SETTING_POINTS = 2_000
PARTS = 5
"""Ranges of an axis that are compared to see whether it matters."""
BEST_SHARE = 0.1
"""Settings that are marked as the best ones."""

Rows = Sequence[Mapping[str, Any]]


def pictures(shown: Mapping[str, Any], scores: Sequence[Score]) -> list[Picture]:
    """The figures of `show --json`; none before two settings have a score."""
    rows = _rows(shown)
    if len(rows) < 2:
        return []
    axes, smaller = varied(rows), scores[0].direction == "minimize"
    slices = [_slice(rows, name, scores[0]) for name in _by_effect(rows, axes)[:MAX_SLICES]]
    beside = [parallel(rows, axes, scores[0].metric, smaller, "tune-parallel")] if len(axes) >= 2 else []
    if len(scores) > 1:
        return [*_of_several(shown, rows, scores), *beside]
    return [_history(rows, scores[0]), *(slices if len(rows) >= MIN_SETTINGS else []), *beside]


def further(shown: Mapping[str, Any], scores: Sequence[Score]) -> list[Picture]:
    """What a reader may want after these: the other axes against the first score; how a front grew."""
    rows = _rows(shown)
    volume = _volume(rows, scores) if len(scores) > 1 and len(rows) > 1 else []
    if len(rows) < MIN_SETTINGS:
        return volume
    axes = _by_effect(rows, varied(rows))
    return volume + [_slice(rows, name, scores[0]) for name in axes[MAX_SLICES if len(scores) == 1 else 0 :]]


def _rows(shown: Mapping[str, Any]) -> Rows:
    """Settings with a score, in the order of their choice."""
    return sorted((row for row in shown["results"] if row["mean"] is not None), key=lambda row: int(row["number"]))


def _history(rows: Rows, score: Score) -> Picture:
    better = max if score.direction == "maximize" else min
    kept = [row for row in rows if _met(row) and _whole(row)]
    numbers, means = [float(row["number"]) for row in kept], [row["mean"] for row in kept]
    best = [*accumulate(means, better)]
    drawn, cut = thinned(kept, MAX_SETTING_POINTS)
    settings = Points(
        "settings",
        [float(row["number"]) for row in drawn],
        [row["mean"] for row in drawn],
        faint=True,
        hover=[setting_name(row["setting"]) for row in drawn],
    )
    caption = ""
    if kept:
        first = best.index(best[-1])
        since = len(kept) - first - 1
        caption = f"The best so far came as setting {kept[first]['number']}; "
        caption += f"the {since} after it did not improve on it." if since else "it is the latest one."
        caption += " A dot is a setting's mean over its seeds, in the order of choice."
    title = f"{score.metric} of each setting, and the best so far"
    y, far = value_axis(score.metric, means, score.direction == "minimize")
    marks: list[Mark] = [settings, Line("best so far", numbers, best)]
    lacking = sum(_met(row) and not _whole(row) for row in rows)
    caption += f"{far}{cut}{_missing(len(rows) - len(kept) - lacking)}"
    caption += f" Not shown: {lacking} of which a seed was pruned or failed." if lacking else ""
    return Picture("tune-history", title, whole_axis("setting", numbers), y, marks, caption)


def _of_several(shown: Mapping[str, Any], rows: Rows, scores: Sequence[Score]) -> list[Picture]:
    """The front of the first two scores."""
    kept = _with_all_scores(rows)
    if not kept:
        return []
    directions = [each.direction for each in scores]
    values = [[row["by_score"][each.metric]["mean"] for each in scores] for row in kept]
    ahead = {*shown["front"]}
    both = list(zip(kept, values, strict=True))
    behind, cut = thinned([each for each in both if each[0]["number"] not in ahead], MAX_SETTING_POINTS)
    best = sorted((each for each in both if each[0]["number"] in ahead), key=lambda each: each[1])
    marks: list[Mark] = [
        _settings("settings", behind, faint=True),
        Line("front", [each[0] for _, each in best], [each[1] for _, each in best], dashed=True),
        _settings("front", best),
    ]
    x, y = scores[0].metric, scores[1].metric
    caption = (
        f"{len(best)} of {len(kept)} settings are on the front: no other is as good in each score and better in one."
    )
    caption += f" Of {len(scores)} scores the first two are drawn." if len(scores) > 2 else ""
    smaller = [each == "minimize" for each in directions]
    across, far = value_axis(x, [each[0] for each in values], smaller[0], [each[0] for _, each in best])
    up, far_up = value_axis(y, [each[1] for each in values], smaller[1], [each[1] for _, each in best])
    front = Picture(
        "tune-front",
        f"{y} against {x}: the front",
        across,
        up,
        marks,
        f"{caption}{far}{far_up}{cut}{_missing(len(rows) - len(kept))}",
    )
    return [front]


def _volume(rows: Rows, scores: Sequence[Score]) -> list[Picture]:
    """What the front of several scores encloses, over time; nothing without a setting that has them all."""
    kept = _with_all_scores(rows)
    if not kept:
        return []
    directions = [each.direction for each in scores]
    points = [losses([row["by_score"][each.metric]["mean"] for each in scores], directions) for row in kept]
    volumes = hypervolume_over_time(points, reference_point(points))
    over = Line("volume", [float(row["number"]) for row in kept], volumes)
    why = "It rises while the search still improves the front. Volume: what the front dominates, down to a tenth beyond"
    why += " the worst of each score; its unit is the product of theirs."
    return [Picture("tune-volume", "Volume of the front", Axis("setting"), Axis("volume"), [over], why)]


def _with_all_scores(rows: Rows) -> list[Mapping[str, Any]]:
    """Settings that meet the constraints and have every score."""
    return [row for row in rows if _met(row) and all(each["mean"] is not None for each in row["by_score"].values())]


def _settings(name: str, rows: Sequence[tuple[Mapping[str, Any], Sequence[float]]], faint: bool = False) -> Points:
    names = [f"setting {row['number']}: {setting_name(row['setting'])}" for row, _ in rows]
    return Points(name, [each[0] for _, each in rows], [each[1] for _, each in rows], faint=faint, hover=names)


def _by_effect(rows: Rows, axes: Sequence[str]) -> list[str]:
    """Axes by how much the rank of the score depends on them, most first."""
    kept = sorted((row for row in rows if _met(row)), key=lambda row: float(row["mean"]))
    ranks = {id(row): place / max(1, len(kept) - 1) for place, row in enumerate(kept)}

    def effect(name: str) -> float:
        """The spread of the mean rank between ranges of the axis: 0 of one that does not matter."""
        known = [row for row in kept if name in row["setting"]]
        groups: dict[str, list[float]] = {}
        if all(is_number(row["setting"][name]) for row in known):
            known.sort(key=lambda row: float(row["setting"][name]))
            for place, row in enumerate(known):
                groups.setdefault(str(place * PARTS // len(known)), []).append(ranks[id(row)])
        else:
            for row in known:
                groups.setdefault(text_of(row["setting"][name]), []).append(ranks[id(row)])
        return sum(len(each) * (fmean(each) - 0.5) ** 2 for each in groups.values()) / max(1, len(known))

    return sorted(axes, key=lambda name: -effect(name))


def _slice(rows: Rows, name: str, score: Score) -> Picture:
    known = [row for row in rows if name in row["setting"] and _met(row)]
    known.sort(key=lambda row: float(row["mean"]), reverse=score.direction == "maximize")
    best = known[: max(3, round(BEST_SHARE * len(known)))]
    others, cut = thinned(known[len(best) :], MAX_SETTING_POINTS)
    numeric = all(is_number(row["setting"][name]) for row in known)
    names = labels([text_of(row["setting"][name]) for row in known])
    shown = dict(zip([text_of(row["setting"][name]) for row in known], names, strict=True))

    def points(mark: str, those: Rows, faint: bool) -> Points:
        x = [float(row["setting"][name]) if numeric else shown[text_of(row["setting"][name])] for row in those]
        return Points(
            mark, x, [row["mean"] for row in those], faint=faint, hover=[setting_name(row["setting"]) for row in those]
        )

    values = [float(row["setting"][name]) for row in known] if numeric else []
    axis = whole_axis(name, values, log_filled(values)) if numeric else Axis(name, ticks=[*dict.fromkeys(names)])
    picked = f"the best {len(best)}"
    y, far = at_edge(score.metric, [row["mean"] for row in known], score.direction == "minimize")
    caption = f"A dot is a setting, whatever its other axes are; {_where(best, name, numeric, picked)}{far}{cut}"
    marks = [points("others", others, True), points(picked, best, False)]
    if y.limits is not None:
        marks = [_at_edge(mark, y.limits) for mark in marks]
    key, title = f"tune-slice-{slug(name)}", f"{score.metric} against {name}"
    return Picture(key, title, axis, y, marks, caption, lies=not numeric)


def _at_edge(mark: Points, limits: tuple[float, float]) -> Points:
    """Points beyond the limits on them, with their true value under the pointer."""
    y = [min(max(value, limits[0]), limits[1]) for value in mark.y]
    beyond = [f" ({number_text(value)})" * (value != shown) for value, shown in zip(mark.y, y, strict=True)]
    return replace(mark, y=y, hover=[text + more for text, more in zip(mark.hover, beyond, strict=True)])


def _where(best: Rows, name: str, numeric: bool, picked: str) -> str:
    """The part of an axis that the best settings lie in."""
    values = [row["setting"][name] for row in best]
    if numeric:
        least, most = f"{min(values):.4g}", f"{max(values):.4g}"
        return f"{picked} have {most}." if least == most else f"{picked} lie between {least} and {most}."
    counts = {text: sum(text_of(value) == text for value in values) for text in dict.fromkeys(map(text_of, values))}
    most = max(counts, key=lambda text: counts[text])
    return f"{counts[most]} of {picked} have {most}."


def _met(row: Mapping[str, Any]) -> bool:
    return all(not excess > 0 for excess in row["constraints"].values() if not math.isnan(excess))


def _whole(row: Mapping[str, Any]) -> bool:
    """Whether no seed of the setting failed or was pruned: only then it is ranked."""
    return not row["failed"] and not row["pruned"]


def _missing(count: int) -> str:
    return f" Not shown: {count} that miss a constraint." if count else ""
