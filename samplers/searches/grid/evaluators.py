"""From Python's syntax tree to evaluators: one small function a kind of node, and nothing for any other kind.

An evaluator takes the values of the names and returns the value of its node. `n_embd % n_head == 0` becomes

    compared( computed(mod, name(n_embd), name(n_head)), [(eq, constant(0))] )

so that evaluating an expression calls only what operators.py holds.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from samplers.searches.grid.operators import (
    ARITHMETIC,
    EQUALITY,
    FUNCTIONS,
    ORDERING,
    ExpressionError,
    bounded,
    number,
    truth,
)
from storage.errors import nearest

Names = Mapping[str, Any]
"""The values of an expression's names."""
Evaluator = Callable[[Names], Any]

MAX_DEPTH_LEVELS = 40
CONSTANTS: Mapping[str, bool | None] = {"true": True, "false": False, "null": None}


class Compiler:
    """Builds the evaluator of one expression, and collects the names that it needs.

    >>> compiler = Compiler()
    >>> evaluator = compiler.evaluator(ast.parse("n_embd % n_head == 0", mode="eval").body)
    >>> compiler.names
    ['n_embd', 'n_head']
    >>> evaluator({"n_embd": 96, "n_head": 4}), evaluator({"n_embd": 98, "n_head": 4})
    (True, False)
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        """In the order of their first use."""

    def evaluator(self, node: ast.AST, depth: int = 0) -> Evaluator:
        """The evaluator of a node that lies `depth` levels below the root.

        Raises:
            ExpressionError: An expression may not hold such a node.
        """
        if depth > MAX_DEPTH_LEVELS:
            raise ExpressionError(f"nested more than {MAX_DEPTH_LEVELS} levels deep")

        def below(child: ast.AST) -> Evaluator:
            return self.evaluator(child, depth + 1)

        match node:
            case ast.Constant(value=bool() | int() | float() | str() | None as value):
                return _constant(value)
            case ast.Name() | ast.Attribute():
                return self._name(_dotted_name(node))
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
                return _signed(-1 if isinstance(sign, ast.USub) else 1, below(operand))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return _negated(below(operand))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in ARITHMETIC:
                return _computed(ARITHMETIC[type(op)], below(left), below(right))
            case ast.BoolOp(op=op, values=parts):
                conditions = [below(part) for part in parts]
                return _any_true(conditions) if isinstance(op, ast.Or) else _all_true(conditions)
            case ast.Compare(left=left, ops=ops, comparators=others) if all(map(_is_comparison, ops)):
                return _compared(below(left), [(type(op), below(other)) for op, other in zip(ops, others, strict=True)])
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return _called(name, [below(argument) for argument in arguments])
            case _:
                raise ExpressionError(f"{type(node).__name__} is not allowed in an expression")

    def _name(self, name: str) -> Evaluator:
        if name in CONSTANTS:
            return _constant(CONSTANTS[name])
        if name not in self.names:
            self.names.append(name)

        def value_of_name(names: Names) -> Any:
            if name not in names:
                raise ExpressionError(f"there is no {name!r}")
            return names[name]

        return value_of_name


def _dotted_name(node: ast.AST) -> str:
    """`optimizer.lr`, a key of a nested config, is an attribute to Python."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attribute):
            return f"{_dotted_name(value)}.{attribute}"
        case _:
            raise ExpressionError("only a name may stand before a dot")


def _constant(value: Any) -> Evaluator:
    bounded(value)
    if isinstance(value, str) and any(each == "\0" or "\ud800" <= each <= "\udfff" for each in value):
        raise ExpressionError(f"{value!r} holds a character that cannot be kept")
    return lambda _: value


def _signed(factor: int, operand: Evaluator) -> Evaluator:
    return lambda names: factor * number(operand(names))


def _negated(condition: Evaluator) -> Evaluator:
    return lambda names: not truth(condition(names))


def _computed(work: Callable[[Any, Any], Any], left: Evaluator, right: Evaluator) -> Evaluator:
    return lambda names: bounded(work(number(left(names)), number(right(names))))


def _any_true(conditions: Sequence[Evaluator]) -> Evaluator:
    return lambda names: any(truth(condition(names)) for condition in conditions)


def _all_true(conditions: Sequence[Evaluator]) -> Evaluator:
    return lambda names: all(truth(condition(names)) for condition in conditions)


def _is_comparison(op: ast.AST) -> bool:
    return type(op) in EQUALITY or type(op) in ORDERING


def _compared(first: Evaluator, others: Sequence[tuple[type[ast.AST], Evaluator]]) -> Evaluator:
    """`a < b <= c`: every neighbouring pair, from the left until one does not hold, as in Python."""

    def holds(names: Names) -> bool:
        left = first(names)
        for op, evaluator in others:
            right = evaluator(names)
            if op in ORDERING and not (isinstance(left, str) and isinstance(right, str)):
                number(left), number(right)
            test = ORDERING[op] if op in ORDERING else EQUALITY[op]
            if not test(left, right):
                return False
            left = right
        return True

    return holds


def _called(name: str, arguments: Sequence[Evaluator]) -> Evaluator:
    if name not in FUNCTIONS:
        raise ExpressionError(f"there is no function {name!r}{nearest(name, FUNCTIONS)}")
    function = FUNCTIONS[name]
    least, most = function.min_arguments, function.max_arguments
    if not least <= len(arguments) <= most:
        allowed = str(least) if least == most else f"{least} to {most}"
        raise ExpressionError(f"{name} takes {allowed} arguments, not {len(arguments)}")
    return lambda names: bounded(function.apply(*[number(argument(names)) for argument in arguments]))
