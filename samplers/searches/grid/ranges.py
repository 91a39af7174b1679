"""What Optuna is told that a parameter of a grid may be: one range a name, for the whole study."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from samplers.searches.grid.settings import MOST_SEED, GridSettings

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

    from samplers.searches.grid.combinations import Setting

ROOM = 16
"""A range goes this many times beyond the values of the start, for values that are added later."""
FARTHEST = 1e18


class Range(Protocol):
    """One parameter's."""

    def holds(self, value: Any) -> bool:
        """Whether Optuna can be shown this value."""

    def shown(self, value: Any) -> Any:
        """The value as Optuna is shown it."""

    def distribution(self) -> BaseDistribution:
        """In Optuna's words."""


@dataclass(frozen=True)
class Numbers:
    """Whole ones, or any. On a log scale where all are above zero."""

    low: float
    high: float
    whole: bool

    def holds(self, value: Any) -> bool:
        kinds = int if self.whole else int | float
        return isinstance(value, kinds) and not isinstance(value, bool) and self.low <= value <= self.high

    def shown(self, value: Any) -> Any:
        return value if self.whole else float(value)

    def distribution(self) -> BaseDistribution:
        from optuna.distributions import FloatDistribution, IntDistribution

        if self.whole:
            return IntDistribution(int(self.low), int(self.high), log=self.low >= 1)
        return FloatDistribution(self.low, self.high, log=self.low > 0)


@dataclass(frozen=True)
class Choices:
    """Anything else. As JSON text where Optuna could not hold them, or not tell them apart."""

    values: tuple[Any, ...]
    as_text: bool

    def holds(self, value: Any) -> bool:
        return self.shown(value) in self.values and (self.as_text or isinstance(value, str | None | bool | int | float))

    def shown(self, value: Any) -> Any:
        return json.dumps(value, sort_keys=True) if self.as_text else value

    def distribution(self) -> BaseDistribution:
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution(self.values)


SEEDS = Numbers(0, MOST_SEED, whole=True)


def widest(name: str) -> Range:
    """Of a name that the grid of the start does not have."""
    return SEEDS if name == "seed" else Numbers(-FARTHEST, FARTHEST, whole=False)


def ranges_of(settings: GridSettings, sample: Sequence[Setting]) -> dict[str, Range]:
    """One for each axis, from all its values, and for each derived name, from those of a sample."""
    values: dict[str, dict[str, Any]] = {}
    for block in settings.blocks:
        for dimension in block.dimensions:
            for name, axis in dimension.axes.items():
                # Of a range and a log axis, which may be long, the ends are the ends.
                told = axis if isinstance(axis, tuple) else (axis[0], axis[-1])
                values.setdefault(name, {}).update((json.dumps(each, sort_keys=True), each) for each in told)
    for setting in sample:
        for name, value in setting.derived.items():
            values.setdefault(name, {})[json.dumps(value)] = value
    return {name: _range(list(each.values())) for name, each in values.items()}


def _range(values: Sequence[Any]) -> Range:
    if all(isinstance(each, bool) for each in values):
        return Choices((False, True), as_text=False)
    if not all(isinstance(each, int | float) and not isinstance(each, bool) for each in values):
        plain = all(isinstance(each, str | bool | int | float | None) for each in values)
        if plain and len(set(values)) == len(values):
            return Choices(tuple(values), as_text=False)
        return Choices(tuple(json.dumps(each, sort_keys=True) for each in values), as_text=True)
    whole = all(isinstance(each, int) for each in values)
    low, high = min(values), max(values)
    if low > 0:
        least, most = (max(1, low // ROOM) if whole else low / ROOM), high * ROOM
    else:
        room = max(abs(low), abs(high), 1) * ROOM
        least, most = low - room, high + room
    return Numbers(least, min(most, MOST_SEED) if whole and high <= MOST_SEED else most, whole)
