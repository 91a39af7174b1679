"""How much of a large study a figure shows."""

from __future__ import annotations

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
