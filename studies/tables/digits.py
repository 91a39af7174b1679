"""Numbers as they are printed. An error has two significant digits, and its value ends where the error ends."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

from studies.tables.table import Figure

NO_VALUE = "–"
SIGNIFICANT_DIGITS = 4
"""Of a number without an error, in a paper."""
ROUNDING_NOISE = 1e-12
"""An error below this share of its value comes of the arithmetic: it is printed as 0."""
READ_DIGITS = 5
"""The same on a terminal."""
BOUND_DIGITS = 4
"""The same of a limit that is proposed."""


def number(value: float | None, digits: int = READ_DIGITS) -> str:
    """So many significant digits; whole numbers whole, and what is above one without decimals that say nothing.

    >>> number(0.0182744), number(28865.0), number(1.26624e-06), number(None)
    ('0.018274', '28,865', '1.2662e-6', '–')
    """
    if value is None:
        return NO_VALUE
    if not math.isfinite(value):
        return str(value)
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) * 10 >= 10**digits and abs(value) < 1e15:
        return f"{value:,.0f}"
    plain, _, power = f"{value:.{digits}g}".partition("e")
    return f"{plain}e{int(power)}" if power else plain


def shown(figure: Figure) -> str:
    """For reading.

    >>> shown(Figure(0.0182744, 0.000190382)), shown(Figure(0.0182744))
    ('0.01827 ± 0.00019', '0.018274')
    """
    if figure.text is not None:
        return figure.text
    figure = _readable(figure)
    if figure.value is None or not math.isfinite(figure.value) or figure.form is not None:
        return str(printed(figure))
    if figure.error and math.isfinite(figure.error):
        return str(printed(figure))
    return number(figure.value, figure.digits or READ_DIGITS) + (
        f" ± {number(figure.error)}" if figure.error is not None else ""
    )


@dataclass(frozen=True)
class Printed:
    """A number for a paper, in parts: value, error and the power of ten of both, the last two or None."""

    value: str
    error: str | None = None
    power: int | None = None

    def __str__(self) -> str:
        if self.value == NO_VALUE:
            return NO_VALUE
        both = self.value if self.error is None else f"{self.value} ± {self.error}"
        if self.power is None:
            return both
        return f"{both}e{self.power}" if self.error is None else f"({both})e{self.power}"


def printed(figure: Figure) -> Printed:
    """For a paper: an error has two significant digits and its value ends where it ends; a value alone has four. Whole
    numbers without an error stay whole."""
    if figure.text is not None:
        return Printed(figure.text)
    figure = _readable(figure)
    value, error = figure.value, figure.error
    if value is None:
        return Printed(NO_VALUE)
    if not math.isfinite(value):
        return Printed(str(value))
    if figure.form is not None:
        return Printed(format(value, figure.form))
    if not error and value == int(value) and abs(value) < 1e15:
        return Printed(f"{int(value):,}", None if error is None else "0")
    bound = error or 0.0
    size = max(abs(value), abs(bound) if math.isfinite(bound) else 0.0)
    power = math.floor(math.log10(size)) if size else 0
    scaled = not -4 <= power < 7
    if scaled:
        value, error = _shifted(value, power), error and _shifted(error, power)
    if not math.isfinite(bound):
        return Printed(_plain(value, SIGNIFICANT_DIGITS), str(bound), power if scaled else None)
    if not error:
        return Printed(
            _plain(value, figure.digits or SIGNIFICANT_DIGITS),
            None if error is None else "0",
            power if scaled else None,
        )
    last = math.floor(math.log10(abs(error))) - 1  # the place of the error's second digit
    decimals = max(0, -last)
    mean, spread = (f"{round(each, -last):,.{decimals}f}" for each in (value, error))
    return Printed(mean, spread, power if scaled else None)


def _readable(figure: Figure) -> Figure:
    """As people read it, without the rounding noise of equal numbers."""
    figure = figure.scaled
    if figure.value and figure.error and abs(figure.error) < ROUNDING_NOISE * abs(figure.value):
        return replace(figure, error=0.0)
    return figure


def _shifted(value: float, power: int) -> float:
    """A number without its power of ten, which may be below the smallest float."""
    return float(Decimal(value).scaleb(-power))


def _plain(value: float, digits: int) -> str:
    """Significant digits, without a power of ten."""
    if not value:
        return "0"
    last = math.floor(math.log10(abs(value))) - digits + 1
    return f"{round(value, -last):,.{max(0, -last)}f}"


def ranges_text(numbers: Iterable[int]) -> str:
    """`1337-1340, 1350`.

    >>> ranges_text([1340, 1337, 1338, 1339, 1350])
    '1337-1340, 1350'
    """
    runs: list[list[int]] = []
    for each in sorted(set(numbers)):
        if runs and each == runs[-1][-1] + 1:
            runs[-1].append(each)
        else:
            runs.append([each])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def bound_text(value: float, direction: str) -> str:
    """A limit that the value meets, in few digits.

    >>> bound_text(2613.0, "minimize"), bound_text(0.123456, "minimize"), bound_text(0.123456, "maximize")
    ('<= 2613', '<= 0.1235', '>= 0.1234')
    """
    sign, rounding = (">=", ROUND_FLOOR) if direction == "maximize" else ("<=", ROUND_CEILING)
    bound = float(Context(BOUND_DIGITS, rounding).create_decimal(repr(value)))
    return f"{sign} {bound:.10g}"
