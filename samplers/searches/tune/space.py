"""The space of a tune search: each axis as one of Optuna's distributions.

learning_rate: {log: [1e-4, 1e-1]}     any number between, equal ratios alike; whole numbers between whole numbers
n_layer: {range: [1, 12]}              whole numbers; a third value is the step
dropout: {float: [0.0, 0.5]}           any number between; a third value is the step
activation: [relu, gelu]               one of a list
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

from samplers.searches.grid.axes import MAX_NUMBER, Steps, parse_axis
from samplers.searches.grid.foreign import in_our_words
from storage.checks import check_keys
from storage.errors import UsageError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

NUMBER_FORMS = ("log", "range", "float")
VALUE_DIGITS = 12
"""Significant digits of a number that is chosen. The last ones of a float differ between processors."""
DEFAULT = "default"
"""The key of an axis' value in settings that were chosen before the axis was added."""


@dataclass(frozen=True)
class Numbers:
    """Numbers from `low` to `high`, both included."""

    low: float
    high: float
    scale: Literal["linear", "log"]
    whole: bool
    step: float | None = None

    def distribution(self) -> BaseDistribution:
        """The axis as Optuna's distribution."""
        from optuna.distributions import FloatDistribution, IntDistribution

        log = self.scale == "log"
        if self.whole:
            return IntDistribution(int(self.low), int(self.high), log=log, step=int(self.step or 1))
        return FloatDistribution(self.low, self.high, log=log, step=self.step)

    def value(self, sampled: Any) -> Any:
        """The value that the config receives: of `VALUE_DIGITS`, or a multiple of the step."""
        if self.whole:
            return sampled
        if self.step is None:
            return min(max(float(f"{sampled:.{VALUE_DIGITS}g}"), self.low), self.high)
        return self.listed[round((sampled - self.low) / self.step)]

    def shown(self, value: Any) -> Any:
        """The value as a parameter of Optuna; the same."""
        return value

    def from_user(self, value: Any) -> Any:
        """A number as the axis has it: 8.0 as a whole one, 0.1 + 0.2 as the third step. Anything else stays."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return value
        if self.whole:
            return int(value) if value == value // 1 else value
        return float(value if self.step is None else f"{value:.{VALUE_DIGITS}g}")

    def holds(self, value: Any) -> bool:
        """Whether a value of a config lies on the axis."""
        kinds = int if self.whole else int | float
        if isinstance(value, bool) or not isinstance(value, kinds) or not self.low <= value <= self.high:
            return False
        if self.step is None or self.scale == "log":
            return True
        return (Fraction(str(value)) - Fraction(str(self.low))) % Fraction(str(self.step)) == 0

    @property
    def size(self) -> int | None:
        """How many values it has; None: any number between."""
        if self.step is None:
            return None
        return int((Fraction(str(self.high)) - Fraction(str(self.low))) / Fraction(str(self.step))) + 1

    @property
    def values(self) -> Sequence[Any]:
        """Its ends."""
        return (self.low, self.high)

    @property
    def listed(self) -> Sequence[Any]:
        """All of its values, if it has steps."""
        assert self.step is not None and self.size is not None
        if self.whole:
            return range(int(self.low), int(self.high) + 1, int(self.step))
        return Steps(Fraction(str(self.low)), Fraction(str(self.step)), self.size)


@dataclass(frozen=True)
class Choices:
    """One of a list; a list or mapping as its JSON text, which is all that Optuna can hold."""

    values: tuple[Any, ...]
    as_text: bool

    def distribution(self) -> BaseDistribution:
        """The axis as Optuna's distribution."""
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution([self.shown(value) for value in self.values])

    def value(self, sampled: Any) -> Any:
        """The value that the config receives."""
        return json.loads(sampled) if self.as_text else sampled

    def shown(self, value: Any) -> Any:
        """The value as a parameter of Optuna."""
        return json.dumps(value, sort_keys=True) if self.as_text else value

    def from_user(self, value: Any) -> Any:
        """A parameter of Optuna as the axis has it. What is no text of a value stays."""
        if not self.as_text or not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            return value

    def holds(self, value: Any) -> bool:
        """Whether a value of a config is one of the list: 1, 1.0 and true are three."""
        if not self.as_text:
            return any(type(each) is type(value) and each == value for each in self.values)
        text = json.dumps(value, sort_keys=True)
        return any(json.dumps(each, sort_keys=True) == text for each in self.values)

    @property
    def size(self) -> int:
        """How many values it has."""
        return len(self.values)

    @property
    def listed(self) -> Sequence[Any]:
        """All of its values."""
        return self.values


Axis = Numbers | Choices


@dataclass(frozen=True)
class Space:
    """Every axis by its name, in the order of the definition."""

    axes: Mapping[str, Axis]
    defaults: Mapping[str, Any]
    """Of axes that say which value the settings chosen before they were added had."""

    def distributions(self) -> dict[str, BaseDistribution]:
        """Optuna's distribution of each axis."""
        return {name: axis.distribution() for name, axis in self.axes.items()}


def parse_space(given: object, where: str) -> Space:
    """The `space:` of a definition.

    Raises:
        UsageError: It is empty, or an axis is wrong.
    """
    if not isinstance(given, Mapping) or not given:
        raise UsageError("is missing" if given is None else f"{given!r} names no axis", where)
    axes: dict[str, Axis] = {}
    defaults = {}
    for name, written in given.items():
        place = f"{where}.{name}"
        axis, default = _axis(written, place)
        if default is not None:
            default = axis.from_user(default) if isinstance(axis, Numbers) else default
            if not axis.holds(default):
                raise UsageError(f"{default!r} is not on the axis", f"{place}.{DEFAULT}")
            defaults[str(name)] = default
        axes[str(name)] = axis
    return Space(axes, defaults)


def _axis(given: object, where: str) -> tuple[Axis, Any]:
    """An axis and its default."""
    if isinstance(given, Mapping) and "choices" in given:
        check_keys(given, ("choices", DEFAULT), where)
        return _choices(given["choices"], f"{where}.choices"), given.get(DEFAULT)
    if isinstance(given, list | tuple):
        return _choices(given, where), None
    if isinstance(given, Mapping) and (forms := [form for form in NUMBER_FORMS if form in given]):
        check_keys(given, (forms[0], DEFAULT), where)
        return _FORMS[forms[0]](given[forms[0]], f"{where}.{forms[0]}"), given.get(DEFAULT)
    if (ours := in_our_words(given)) is not None:
        raise UsageError(f"{given!r} is not an axis; perhaps {_in_words_of_tune(ours)}", where)
    if isinstance(given, Mapping) and len(given) == 1:
        check_keys(given, NUMBER_FORMS, where)
    raise UsageError(
        f"{given!r} is neither a list nor one of {', '.join(f'{{{form}: [low, high]}}' for form in NUMBER_FORMS)}",
        where,
    )


def _in_words_of_tune(grid_axis: str) -> str:
    """A grid's axis as one of a space: without the number of values of a logarithmic one."""
    if not grid_axis.startswith("{log: ["):
        return grid_axis
    return ", ".join(grid_axis.split(", ")[:2]) + "]}"


def _choices(given: object, where: str) -> Choices:
    if not isinstance(given, list | tuple):
        raise UsageError(f"{given!r} is not a list", where)
    values = tuple(parse_axis(given, where))
    plain = all(isinstance(each, str | bool | int | float | None) for each in values)
    alike = any(one == other for index, one in enumerate(values) for other in values[:index])  # 1 and true
    return Choices(values, as_text=not plain or alike)


def _log(given: object, where: str) -> Numbers:
    low, high, _ = _ends(given, where, "log: [low, high], two numbers", 2)
    if low <= 0:
        raise UsageError(f"{low} is not above zero", where)
    if isinstance(low, int) and isinstance(high, int):
        return Numbers(low, high, "log", True, 1)
    return _as_floats(low, high, "log", None)


def _range(given: object, where: str) -> Numbers:
    low, high, step = _ends(given, where, "range: [low, high, step], whole numbers", 3)
    if not all(isinstance(each, int) for each in (low, high, step) if each is not None):
        raise UsageError(f"{given!r}: not all are whole; any number between is written {{float: {given!r}}}", where)
    return _with_whole_steps(Numbers(low, high, "linear", True, step or 1))


def _float(given: object, where: str) -> Numbers:
    low, high, step = _ends(given, where, "float: [low, high, step], numbers", 3)
    return _with_whole_steps(_as_floats(low, high, "linear", step))


_FORMS: Mapping[str, Callable[[object, str], Numbers]] = {"log": _log, "range": _range, "float": _float}


def _as_floats(low: float, high: float, scale: Literal["linear", "log"], step: float | None) -> Numbers:
    return Numbers(float(low), float(high), scale, False, None if step is None else float(step))


def _with_whole_steps(axis: Numbers) -> Numbers:
    """With the last value that a step meets as its highest."""
    if axis.step is None:
        return axis
    assert axis.size is not None
    last = Fraction(str(axis.low)) + (axis.size - 1) * Fraction(str(axis.step))
    return replace(axis, high=int(last) if axis.whole else float(last))


def _ends(given: object, where: str, form: str, most: int) -> tuple[float, float, float | None]:
    numbers = list(given) if isinstance(given, list | tuple) else []
    plain = all(isinstance(each, int | float) and not isinstance(each, bool) for each in numbers)
    if not 2 <= len(numbers) <= most or not plain or not all(abs(each) <= MAX_NUMBER for each in numbers):
        raise UsageError(f"{given!r} is not {form} of at most 2**63", where)
    low, high, step = (*numbers, None)[:3]
    if low > high:
        raise UsageError(f"the range is empty: {low} is above {high}", where)
    if step is not None and step <= 0:
        raise UsageError(f"a step of {step} never gets from {low} to {high}", where)
    return low, high, step
