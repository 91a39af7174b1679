"""Labels beside points, as many as there is room for: none covers another or the line through the points, none is cut
at the edge."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

Side = Literal["top left", "top right", "bottom left", "bottom right"]
"""Where a label stands, seen from its point."""
CHARACTER_WIDTH, LINE_HEIGHT = 0.009, 0.08
"""Of a label, as a share of a figure of common size."""


def spaced(x: Sequence[float], y: Sequence[float], texts: Sequence[str], log: bool = False) -> list[str]:
    """The texts, some of them empty: the last point keeps its label, then the first, then others from the end."""
    across, up = _shares(x, log), _shares(y, False)
    where = sides(x, y, texts, log)
    boxes = [_box(*each) for each in zip(across, up, texts, where, strict=True)]
    known = [place for place in range(len(x)) if math.isfinite(across[place] + up[place])]
    kept: list[int] = []
    for place in dict.fromkeys((*known[-1:], *known[:1], *reversed(known))):
        left, right, height = boxes[place]
        others = (boxes[other] for other in kept)
        if all(left > end or begin > right or abs(height - level) > LINE_HEIGHT for begin, end, level in others):
            kept.append(place)
    return [text if place in kept else "" for place, text in enumerate(texts)]


def sides(x: Sequence[float], y: Sequence[float], texts: Sequence[str], log: bool = False) -> list[Side]:
    """Above a line that rises or falls, on the side that it leaves free; where the edge is near, below it."""
    finite = [value for value in y if math.isfinite(value)]
    rises = not finite or finite[-1] >= finite[0]
    found: list[Side] = []
    for across, text in zip(_shares(x, log), texts, strict=True):
        if rises:
            found.append("top left" if across >= _width(text) else "bottom right")
        else:
            found.append("top right" if 1 - across >= _width(text) else "bottom left")
    return found


def _width(text: str) -> float:
    return CHARACTER_WIDTH * (len(text) + 1)


def _box(across: float, up: float, text: str, side: Side) -> tuple[float, float, float]:
    """Both ends on the x axis, and the height of its middle."""
    left = across - _width(text) if side.endswith("left") else across
    return left, left + _width(text), up + LINE_HEIGHT / 2 * (1 if side.startswith("top") else -1)


def _shares(values: Sequence[float], log: bool) -> list[float]:
    """From 0 at the least to 1 at the largest; NaN where a value has no place."""
    places = [math.log(value) if log and value > 0 else math.nan if log else value for value in values]
    finite = [place for place in places if math.isfinite(place)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    return [(place - low) / ((high - low) or 1.0) if math.isfinite(place) else math.nan for place in places]
