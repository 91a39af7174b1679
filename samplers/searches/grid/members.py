"""Which configurations a grid has: answered from a configuration itself, without going through the grid.

An axis that a combination sets in its config can be read back from there, which gives most of the combination's digits.
Only axes that no config shows (helpers of expressions) are tried out; each guess is computed and compared.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import accumulate, product
from typing import Any

from samplers.searches.grid.axes import Steps
from samplers.searches.grid.combinations import combination
from samplers.searches.grid.mixed_radix import number_of
from samplers.searches.grid.settings import Block, Dimension, GridSettings
from samplers.searches.nested import Path, value_at
from samplers.searches.plan import Config
from storage.errors import UsageError

MAX_GUESSES = 100
"""Combinations tried for each setting to find an equal one of a smaller number."""


class Members:
    """The settings of a grid as a set of configurations.

    >>> from samplers.searches.grid.settings import parse_grid
    >>> grid = {"axes": {"factor": [8, 16], "heads": [1, 2]}, "derive": {"width": "factor * heads"}}
    >>> members = Members(parse_grid(grid, {"heads": 0, "width": 0}, "example"))
    >>> members.has({"heads": 2, "width": 32}, {}), members.has({"heads": 2, "width": 8}, {})
    (True, False)

    `heads` is read from the config: its digit is 1. `factor` is a helper, so that combinations 1 (8, 2) and 3 (16, 2)
    are computed, and 3 gives the config.
    """

    def __init__(self, settings: GridSettings) -> None:
        starts = accumulate((block.size for block in settings.blocks[:-1]), initial=0)
        self._blocks = [_BlockMembers(block, start) for block, start in zip(settings.blocks, starts, strict=True)]
        self.seeds = range(settings.seed, settings.seed + settings.max_seeds)

    def has(self, config: Config, axes: Mapping[str, Any]) -> bool:
        """Whether a combination gives this config and is not filtered. `axes`, the values that the setting was planned
        with, are tried first."""
        return any(True for _ in self._numbers(config, axes)) or any(True for _ in self._numbers(config))

    @property
    def may_repeat(self) -> bool:
        """Whether two combinations can give one config at all."""
        return len(self._blocks) > 1 or any(block.guesses > 1 for block in self._blocks)

    @property
    def is_countable(self) -> bool:
        """Whether `is_first` is cheap enough to be asked of every setting."""
        return sum(block.guesses for block in self._blocks) <= MAX_GUESSES

    def is_first(self, number: int, config: Config) -> bool:
        """Whether no combination of a smaller number gives this config."""
        return min(self._numbers(config), default=number) >= number

    def _numbers(self, config: Config, axes: Mapping[str, Any] | None = None) -> Iterator[int]:
        """Numbers, over all blocks, of the combinations that give this config."""
        text = hashed_text(config)
        for block in self._blocks:
            for number in block.numbers(config, text, axes):
                yield block.start + number


class _BlockMembers:
    """One block, from a config back to the numbers of its combinations."""

    def __init__(self, block: Block, start: int) -> None:
        self.block, self.start = block, start
        self._radices = [dimension.length for dimension in block.dimensions]
        paths = [path for path in block.paths.values() if path is not None]
        self._varied_keys = {path[0] for path in paths}
        self._fixed_text = self._text_of_fixed(block.config)
        self._readable = {
            name: path
            for dimension in block.dimensions
            for name in dimension.axes
            if (path := block.paths[name]) is not None and not any(_overlap(path, other) for other in paths)
        }
        """The paths of axes whose value can be read back from a config."""
        self.guesses = math.prod(self._max_digits(dimension) for dimension in block.dimensions)
        """Combinations that may have to be computed for one config."""

    def numbers(self, config: Config, text: str, axes: Mapping[str, Any] | None) -> Iterator[int]:
        """Numbers, in this block, of the combinations that give the config of this JSON text. `axes` stand in for what
        cannot be read from the config; without them all digits of such a dimension are tried."""
        if self._text_of_fixed(config) != self._fixed_text:
            return
        for digits in product(*(self._digits(dimension, config, axes) for dimension in self.block.dimensions)):
            number = number_of(digits, self._radices)
            try:
                setting = combination(self.block, number)
            except UsageError:  # an expression has no value there
                continue
            if setting is not None and setting.filtered is None and hashed_text(setting.config) == text:
                yield number

    def _text_of_fixed(self, config: Config) -> str:
        """The part of a config that no axis or derived name touches."""
        return hashed_text({name: value for name, value in config.items() if name not in self._varied_keys})

    def _digits(self, dimension: Dimension, config: Config, axes: Mapping[str, Any] | None) -> Sequence[int]:
        """The digits that a dimension may have in a combination that gives this config."""
        readable = self._readable_axes(dimension)
        if readable:
            values = {name: value_at(config, self._readable[name]) for name in readable}
        elif axes is not None:
            values = {name: axes[name] for name in dimension.axes if name in axes}
        else:
            return range(dimension.length)
        digits = {name: self._index_of(name, value) for name, value in values.items()}
        if any(digit is None and name not in self.block.when for name, digit in digits.items()):
            return ()
        # A dimension none of whose axes exists has digit 0.
        may_be_absent = all(name in self.block.when for name in dimension.axes) or not values
        return sorted({digit for digit in digits.values() if digit is not None} | ({0} if may_be_absent else set()))

    def _max_digits(self, dimension: Dimension) -> int:
        """How many digits `_digits` may give without `axes`."""
        if not self._readable_axes(dimension):
            return dimension.length
        return 1 + any(name in self.block.when for name in dimension.axes)

    def _readable_axes(self, dimension: Dimension) -> list[str]:
        return [name for name in dimension.axes if name in self._readable]

    def _index_of(self, name: str, value: Any) -> int | None:
        """The index of a value on its axis; None if the axis does not have it."""
        values = self._indexed_values[name]
        if isinstance(values, Mapping):
            return values.get(hashed_text(value))
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        if isinstance(values, Steps):
            return values.index_of(value)
        return values.index(value) if isinstance(value, int) and value in values else None

    @cached_property
    def _indexed_values(self) -> Mapping[str, Any]:
        """Ranges as they are; of a list, each value's index by its JSON text."""
        axes = {name: values for dimension in self.block.dimensions for name, values in dimension.axes.items()}
        return {
            name: values
            if isinstance(values, range | Steps)
            else {hashed_text(value): index for index, value in enumerate(values)}
            for name, values in axes.items()
        }


def _overlap(path: Path, other: Path) -> bool:
    """Whether setting one of them also sets a part of the other."""
    return path != other and (path[: len(other)] == other or other[: len(path)] == path)


def hashed_text(value: Any) -> str:
    """The text that a point's hash is made of: 1 and 1.0 differ."""
    return json.dumps(value, sort_keys=True)
