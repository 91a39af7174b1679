"""Expressions of a definition: `n_embd % n_head == 0`, `round_to(384 * log2(1 + model_scale), 64)`.

An expression holds arithmetic, comparisons, and/or/not, the functions of operators.py, and a point's names; a name may
be dotted, like the keys of a nested config. `true`, `false` and `null` are values. Python's parser reads the text into
a tree, and evaluators.py takes only the nodes that it knows: nothing is ever compiled or evaluated as Python. The
length of the text, the depth of the tree and every number are bounded, so no expression runs long or grows large.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from samplers.searches.grid.evaluators import Compiler, Evaluator
from samplers.searches.grid.operators import ExpressionError, bounded
from storage.errors import UsageError

Value = int | float | bool | str | None

MAX_EXPRESSION_CHARACTERS = 500


@dataclass(frozen=True)
class Expression:
    """One expression, parsed and checked."""

    text: str
    where: str
    """The expression's place in the definition, for messages."""
    names: tuple[str, ...]
    """The names that it needs, in the order of their first use."""
    _evaluator: Evaluator = field(repr=False, compare=False)

    @staticmethod
    def parse(text: object, where: str) -> Expression:
        """Parse an expression; a plain number, true or false is an expression too.

        >>> Expression.parse("round_to(96, 64) + n_head", "here").evaluate({"n_head": 2})
        130

        Raises:
            UsageError: The text is no expression, or holds what an expression may not.
        """
        if isinstance(text, bool):
            text = "true" if text else "false"
        if not isinstance(text, str | int | float):
            raise UsageError(f"{where}: {text!r} is not an expression, like n_embd_factor * n_head")
        written = " ".join(str(text).split())
        if len(written) > MAX_EXPRESSION_CHARACTERS:
            limit = f"{len(written)} characters; {MAX_EXPRESSION_CHARACTERS} are allowed"
            raise UsageError(f"{where}: {written[:40]!r}… has {limit}")
        compiler = Compiler()
        try:
            with warnings.catch_warnings():  # Python warns about style, like `1and 2`
                warnings.simplefilter("ignore")
                tree = ast.parse(written, mode="eval")
            evaluator = compiler.evaluator(tree.body)
        except ExpressionError as error:
            raise UsageError(f"{where}: {written!r}: {error}") from error
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise UsageError(f"{where}: {written!r} is not an expression, like n_embd % n_head == 0") from error
        return Expression(written, where, tuple(compiler.names), evaluator)

    def evaluate(self, values: Mapping[str, Any]) -> Value:
        """The expression's value for these values of its names.

        Raises:
            UsageError: It has none: a division by zero, a text where a number is needed, a number too large, …
        """
        try:
            value: Value = bounded(self._evaluator(values))
        except (ExpressionError, ArithmeticError, ValueError) as error:
            given = ", ".join(f"{name}={values[name]!r}" for name in self.names if name in values)
            reason = _reason(error)
            raise UsageError(f"{self.where}: {self.text!r}{given and f' with {given}'}: {reason}") from error
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


def _reason(error: Exception) -> str:
    known: Mapping[type, str] = {ZeroDivisionError: "division by zero", OverflowError: "too large"}
    return known.get(type(error), str(error))
