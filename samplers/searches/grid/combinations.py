"""The combinations of a grid, each worked out from its number alone: in mixed radix, the last dimension the fastest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from samplers.searches.grid.settings import Block, GridSettings, Path
from samplers.searches.plan import Config


@dataclass(frozen=True)
class Setting:
    """One combination: what every seed of it is run with."""

    axes: Mapping[str, Any]
    """By name; without those that do not exist here (`when`)."""
    derived: Mapping[str, Any]
    config: Config
    filtered: str | None = None
    """The first condition of `where` that leaves it out."""


def setting_at(settings: GridSettings, number: int) -> Setting | None:
    """The combination of that number, counted over all groups; None where it only repeats another with a value of an
    axis that does not exist there.

    Raises:
        UsageError: An expression has no value for it.
    """
    for block in settings.blocks:
        if number < block.size:
            return combination(block, number)
        number -= block.size
    raise IndexError(number)


def combination(block: Block, number: int) -> Setting | None:
    """The one of that number in one block; as `setting_at`."""
    digits = []
    for dimension in reversed(block.dimensions):
        number, digit = divmod(number, dimension.length)
        digits.append(digit)
    digits.reverse()
    axes = {
        name: values[digit]
        for dimension, digit in zip(block.dimensions, digits, strict=True)
        for name, values in dimension.axes.items()
    }
    values = {**block.known, **axes}
    for name in block.order:
        if name in block.derive:
            values[name] = block.derive[name].evaluate(values)
        elif not block.when[name].holds(values):
            del axes[name]
            values[name] = block.known[name]
    for dimension, digit in zip(block.dimensions, digits, strict=True):
        if digit and not any(name in axes for name in dimension.axes):
            return None
    derived = {name: values[name] for name in block.derive}
    config = _with(block, {**axes, **derived})
    filtered = next((each.text for each in block.where if not each.holds(values)), None)
    return Setting(axes, derived, config, filtered)


def _with(block: Block, values: Mapping[str, Any]) -> Config:
    config = dict(block.config)
    for name, value in values.items():
        path = block.paths[name]
        if path is not None:
            _put(config, path, value)
    return config


def _put(config: dict[str, Any], path: Path, value: Any) -> None:
    for part in path[:-1]:
        config[part] = config = dict(config[part])
    config[path[-1]] = value
