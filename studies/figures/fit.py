"""Figures of a fit study: the score and the memory at each probe, and the limits.

From `show --json` (studies/results/fit.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from studies.figures.picture import Axis, Line, Mark, Picture, Points, Rule
from studies.figures.scales import wide

MEMORY = {"peak_memory": "MiB", "vram": "MiB", "memory_fraction": "share of the device"}
"""The first that was measured is drawn."""
MIN_PROBES = 3
"""Probes below which a curve is a sentence."""


def pictures(shown: Mapping[str, Any], metric: str) -> list[Picture]:
    """The score and the memory over the axis, each from three probes that fit."""
    probes = sorted((each for each in shown["probes"] if each["fits"]), key=lambda each: each["value"])
    memory = next((name for name in MEMORY if any(name in each["metrics"] for each in probes)), None)
    best = (shown.get("best") or {}).get("value")
    most = "" if best is None else f" {metric} is best at {best:,}."
    made = [_over_axis(shown, probes, "fit-score", metric, metric, most)]
    if memory is not None and memory != metric:
        made.append(_over_axis(shown, probes, "fit-memory", memory, f"{memory}, {MEMORY[memory]}", ""))
    return [each for each in made if each is not None]


def _over_axis(
    shown: Mapping[str, Any], probes: Sequence[Mapping[str, Any]], key: str, name: str, title: str, said: str
) -> Picture | None:
    known = [(float(each["value"]), each["metrics"][name]) for each in probes if name in each["metrics"]]
    if len(known) < MIN_PROBES:
        return None
    x, y = [value for value, _ in known], [figure for _, figure in known]
    marks: list[Mark] = [Line("probes", x, y), Points("probes", x, y)]
    limits = (("largest that fits", shown["largest"]), ("smallest that does not", shown["smallest_failing"]))
    marks += [Rule(f"{text}: {value:,}", float(value), upright=True) for text, value in limits if value is not None]
    reached = "" if shown["largest"] is None else f"Up to {shown['axis']} {shown['largest']:,} it fits."
    failed = sum(not each["fits"] for each in shown["probes"])
    unfit = f" {failed} that did not fit have no point." if failed else ""
    axis = Axis(str(shown["axis"]), log=wide(x))
    caption = f"{reached}{said} One trial at each value, run alone, so the spread of a point is not known.{unfit}"
    return Picture(key, f"{name} over {shown['axis']}", axis, Axis(title), marks, caption)
