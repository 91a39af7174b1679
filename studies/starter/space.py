"""A script's flags as the axes of a tune's space: a range around each default, as wide as is worth trying."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from studies.scripts.flag import Flag
from studies.starter.choices import BATCHES, RATES, WIDTH_INCREMENT, axes

MAX_TUNED = 4
"""Axes of the space; further ones are comments."""
LIKELY = 3
"""How likely one is at least (0: most, as choices.axes ranks them): rates, sizes, a batch, what is small."""
PROBABILITIES = {"dropout", "drop", "droprate", "smoothing", "prob", "probability"}
MAX_PROBABILITY = 0.5
NEAR_ONE = 0.5
"""Above it, a share like a momentum differs by what lacks to 1."""
FACTOR = 10
"""Of a rate: a tenth of the default to ten times as much."""
MAX_DECAY = 0.1
"""Of one that is 0."""
POWERS_APART = 4
"""Of a number that is a power of two: a quarter of the default to four times as much."""
HEADS = {"head", "heads"}


def space(config: Sequence[Flag]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The axes of the space, the likeliest first, and further ones that it could have."""
    by_name = {flag.name: flag for flag in config}
    likely = {*list(axes(config, LIKELY))[:MAX_TUNED]} or {*list(axes(config))[:1]}
    every = {name: axis_of(by_name[name], values) for name, values in axes(config).items()}
    return (
        {name: axis for name, axis in every.items() if name in likely},
        {name: axis for name, axis in every.items() if name not in likely},
    )


def axis_of(flag: Flag, values: Sequence[Any]) -> Any:
    """The axis of a flag; `values` are those that a grid would try."""
    default, words = flag.default, set(flag.words)
    if isinstance(default, bool) or flag.choices or isinstance(default, str):
        return list(values)
    if isinstance(default, int):
        return _whole(default, words)
    if words & PROBABILITIES and 0 <= default < 1:
        return {"float": [0.0, MAX_PROBABILITY if default < MAX_PROBABILITY else _rounded((1 + default) / 2)]}
    if default == 0:
        return {"float": [0.0, MAX_DECAY]}
    if NEAR_ONE < default < 1 and flag.leaf.replace("-", "_").lower() not in RATES:
        return {"float": [_rounded(1 - (1 - default) * 2), _rounded(1 - (1 - default) / 5)]}
    return {"log": [_rounded(default / FACTOR), _rounded(default * FACTOR)]}


def _whole(default: int, words: set[str]) -> Any:
    """A batch and heads in powers of two, wide layers in steps that keep their shape, all else in ones."""
    is_power = default >= POWERS_APART and default & (default - 1) == 0
    if is_power and words & (BATCHES | HEADS):
        exponent = int(math.log2(default))
        return [2**each for each in range(exponent - 2, exponent + 3)]
    if default >= 2 * WIDTH_INCREMENT and default % WIDTH_INCREMENT == 0:
        low = max(1, default // 2 // WIDTH_INCREMENT) * WIDTH_INCREMENT
        return {"range": [low, 2 * default, WIDTH_INCREMENT]}
    return {"range": [max(1, default // 2), 2 * default]}


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
