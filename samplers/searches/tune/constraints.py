"""Conditions on metrics: `vram <= 20000`, told to the samplers that know constraints.

Unlike `where`, which holds between a setting's own values, a constraint is known only once the setting has run.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from dataclasses import dataclass

from samplers.searches.grid.expressions import Expression
from storage.errors import UsageError

PREFIX = "constraints:"
"""Of the attributes in which Optuna keeps a trial's constraints; a value of at most 0 meets one."""


@dataclass(frozen=True)
class Constraint:
    """One condition."""

    text: str
    excess: Expression
    """By how much it is missed; at most 0 where it is met."""

    @staticmethod
    def parse(given: object, where: str) -> Constraint:
        """From `vram <= 20000`, or any other comparison of two expressions by <, <=, > or >=.

        >>> Constraint.parse("vram <= 20000", "here").value({"vram": 24000.0})
        4000.0
        >>> Constraint.parse("accuracy / size > 0.5", "here").excess.text
        '(0.5) - (accuracy / size)'

        Raises:
            UsageError: It is no such comparison.
        """
        if not isinstance(given, str):
            raise UsageError(f"{given!r} is not a condition, like vram <= 20000", where)
        Expression.parse(given, where)
        match ast.parse(given.strip(), mode="eval").body:
            case ast.Compare(left=low, ops=[ast.Lt() | ast.LtE()], comparators=[high]):
                difference = f"({ast.unparse(low)}) - ({ast.unparse(high)})"
            case ast.Compare(left=high, ops=[ast.Gt() | ast.GtE()], comparators=[low]):
                difference = f"({ast.unparse(low)}) - ({ast.unparse(high)})"
            case _:
                raise UsageError(f"{given!r} is not one comparison by <, <=, > or >=, like vram <= 20000", where)
        excess = Expression.parse(difference, where)
        if not excess.names:
            raise UsageError(f"{given!r} names no metric", where)
        return Constraint(given, excess)

    def is_known(self, metrics: Mapping[str, float]) -> bool:
        """Whether the metrics that it needs are there, whatever their values."""
        return all(name in metrics for name in self.excess.names)

    def value(self, metrics: Mapping[str, float]) -> float | None:
        """The excess for these metrics; None if one is missing, or it has no finite value."""
        if any(not math.isfinite(metrics.get(name, math.nan)) for name in self.excess.names):
            return None
        try:
            value = self.excess.evaluate(metrics)
        except UsageError:
            return None
        return float(value) if isinstance(value, int | float) else None
