"""Expressions of a definition: `n_embd % n_head == 0`, `round_to(384 * log2(1 + model_scale), 64)`.

Arithmetic, comparison, and/or/not, and the functions below, over a point's names. Python's own parser reads the text
into a tree, of which only the nodes named here are taken; nothing is ever compiled or evaluated as Python. Text, depth
and every number on the way are bounded, so no expression runs long or grows large. `true`, `false` and `null` are
values; a name may be dotted, as keys of a nested config are.
"""

from __future__ import annotations

import ast
import math
import operator
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from storage.errors import UsageError, nearest

Value = int | float | bool | str | None
Step = Callable[[Mapping[str, Any]], Any]
"""One node of the tree, ready to be worked out for the names' values."""

LONGEST = 500  # characters
DEEPEST = 40
LARGEST_BITS = 64  # of a whole number; no size of a model needs more
WORDS: Mapping[str, Value] = {"true": True, "false": False, "null": None}


class _WrongError(Exception):
    """What is wrong with an expression or with the values given to it; never seen outside."""


@dataclass(frozen=True)
class Expression:
    """One expression, read and checked."""

    text: str
    where: str
    """Where it stands, for messages."""
    names: tuple[str, ...]
    """The names that it needs, in the order they come up."""
    _run: Step = field(repr=False, compare=False)

    @staticmethod
    def parse(text: object, where: str) -> Expression:
        """Read an expression; a plain number, true or false is one as well.

        Raises:
            UsageError: It is none, or holds what is not allowed in one.
        """
        if isinstance(text, bool):
            text = "true" if text else "false"
        if not isinstance(text, str | int | float):
            raise UsageError(f"{where}: {text!r} is not an expression, like n_embd_factor * n_head")
        told = " ".join(str(text).split())
        if len(told) > LONGEST:
            raise UsageError(f"{where}: {told[:40]!r}… has {len(told)} characters; {LONGEST} are allowed")
        names: dict[str, None] = {}
        try:
            with warnings.catch_warnings():  # Python remarks on style, like `1and 2`
                warnings.simplefilter("ignore")
                tree = ast.parse(told, mode="eval")
            run = _step(tree.body, names, 0)
        except _WrongError as error:
            raise UsageError(f"{where}: {told!r}: {error}") from error
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise UsageError(f"{where}: {told!r} is not an expression, like n_embd % n_head == 0") from error
        return Expression(told, where, tuple(names), run)

    def evaluate(self, values: Mapping[str, Any]) -> Value:
        """Its value for these values of its names.

        Raises:
            UsageError: It has none: a division by zero, a text where a number is needed, a number too large, …
        """
        try:
            value: Value = _bounded(self._run(values))
        except (_WrongError, ArithmeticError, ValueError) as error:
            # Of our own, and of a division by zero, an overflow, the logarithm of a negative number
            given = ", ".join(f"{name}={values[name]!r}" for name in self.names if name in values)
            known: Mapping[type, str] = {ZeroDivisionError: "division by zero", OverflowError: "too large"}
            what = known.get(type(error), str(error))
            raise UsageError(f"{self.where}: {self.text!r}{given and f' with {given}'}: {what}") from error
        return value

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether a condition is true.

        Raises:
            UsageError: It has no value, or one that is neither true nor false.
        """
        value = self.evaluate(values)
        if not isinstance(value, bool):
            raise UsageError(f"{self.where}: {self.text!r} is {value!r}: a condition has to be true or false")
        return value


def _power(base: float, exponent: float) -> Any:
    """Refused before it is worked out where it would be too large."""
    if isinstance(base, int) and isinstance(exponent, int) and exponent * max(0, base.bit_length() - 1) > LARGEST_BITS:
        raise _WrongError(f"{base} ** {exponent} is too large")
    return base**exponent


def _round_to(value: float, multiple: float) -> float:
    """The nearest multiple, half to the even one; worked out exactly."""
    nearest_multiple = round(Fraction(value) / Fraction(multiple)) * Fraction(multiple)
    return int(nearest_multiple) if isinstance(multiple, int) else float(nearest_multiple)


ARITHMETIC: Mapping[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
}
COMPARISON: Mapping[type[ast.AST], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
FUNCTIONS: Mapping[str, tuple[Callable[..., Any], int, int]] = {
    # with how many arguments: at least, at most
    "min": (min, 2, 20),
    "max": (max, 2, 20),
    "round": (round, 1, 1),
    "round_to": (_round_to, 2, 2),
    "log2": (math.log2, 1, 1),
    "sqrt": (math.sqrt, 1, 1),
    "ceil": (math.ceil, 1, 1),
    "floor": (math.floor, 1, 1),
    "abs": (abs, 1, 1),
}


def _step(node: ast.AST, names: dict[str, None], depth: int) -> Step:
    """A node of Python's tree as ours.

    Raises:
        _WrongError: It is not one of those that an expression may hold.
    """
    if depth > DEEPEST:
        raise _WrongError(f"nested more than {DEEPEST} levels deep")

    def below(child: ast.AST) -> Step:
        return _step(child, names, depth + 1)

    match node:
        case ast.Constant(value=bool() | int() | float() | str() | None as value):
            _bounded(value)
            if isinstance(value, str) and any(each == "\0" or "\ud800" <= each <= "\udfff" for each in value):
                raise _WrongError(f"{value!r} holds a character that cannot be kept")
            return lambda _: value
        case ast.Name() | ast.Attribute():
            return _named(_dotted(node), names)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
            of, factor = below(operand), -1 if isinstance(sign, ast.USub) else 1
            return lambda values: factor * _number(of(values))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            of = below(operand)
            return lambda values: not _truth(of(values))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in ARITHMETIC:
            work, one, other = ARITHMETIC[type(op)], below(left), below(right)
            return lambda values: _bounded(work(_number(one(values)), _number(other(values))))
        case ast.BoolOp(op=op, values=parts):
            steps, until = [below(each) for each in parts], isinstance(op, ast.Or)
            if until:
                return lambda values: any(_truth(each(values)) for each in steps)
            return lambda values: all(_truth(each(values)) for each in steps)
        case ast.Compare(left=left, ops=ops, comparators=comparators) if all(type(op) in COMPARISON for op in ops):
            terms = [below(each) for each in (left, *comparators)]
            return _chain(terms, [(COMPARISON[type(op)], isinstance(op, ast.Eq | ast.NotEq)) for op in ops])
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
            return _call(name, [below(each) for each in args])
        case _:
            raise _WrongError(f"{type(node).__name__} is not allowed in an expression")


def _dotted(node: ast.AST) -> str:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attribute):
            return f"{_dotted(value)}.{attribute}"
        case _:
            raise _WrongError("only a name may stand before a dot")


def _named(name: str, names: dict[str, None]) -> Step:
    if name in WORDS:
        word = WORDS[name]
        return lambda _: word
    names[name] = None

    def look(values: Mapping[str, Any]) -> Any:
        if name not in values:
            raise _WrongError(f"there is no {name!r}")
        return values[name]

    return look


def _chain(terms: list[Step], tests: list[tuple[Callable[[Any, Any], bool], bool]]) -> Step:
    """`a < b <= c`, as in Python: every neighbouring pair. Only == and != take values of different kinds."""

    def run(values: Mapping[str, Any]) -> bool:
        one = terms[0](values)
        for term, (test, any_kind) in zip(terms[1:], tests, strict=True):
            other = term(values)
            if not any_kind and not (isinstance(one, str) and isinstance(other, str)):
                _number(one), _number(other)
            if not test(one, other):
                return False
            one = other
        return True

    return run


def _call(name: str, steps: list[Step]) -> Step:
    if name not in FUNCTIONS:
        raise _WrongError(f"there is no function {name!r}{nearest(name, FUNCTIONS)}")
    work, least, most = FUNCTIONS[name]
    if not least <= len(steps) <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        raise _WrongError(f"{name} takes {wanted} arguments, not {len(steps)}")
    return lambda values: _bounded(work(*[_number(each(values)) for each in steps]))


def _number(value: Any) -> Any:
    if not isinstance(value, int | float):
        raise _WrongError(f"{value!r} is not a number")
    return value


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _WrongError(f"{value!r} is neither true nor false")
    return value


def _bounded(value: Any) -> Any:
    if isinstance(value, int) and value.bit_length() > LARGEST_BITS:
        raise _WrongError("the number is too large")
    if isinstance(value, complex) or (isinstance(value, float) and not math.isfinite(value)):
        raise _WrongError("the result is not a finite number")
    return value
