"""How much of a large study a figure shows, and whether a scale has to be logarithmic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def thinned(items: Sequence[T], most: int) -> tuple[list[T], str]:
    """At most `most` of them, evenly spaced with both ends; and a sentence that says so, empty if all are there."""
    if len(items) <= most:
        return list(items), ""
    step = (len(items) - 1) / (most - 1)
    kept = [items[round(place * step)] for place in range(most)]
    return kept, f" Of {len(items):,}, {most:,} evenly spaced are shown."


def wide(values: Sequence[float]) -> bool:
    """Whether a log scale shows more: all above zero, and over a factor of ten."""
    finite = [value for value in values if math.isfinite(value)]
    return bool(finite) and min(finite) > 0 and max(finite) > 10 * min(finite)
