"""An axis of a grid: its values, in order. A range is never written out, so a long one costs nothing.

n_head: [1, 2, 4, 8]
n_layer: {range: [4, 32, 4]}             from, to, by (1, if not given); includes `to` if a step meets it exactly
learning_rate: {log: [1e-4, 1e-1, 4]}    from, to, how many: equal ratios, includes both ends
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, overload

from samplers.searches.grid.foreign import in_our_words
from storage.checks import check_keys
from storage.errors import UsageError

MAX_AXIS_VALUES = 10_000_000
MAX_LOG_VALUES = 100_000
MAX_NUMBER = 2**63 - 1
RANGE_FORMS = ("range", "log")
LOG_DIGITS = 12  # significant digits of a value between the ends of a log axis


@dataclass(frozen=True)
class Steps(Sequence[float]):
    """`first`, `first + step`, …: computed in decimals, so that 0.1 + 2 · 0.1 is 0.3, as written.

    >>> list(Steps(Fraction("0.1"), Fraction("0.1"), 3))
    [0.1, 0.2, 0.3]
    """

    first: Fraction
    step: Fraction
    length: int

    def __len__(self) -> int:
        return self.length

    @overload
    def __getitem__(self, index: int) -> float: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[float]: ...
    def __getitem__(self, index: int | slice) -> float | Sequence[float]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(self.length))]
        if not -self.length <= index < self.length:
            raise IndexError(index)
        return float(self.first + index % self.length * self.step)

    def index_of(self, value: float) -> int | None:
        """The index of a value, computed without going through the values; None if it is not among them."""
        index = round((_exact(value) - self.first) / self.step)
        return index if isinstance(value, float) and 0 <= index < self.length and self[index] == value else None


def parse_axis(given: object, where: str) -> Sequence[Any]:
    """The values of one axis.

    Raises:
        UsageError: The axis has no values, the same value twice, or too many.
    """
    match given:
        case list() | tuple():
            return _listed(list(given), where)
        case Mapping() if len(given) == 1 and next(iter(given)) in RANGE_FORMS:
            ((form, numbers),) = given.items()
            return _range(numbers, where) if form == "range" else _logarithmic(numbers, where)
        case _:
            if (ours := in_our_words(given)) is not None:
                raise UsageError(f"{where}: {given!r} is written {ours} here")
            if isinstance(given, Mapping) and len(given) == 1:
                check_keys(given, RANGE_FORMS, where)
            raise UsageError(f"{where}: {given!r} is not a list, {{range: [from, to, by]}} or {{log: [from, to, n]}}")


def value_key(value: Any) -> str:
    """A text that differs for different values; a whole float counts as the integer."""
    if isinstance(value, float) and value == int(value):
        value = int(value)
    return json.dumps(value, sort_keys=True, allow_nan=False)


def _listed(values: Sequence[Any], where: str) -> Sequence[Any]:
    if not values:
        raise UsageError(f"{where}: the axis has no values")
    seen = set()
    for value in values:
        try:
            text = value_key(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise UsageError(f"{where}: {value!r} cannot be kept as JSON") from error
        if isinstance(value, int | float) and abs(value) > MAX_NUMBER:
            raise UsageError(f"{where}: a number of the axis is beyond 2**63")
        if text in seen:
            raise UsageError(f"{where}: {value!r} is listed twice")
        seen.add(text)
    return tuple(values)


def _range(numbers: object, where: str) -> Sequence[Any]:
    if isinstance(numbers, list | tuple) and len(numbers) == 2:
        numbers = [*numbers, 1]
    start, stop, step = _three(numbers, where, "range: [from, to, by]")
    if step == 0:
        raise UsageError(f"{where}: a step of 0 never gets from {start} to {stop}")
    first, width, by = _exact(start), _exact(stop) - _exact(start), _exact(step)
    count = math.floor(width / by) + 1
    if count < 1:
        raise UsageError(f"{where}: the axis has no values: {step} steps from {start} do not lead to {stop}")
    if count > MAX_AXIS_VALUES:
        raise UsageError(f"{where}: {count:,} values; {MAX_AXIS_VALUES:,} are allowed")
    if all(isinstance(each, int) for each in (start, stop, step)):
        return range(int(start), int(start) + count * int(step), int(step))
    return Steps(first, by, count)


def _logarithmic(numbers: object, where: str) -> Sequence[Any]:
    low, high, count = _three(numbers, where, "log: [from, to, how many]")
    if low <= 0 or high <= 0:
        raise UsageError(f"{where}: log: {low} to {high}: both have to be above zero")
    if not isinstance(count, int) or not 2 <= count <= MAX_LOG_VALUES:
        raise UsageError(f"{where}: log: {count!r} values; give a whole number from 2 to {MAX_LOG_VALUES:,}")
    shares = (index / (count - 1) for index in range(1, count - 1))
    values = [low, *(float(f"{low ** (1 - share) * high**share:.{LOG_DIGITS}g}") for share in shares), high]
    if isinstance(low, int) and isinstance(high, int):
        values = [round(value) for value in values]  # between whole numbers: whole numbers, each once
    else:
        values = [float(value) for value in values]
    return tuple(dict.fromkeys(values))


def _three(numbers: object, where: str, form: str) -> tuple[float, float, float]:
    match numbers:
        case [int() | float() as one, int() | float() as two, int() | float() as three]:
            if not any(isinstance(each, bool) or not abs(each) <= MAX_NUMBER for each in (one, two, three)):
                return one, two, three
    raise UsageError(f"{where}: {numbers!r} is not {form}, three numbers of at most 2**63")


def _exact(number: float) -> Fraction:
    """The number as written: 0.1 is a tenth."""
    return Fraction(str(number))
