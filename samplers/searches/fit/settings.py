"""The `fit:` block of a definition: which axis is tried, and in which range."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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
        UsageError: A key is unknown, the axis is not in the configuration, or the range holds no value.
    """
    check_keys(block, FIT_KEYS, f"{where}: fit")
    axis = block.get("axis")
    if not isinstance(axis, str):
        raise UsageError(f"{where}: fit.axis: " + ("is missing" if axis is None else f"{axis!r} is not a name"))
    if axis not in config:
        raise UsageError(f"{where}: fit.axis: there is no parameter {axis!r} in the config{nearest(axis, config)}")
    if axis == "seed":
        raise UsageError(f"{where}: fit.axis: 'seed' is not a size")
    if config[axis] is not None and (isinstance(config[axis], bool) or not isinstance(config[axis], int)):
        raise UsageError(f"{where}: fit.axis: {axis} is {config[axis]!r} in the config, not a whole number")
    multiple = _whole("multiple", block.get("multiple", 1), where)
    low = _whole("low", block.get("low", config[axis]), where)
    high = _whole("high", block.get("high", min(low * 1024, MAX_PROBED_VALUE)), where)
    low, high = -(-low // multiple) * multiple, high // multiple * multiple
    if low > high:
        raise UsageError(f"{where}: fit: no multiple of {multiple} lies between low and high")
    seed = block.get("seed", config.get("seed", 1337))
    return FitSettings(axis, low, high, multiple, _whole("seed", seed, where, 0))


def _whole(key: str, value: object, where: str, least: int = 1) -> int:
    return check_whole(value, f"{where}: fit.{key}", least, MAX_PROBED_VALUE)
