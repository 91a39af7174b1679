"""A series of numbers in one line of text."""

from __future__ import annotations

import math
from collections.abc import Sequence

BARS = "▁▂▃▄▅▆▇█"
BROKEN = "×"
"""In place of NaN and infinities."""


def sparkline(values: Sequence[float], width: int, within: tuple[float, float] | None = None) -> str:
    """A bar for each value, lowest to highest, or within these bounds; more values than `width` are averaged in groups.

    >>> sparkline([1.0, 2.0, 3.0, float("nan")], 8), sparkline([0.0, 0.0, 7.0, 7.0], 2), sparkline([5.0, 5.0], 8)
    ('▁▅█×', '▁█', '▁▁')
    """
    groups = _groups(values, width)
    known = [each for each in groups if each is not None]
    if not known:
        return BROKEN * len(groups)
    low, high = within or (min(known), max(known))

    def bar(value: float) -> str:
        share = 0.0 if high == low else (value / 2 - low / 2) / (high / 2 - low / 2)  # halves never overflow
        return BARS[round(share * (len(BARS) - 1))]

    return "".join(BROKEN if each is None else bar(each) for each in groups)


def _groups(values: Sequence[float], width: int) -> list[float | None]:
    """At most `width` means of neighbours; None where all of them are no numbers."""
    count = min(width, len(values))
    found: list[float | None] = []
    for place in range(count):
        part = values[place * len(values) // count : (place + 1) * len(values) // count]
        finite = [each for each in part if math.isfinite(each)]
        found.append(sum(each / len(finite) for each in finite) if finite else None)
    return found
