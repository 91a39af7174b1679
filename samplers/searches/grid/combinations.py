"""The combinations of a grid, each computed from its number alone: in mixed radix, one digit a dimension."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from samplers.searches.grid.mixed_radix import digits_of
from samplers.searches.grid.settings import Block, GridSettings
from samplers.searches.plan import Config


@dataclass(frozen=True)
class Setting:
    """One combination: a configuration without its seed."""

    axes: Mapping[str, Any]
    """Values by name, without the axes that do not exist here (`when`)."""
    derived: Mapping[str, Any]
    config: Config
    filtered: str | None = None
    """The first condition of `where` that leaves the setting out."""


def setting_at(settings: GridSettings, number: int) -> Setting | None:
    """The combination of that number, counted over all blocks; None if it only repeats another one (`combination`).

    Raises:
        UsageError: An expression has no value for it.
    """
    for block in settings.blocks:
        if number < block.size:
            return combination(block, number)
        number -= block.size
    raise IndexError(number)


def combination(block: Block, number: int) -> Setting | None:
    """The combination of that number in one block.

    None if another combination stands for it: where no axis of a dimension exists (`when`), the dimension's values
    make no difference, and only its first value counts.

    >>> from samplers.searches.grid.settings import parse_grid
    >>> axes = {"heads": [1, 2], "width": [16, 32, 48]}
    >>> grid = {"axes": axes, "derive": {"size": "width // heads"}, "where": "size > 16"}
    >>> (block,) = parse_grid(grid, {"heads": 0, "width": 0, "size": 0}, "example").blocks
    >>> setting = combination(block, 5)  # 5 is digits 1, 2: the last of both axes
    >>> setting.config, setting.filtered
    ({'heads': 2, 'width': 48, 'size': 24}, None)
    >>> combination(block, 4).filtered
    'size > 16'

    Raises:
        UsageError: An expression has no value for it.
    """
    digits = digits_of(number, [dimension.length for dimension in block.dimensions])
    values = _axis_values(block, digits)
    found = block.evaluated(values, values.__getitem__)
    for dimension, digit in zip(block.dimensions, digits, strict=True):
        if digit and not any(name in found.axes for name in dimension.axes):
            return None
    return Setting(found.axes, found.derived, block.config_with({**found.axes, **found.derived}), found.filtered)


def _axis_values(block: Block, digits: Sequence[int]) -> dict[str, Any]:
    """Each axis' value; the axes of one dimension share its digit."""
    return {
        name: values[digit]
        for dimension, digit in zip(block.dimensions, digits, strict=True)
        for name, values in dimension.axes.items()
    }
