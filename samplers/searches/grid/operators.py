"""What an expression may do to values: operators and functions, with bounds on every number.

Each function here raises `ExpressionError` where its values have no result.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

MAX_INTEGER_BITS = 64  # no size of a model needs more


class ExpressionError(Exception):
    """An expression, or the values given to it, are wrong. Expression turns it into a UsageError."""


@dataclass(frozen=True)
class Function:
    """A function that expressions may call, with the number of arguments that it takes."""

    apply: Callable[..., Any]
    min_arguments: int
    max_arguments: int


def number(value: Any) -> Any:
    """The value, if it is a number; true and false count as 1 and 0."""
    if not isinstance(value, int | float):
        raise ExpressionError(f"{value!r} is not a number")
    return value


def truth(value: Any) -> bool:
    """The value, if it is true or false."""
    if not isinstance(value, bool):
        raise ExpressionError(f"{value!r} is neither true nor false")
    return value


def bounded(value: Any) -> Any:
    """The value, unless it is a number that is too large, infinite or complex."""
    if isinstance(value, int) and value.bit_length() > MAX_INTEGER_BITS:
        raise ExpressionError("the number is too large")
    if isinstance(value, complex) or (isinstance(value, float) and not math.isfinite(value)):
        raise ExpressionError("the result is not a finite number")
    return value


def power(base: float, exponent: float) -> Any:
    """A power of integers is refused before it is computed if it would be too large.

    >>> power(2, 10)
    1024
    >>> power(9, 9**9)
    Traceback (most recent call last):
    samplers.searches.grid.operators.ExpressionError: 9 ** 387420489 is too large
    """
    if isinstance(base, int) and isinstance(exponent, int):
        min_bits = exponent * max(0, base.bit_length() - 1)
        if min_bits > MAX_INTEGER_BITS:
            raise ExpressionError(f"{base} ** {exponent} is too large")
    return base**exponent


def round_to(value: float, multiple: float) -> float:
    """The nearest multiple, computed exactly; half way between two, the even one.

    >>> round_to(100, 64), round_to(96, 64), round_to(160, 64), round_to(0.34, 0.25)
    (128, 128, 128, 0.25)
    """
    nearest_multiple = round(Fraction(value) / Fraction(multiple)) * Fraction(multiple)
    return int(nearest_multiple) if isinstance(multiple, int) else float(nearest_multiple)


ARITHMETIC: Mapping[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: power,
}
EQUALITY: Mapping[type[ast.AST], Callable[[Any, Any], bool]] = {ast.Eq: operator.eq, ast.NotEq: operator.ne}
"""They compare values of any two kinds."""
ORDERING: Mapping[type[ast.AST], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
"""They compare two numbers or two texts."""
FUNCTIONS: Mapping[str, Function] = {
    "min": Function(min, 2, 20),
    "max": Function(max, 2, 20),
    "round": Function(round, 1, 1),
    "round_to": Function(round_to, 2, 2),
    "log2": Function(math.log2, 1, 1),
    "exp": Function(math.exp, 1, 1),
    "log": Function(math.log, 1, 1),
    "log10": Function(math.log10, 1, 1),
    "sqrt": Function(math.sqrt, 1, 1),
    "ceil": Function(math.ceil, 1, 1),
    "floor": Function(math.floor, 1, 1),
    "abs": Function(abs, 1, 1),
}
