"""Figure of a grid of difficulties: a heat map with a line where the target is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studies.figures.axes import varied
from studies.figures.heat import heat_map
from studies.figures.picture import Picture


def pictures(shown: Mapping[str, Any], target: float) -> list[Picture]:
    """The figure of `show --json` of a grid whose trials return a difficulty; none unless two axes vary."""
    rows = [row for row in shown["results"] if "difficulty" in row]
    axes = varied(rows)
    if len(axes) != 2:
        return []
    nearest = sum(row["mark"] == "nearest" for row in rows)
    hopeless = sum(row["mark"] == "hopeless" for row in rows)
    caption = (
        f"The line is the target, {target:g}. Nearest to it: {nearest} of {len(rows)} settings; hopeless: {hopeless}."
    )
    figures = [row["difficulty"] for row in rows]
    title = f"Difficulty over {axes[0]} and {axes[1]}"
    pair = (axes[0], axes[1])
    return [heat_map("difficulty", title, rows, pair, figures, "difficulty", caption, smaller=False, contour=target)]
