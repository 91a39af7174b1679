"""Which cells of a difficulty grid are near the target, and which are hopeless."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Name = Literal["nearest", "hopeless", ""]

TARGET = 0.75
"""The default of a definition."""
HOPELESS = 0.98
"""Bytes a token above which a model can learn next to nothing: 32 tokens without any order give 0.99."""
SPREAD = 0.03
"""How much random graphs of the same alphas differ: a cell this near the target is as good."""


@dataclass(frozen=True)
class Mark:
    """One cell, with its mean difficulty over seeds."""

    setting: Mapping[str, Any]
    difficulty: float
    distance: float
    """Of the mean from the target."""
    mark: Name


def marked(cells: Sequence[Mapping[str, Any]], target: float = TARGET, hopeless: float = HOPELESS) -> list[Mark]:
    """Cells `{"setting": …, "means": {"difficulty": …}}` with their marks, in their order.

    `nearest` are all within SPREAD of the target, or else those that are closest. None of them is hopeless.
    """
    found = [(cell, cell["means"]["difficulty"]) for cell in cells]
    reach = max(SPREAD, min((abs(mean - target) for _, mean in found), default=0.0))
    return [
        Mark(cell["setting"], mean, abs(mean - target), _name(mean, target, reach, hopeless)) for cell, mean in found
    ]


def _name(mean: float, target: float, reach: float, hopeless: float) -> Name:
    if mean > hopeless:
        return "hopeless"
    return "nearest" if abs(mean - target) <= reach else ""
