"""The range of each parameter of a grid in Optuna: one a name, for the whole study."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from samplers.searches.grid.settings import GridSettings

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

    from samplers.searches.grid.combinations import Setting

ROOM_FACTOR = 16
"""The range of a derived name reaches beyond the values in the sample by this factor, where the sample is not all."""
MAX_MAGNITUDE = 1e18
"""Of a name that the first grid does not have."""


class Range(Protocol):
    """The values that one parameter may have."""

    def holds(self, value: Any) -> bool:
        """Whether the value can be shown in Optuna."""

    def shown(self, value: Any) -> Any:
        """The value as Optuna shows it."""

    def distribution(self) -> BaseDistribution:
        """The range as Optuna's distribution."""


@dataclass(frozen=True)
class Numbers:
    """Whole numbers, or any. On a log scale if all are above zero."""

    low: float
    high: float
    whole: bool

    def holds(self, value: Any) -> bool:
        """Whether the value lies in the range, or the range can be made wider for it."""
        kinds, least = (int, 1) if self.whole else (int | float, 0)
        if not isinstance(value, kinds) or isinstance(value, bool):
            return False
        return self.low <= value <= self.high or not self.is_log or (value >= least and value > 0)

    def shown(self, value: Any) -> Any:
        return value if self.whole else float(value)

    def distribution(self) -> BaseDistribution:
        from optuna.distributions import FloatDistribution, IntDistribution

        if self.whole:
            return IntDistribution(int(self.low), int(self.high), log=self.is_log)
        return FloatDistribution(self.low, self.high, log=self.is_log)

    @property
    def is_log(self) -> bool:
        return self.low >= 1 if self.whole else self.low > 0


@dataclass(frozen=True)
class Choices:
    """Values of any other kind, as JSON text where Optuna could not store them or tell them apart."""

    values: tuple[Any, ...]
    as_text: bool

    def holds(self, value: Any) -> bool:
        return self.shown(value) in self.values and (self.as_text or isinstance(value, str | None | bool | int | float))

    def shown(self, value: Any) -> Any:
        return json.dumps(value, sort_keys=True) if self.as_text else value

    def distribution(self) -> BaseDistribution:
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution(self.values)


ANY_NUMBER = Numbers(-MAX_MAGNITUDE, MAX_MAGNITUDE, whole=False)
"""The range of a name that the first grid does not have."""


def ranges_of(settings: GridSettings, sample: Sequence[Setting], is_whole: bool) -> dict[str, Range]:
    """A range for each axis, from all its values, and for each derived name, from the values in a sample.

    `is_whole`: the sample holds every setting. If not, derived names have values beyond those in it.
    """
    values: dict[str, dict[str, Any]] = {}
    for block in settings.blocks:
        for dimension in block.dimensions:
            for name, axis in dimension.axes.items():
                # A range may be long; its ends are its smallest and its largest value.
                ends = axis if isinstance(axis, tuple) else (axis[0], axis[-1])
                values.setdefault(name, {}).update((json.dumps(each, sort_keys=True), each) for each in ends)
    ranges = {name: _range(list(each.values())) for name, each in values.items()}
    derived: dict[str, dict[str, Any]] = {}
    for setting in sample:
        for name, value in setting.derived.items():
            derived.setdefault(name, {})[json.dumps(value)] = value
    room = 1 if is_whole else ROOM_FACTOR
    return ranges | {
        name: _range([*values.get(name, {}).values(), *each.values()], room) for name, each in derived.items()
    }


def _range(values: Sequence[Any], room_factor: int = 1) -> Range:
    if all(isinstance(each, bool) for each in values):
        return Choices((False, True), as_text=False)
    if not all(isinstance(each, int | float) and not isinstance(each, bool) for each in values):
        plain = all(isinstance(each, str | bool | int | float | None) for each in values)
        if plain and len(set(values)) == len(values):
            return Choices(tuple(values), as_text=False)
        return Choices(tuple(json.dumps(each, sort_keys=True) for each in values), as_text=True)
    whole = all(isinstance(each, int) for each in values)
    low, high = min(values), max(values)
    if room_factor == 1:
        return Numbers(low, high, whole)
    if low > 0:
        least = max(1, low // room_factor) if whole else low / room_factor
        return Numbers(least, high * room_factor, whole)
    room = max(abs(low), abs(high), 1) * room_factor
    return Numbers(low - room, high + room, whole)
