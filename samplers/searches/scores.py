"""A score or a cost over the metrics that an objective returns: a metric's name, or an expression over several.

    score: {metric: "exp(-val_loss)", direction: maximize}
    cost: seconds * n_devices

A metric that has the whole text as its name comes first, so `val/loss` and `val-loss` are names.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from functools import cache

from samplers.searches.grid.expressions import Expression
from storage.errors import UsageError

PLAIN_NAME = re.compile(r"[\w./@:-]+")
CALL = re.compile(r"[A-Za-z_]\w*\(.*\)", re.DOTALL)


@cache
def _expression(text: str) -> Expression | None:
    if PLAIN_NAME.fullmatch(text):
        return None
    try:
        found = Expression.parse(text, "score")
    except UsageError:
        return None
    return found if found.names else None


def metrics_needed(text: str | None) -> tuple[str, ...]:
    """The names of the metrics that a score or a cost is made of."""
    if text is None:
        return ()
    expression = _expression(text)
    return (text,) if expression is None else expression.names


def check_score(text: str, where: str) -> None:
    """Check a text that looks like a function of metrics.

    Raises:
        UsageError: It is no expression.
    """
    if CALL.fullmatch(text) and _expression(text) is None:
        Expression.parse(text, where)


def value_of(text: str, metrics: Mapping[str, float]) -> float | None:
    """The value for these metrics; None if one that it needs is missing, NaN if one is not finite.

    Raises:
        UsageError: It has no value, like a division by zero.
    """
    if text in metrics:
        return metrics[text]
    expression = _expression(text)
    if expression is None or any(name not in metrics for name in expression.names):
        return None
    values = {name: metrics[name] for name in expression.names}
    if not all(map(math.isfinite, values.values())):
        return math.nan
    value = expression.evaluate(values)
    return float(value) if isinstance(value, int | float) else None


def known_value(text: str, metrics: Mapping[str, float]) -> float | None:
    """The same; None where it has no value."""
    try:
        return value_of(text, metrics)
    except UsageError:
        return None


def best_of(values: Iterable[float | None], direction: str) -> float | None:
    """The best of the finite values; None without any."""
    finite = [value for value in values if value is not None and math.isfinite(value)]
    if not finite:
        return None
    return max(finite) if direction == "maximize" else min(finite)
