"""What a grid looks like: its best settings, the score against each axis, and two axes as a heat map.

From the results of `show --json` (studies/results/grid.py), the best setting first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from studies.figures.axes import axis_picture, by_effect, is_number, only_axis, text_of, varied
from studies.figures.heat import heat_map
from studies.figures.labels import labels, shortened
from studies.figures.parallel import parallel
from studies.figures.picture import Picture
from studies.figures.settings import MAX_ROWS, Row, settings_picture
from studies.history.purpose import setting_name

MAX_AXES = 3
"""Axes with a figure of their own, those that matter most; the others stand behind them."""
MAX_LABEL = 24
"""Characters of a value in the name of a row."""

MAX_NAMED = 120
"""Characters of a setting in a caption."""

Rows = Sequence[Mapping[str, Any]]


def pictures(shown: Mapping[str, Any], metric: str) -> list[Picture]:
    """The figures of `show --json`: of the settings that are ranked, or, while none is, of those with a score."""
    rows, gone = _rows(shown)
    axes = by_effect(rows, varied(rows))
    if not axes:
        return []
    if len(axes) == 1 and all(is_number(row["setting"].get(axes[0])) for row in rows):
        return [only_axis(rows, axes[0], metric, gone)]
    made = [_best_settings(rows, varied(rows), metric, gone)]
    if len(axes) == 1:
        return made
    return [*made, *(axis_picture(rows, axes, name, metric) for name in axes[:MAX_AXES]), _heat(rows, axes, metric)]


def further(shown: Mapping[str, Any], metric: str) -> list[Picture]:
    """What a reader may want after these: the other axes, and all of them at once."""
    rows, _ = _rows(shown)
    axes = by_effect(rows, varied(rows))
    others = [axis_picture(rows, axes, name, metric) for name in axes[MAX_AXES:]]
    return [*others, parallel(rows, varied(rows), metric, _smaller(rows), "grid-parallel")] if len(axes) > 2 else []


def _rows(shown: Mapping[str, Any]) -> tuple[Rows, str]:
    """The settings that are drawn, and a sentence on those that are not."""
    rows = [row for row in shown["results"] if row.get("ranked", True)] or shown["results"]
    counts = {
        "without a score, since their trials failed": len(shown["failed"]),
        "without all their seeds": len(shown["results"]) - len(rows),
        "that were pruned": len(shown.get("pruned", ())),
    }
    left_out = [f"{count} {why}" for why, count in counts.items() if count]
    return rows, f" Not shown: {', '.join(left_out)}." if left_out else ""


def _best_settings(rows: Rows, axes: Sequence[str], metric: str, gone: str) -> Picture:
    kept = rows[:MAX_ROWS]
    columns = [labels([text_of(row["setting"].get(name)) for row in kept], MAX_LABEL) for name in axes]
    drawn = [
        Row(
            ", ".join(names),
            _group(row, row is rows[0]),
            row["mean"],
            None if row["interval"] is None else (row["interval"][0], row["interval"][1]),
            [*row.get("scores", {}).values()],
        )
        for row, names in zip(kept, zip(*columns, strict=True), strict=True)
    ]
    cut = f" The best {len(kept)} of {len(rows):,} are shown." if len(kept) < len(rows) else ""
    caption = f"{_verdict(rows)}{cut}{gone}"
    title = f"{metric} of the best settings"
    return settings_picture("grid-settings", title, drawn, (", ".join(axes), metric), caption)


def _group(row: Mapping[str, Any], is_first: bool) -> str:
    return "best" if is_first else "may be as good" if row["best_tie"] else "others"


def _verdict(rows: Rows) -> str:
    """What the seeds say of the best setting."""
    best = f"The best is {shortened(setting_name(rows[0]['setting']), MAX_NAMED)}"
    tied = sum(row["best_tie"] for row in rows)
    if tied:
        return f"{best}; the seeds do not set {_others(tied - 1)} apart from it."
    if any(row.get("p_best") is not None for row in rows):
        return f"{best}; the seeds set it apart from all others."
    if all(row["n"] == 1 for row in rows):
        return f"{best}; with one seed each, the spread of a score is not known."
    return f"{best}."


def _others(count: int) -> str:
    return "1 other" if count == 1 else f"{count} others"


def _heat(rows: Rows, axes: Sequence[str], metric: str) -> Picture:
    """Of the two axes that matter most, in their order in the grid."""
    across, up = sorted(axes[:2], key=varied(rows).index)
    rest = [name for name in axes if name not in (across, up)]
    best = rows[0]["setting"]
    caption = f"The brightest cell is the best: {across} {text_of(best.get(across))}, {up} {text_of(best.get(up))}."
    caption += f" Each cell is the best over {', '.join(rest)}." if rest else " A cell is the mean over its seeds."
    means = [row["mean"] for row in rows]
    title = f"{metric} over {across} and {up}"
    return heat_map("grid-heat", title, rows, (across, up), means, metric, caption, _smaller(rows))


def _smaller(rows: Rows) -> bool:
    """Whether small scores are the good ones: the first row is the best."""
    return bool(rows[0]["mean"] <= rows[-1]["mean"])
