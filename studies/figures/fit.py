"""Figures of a fit study: the score and the memory at each probe, and the limits.

From `show --json` (studies/results/fit.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from studies.figures.picture import Axis, Line, Mark, Picture, Points, Rule
from studies.figures.thinning import wide

MEMORY = {"peak_memory": "MiB", "vram": "MiB", "memory_fraction": "share of the device"}
"""The first that was measured is drawn."""


def pictures(shown: Mapping[str, Any], metric: str) -> list[Picture]:
    """The figures of `show --json`: the score and the memory over the axis; none before a probe has fitted."""
    probes = sorted((each for each in shown["probes"] if each["fits"]), key=lambda each: each["value"])
    memory = next((name for name in MEMORY if any(name in each["metrics"] for each in probes)), None)
    made = (
        [_over_axis(shown, probes, "fit-score", metric, metric)]
        if any(metric in each["metrics"] for each in probes)
        else []
    )
    if memory is not None:
        made.append(_over_axis(shown, probes, "fit-memory", memory, f"{memory}, {MEMORY[memory]}"))
    return made


def _over_axis(
    shown: Mapping[str, Any], probes: Sequence[Mapping[str, Any]], key: str, name: str, title: str
) -> Picture:
    known = [(float(each["value"]), each["metrics"][name]) for each in probes if name in each["metrics"]]
    x, y = [value for value, _ in known], [figure for _, figure in known]
    marks: list[Mark] = [Line(name, x, y, faint=True), Points("probes", x, y)]
    limits = (("largest that fits", shown["largest"]), ("smallest that does not", shown["smallest_failing"]))
    marks += [Rule(f"{text}: {value:,}", float(value), upright=True) for text, value in limits if value is not None]
    failed = sum(not each["fits"] for each in shown["probes"])
    unfit = f" {failed} probes did not fit and have no figure." if failed else ""
    axis = Axis(str(shown["axis"]), log=wide(x))
    caption = f"One trial at each value, run alone: the spread of a figure is not known.{unfit}"
    return Picture(key, f"{name} over {shown['axis']}", axis, Axis(title), marks, caption)
