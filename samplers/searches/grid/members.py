"""Which configurations a grid has, told one by one from the configuration itself, without going through the grid.

What an axis set in a config is found there again, so most of a combination's digits are read off. Only axes that no
config shows (helpers of expressions) have to be tried out; each guess is worked out and compared.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import product
from typing import Any

from samplers.searches.grid.axes import Steps
from samplers.searches.grid.combinations import combination
from samplers.searches.grid.settings import Block, Dimension, GridSettings, Path
from samplers.searches.plan import Config
from storage.errors import UsageError

MOST_TRIED = 100
"""Combinations tried for each setting, where it is asked whether an earlier one is equal to it."""


class Members:
    """The settings of a grid as a set of configurations."""

    def __init__(self, settings: GridSettings) -> None:
        starts = [sum(block.size for block in settings.blocks[:index]) for index in range(len(settings.blocks))]
        self._blocks = [_Inverse(block, start) for block, start in zip(settings.blocks, starts, strict=True)]
        self.seeds = range(settings.seed, settings.seed + settings.repeats)

    def has(self, config: Config, setting: Mapping[str, Any]) -> bool:
        """Whether some combination gives this config and is not filtered; `setting`, its axes when it was planned, is
        tried first."""
        wanted = as_text(config)
        return any(True for block in self._blocks for _ in block.numbers(wanted, config, setting)) or any(
            True for block in self._blocks for _ in block.numbers(wanted, config)
        )

    @property
    def repeats_itself(self) -> bool:
        """Whether two combinations may give one config at all."""
        return len(self._blocks) > 1 or any(block.tried > 1 for block in self._blocks)

    @property
    def is_countable(self) -> bool:
        """Whether `is_first` is cheap enough to be asked of every setting."""
        return sum(block.tried for block in self._blocks) <= MOST_TRIED

    def is_first(self, number: int, config: Config) -> bool:
        """Whether no combination of a smaller number gives this config."""
        wanted = as_text(config)
        return min((each for block in self._blocks for each in block.numbers(wanted, config)), default=number) >= number


class _Inverse:
    """One block, from a config back to the numbers of its combinations."""

    def __init__(self, block: Block, start: int) -> None:
        self.block, self.start = block, start
        paths = [path for path in block.paths.values() if path is not None]
        touched = {path[0] for path in paths}
        self.fixed = as_text({name: value for name, value in block.config.items() if name not in touched})
        self.touched = touched
        self.shown = {
            name: path
            for dimension in block.dimensions
            for name in dimension.axes
            if (path := block.paths[name]) is not None and not any(_overlap(path, other) for other in paths)
        }
        """Axes that are found in a config again, with where."""
        self.tried = math.prod(self._most(each) for each in block.dimensions)
        """Combinations that may have to be tried for one config."""

    def numbers(self, wanted: str, config: Config, setting: Mapping[str, Any] | None = None) -> Iterator[int]:
        """Of the combinations that give this config, those of `setting` alone if one is named."""
        if as_text({name: value for name, value in config.items() if name not in self.touched}) != self.fixed:
            return
        digits = [self._digits(each, config, setting) for each in self.block.dimensions]
        for combined in product(*digits):
            number = 0
            for dimension, digit in zip(self.block.dimensions, combined, strict=True):
                number = number * dimension.length + digit
            try:
                found = combination(self.block, number)
            except UsageError:  # an expression has no value there
                continue
            if found is not None and found.filtered is None and as_text(found.config) == wanted:
                yield self.start + number

    def _digits(self, dimension: Dimension, config: Config, setting: Mapping[str, Any] | None) -> Sequence[int]:
        shown = [name for name in dimension.axes if name in self.shown]
        if not shown and setting is None:
            return range(dimension.length)
        told = {name: _at(config, self.shown[name]) for name in shown}
        if not shown and setting is not None:
            told = {name: setting[name] for name in dimension.axes if name in setting}
        found = {name: self._place(name, value) for name, value in told.items()}
        if any(place is None and name not in self.block.when for name, place in found.items()):
            return ()
        absent = {0} if all(name in self.block.when for name in dimension.axes) or not told else set()
        return sorted(absent | {place for place in found.values() if place is not None})

    def _most(self, dimension: Dimension) -> int:
        shown = [name for name in dimension.axes if name in self.shown]
        if not shown:
            return dimension.length
        return 1 + any(name in self.block.when for name in dimension.axes)

    def _place(self, name: str, value: Any) -> int | None:
        """Which of the axis' values it is."""
        values = self._values[name]
        if isinstance(values, Mapping):
            return values.get(as_text(value))
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        if isinstance(values, Steps):
            return values.place(value)
        return values.index(value) if isinstance(value, int) and value in values else None

    @cached_property
    def _values(self) -> Mapping[str, Any]:
        axes = {name: values for dimension in self.block.dimensions for name, values in dimension.axes.items()}
        return {
            name: values
            if isinstance(values, range | Steps)
            else {as_text(value): place for place, value in enumerate(values)}
            for name, values in axes.items()
        }


def _overlap(one: Path, other: Path) -> bool:
    """Whether setting one of them also sets a part of the other."""
    return one != other and (one[: len(other)] == other or other[: len(one)] == one)


def _at(config: Config, path: Path) -> Any:
    level: Any = config
    for part in path:
        if not isinstance(level, Mapping):
            return None
        level = level.get(part)
    return level


def as_text(value: Any) -> str:
    """As a point's hash sees it: 1 and 1.0 differ."""
    return json.dumps(value, sort_keys=True)
