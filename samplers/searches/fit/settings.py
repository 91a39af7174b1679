"""The `fit:` block of a definition: which axis is tried, and in which range."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from samplers.searches.nested import flattened, new_path, value_at
from storage.checks import check_keys, check_whole
from storage.errors import UsageError, nearest

FIT_KEYS = ("axis", "low", "high", "multiple", "seed")
MAX_PROBED_VALUE = 2**31 - 1


@dataclass(frozen=True)
class FitSettings:
    """The search is for the largest value of `axis` that runs, among the multiples of `multiple` in low … high."""

    axis: str
    low: int
    high: int
    multiple: int = 1
    seed: int = 1337


def parse_fit(block: Mapping[str, Any], config: Mapping[str, Any], where: str) -> FitSettings:
    """The block as settings; `low` is the configuration's own value and `high` 1,024 times that, if not given.

    Raises:
        UsageError: A key is unknown, neither the block nor the configuration has a lowest value, or the range is empty.
    """
    check_keys(block, FIT_KEYS, f"{where}: fit")
    axis = block.get("axis")
    if not isinstance(axis, str):
        raise UsageError(f"{where}: fit.axis: " + ("is missing" if axis is None else f"{axis!r} is not a name"))
    if axis == "seed":
        raise UsageError(f"{where}: fit.axis: 'seed' is not a size")
    own = value_at(config, new_path(axis, config, f"{where}: fit.axis"))
    if own is not None and (isinstance(own, bool) or not isinstance(own, int)):
        raise UsageError(f"{where}: fit.axis: {axis} is {own!r} in the config, not a whole number")
    if own is None and block.get("low") is None:
        hint = nearest(axis, flattened(config))
        raise UsageError(f"{where}: fit.low: is missing, and the config has no {axis!r} to begin from{hint}")
    multiple = _whole("multiple", block.get("multiple", 1), where)
    low = _whole("low", block.get("low", own), where)
    high = _whole("high", block.get("high", min(low * 1024, MAX_PROBED_VALUE)), where)
    low, high = -(-low // multiple) * multiple, high // multiple * multiple
    if low > high:
        raise UsageError(f"{where}: fit: no multiple of {multiple} lies between low and high")
    seed = block.get("seed", config.get("seed", 1337))
    return FitSettings(axis, low, high, multiple, _whole("seed", seed, where, 0))


def _whole(key: str, value: object, where: str, least: int = 1) -> int:
    return check_whole(value, f"{where}: fit.{key}", least, MAX_PROBED_VALUE)
