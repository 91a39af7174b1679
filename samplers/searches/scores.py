"""A score or a cost over the metrics that an objective returns: a metric's name, or an expression over several.

    score: {metric: "exp(-val_loss)", direction: maximize}
    cost: seconds * n_devices

A metric that has the whole text as its name comes first, so `val/loss` and `val-loss` are names.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from samplers.searches.grid.expressions import Expression
from storage.checks import check_keys
from storage.errors import UsageError, nearest
from storage.records import Score

SCORES_OF = ("last", "best")
DIRECTIONS = ("maximize", "minimize")
SEVERAL_SCORES = ("tune",)
"""Searches that improve several scores at once."""
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


@dataclass(frozen=True)
class Scores:
    """The `score:` of a definition."""

    all: tuple[Score, ...]
    of: str
    """Which of a trial's values is its score, one of SCORES_OF."""


def parse_scores(given: object, search: str, where: str) -> Scores:
    """`{metric, direction}`, with `of: best` where the best reported value counts; or a list of them.

    Raises:
        UsageError: It is none, or there are several for a search that improves one.
    """
    if not isinstance(given, list) or len(given) == 1:
        score, of = _parse_score(given[0] if isinstance(given, list) else given, where)
        return Scores((score,), of)
    if search not in SEVERAL_SCORES:
        able = " or ".join(SEVERAL_SCORES)
        raise UsageError(f"a {search} search improves one metric, and {len(given)} are given; several: {able}", where)
    if not given:
        raise UsageError("is empty; like {metric: val_loss, direction: minimize}", where)
    parsed = [_parse_score(each, f"{where}[{place}]") for place, each in enumerate(given)]
    names = [score.metric for score, _ in parsed]
    for place, (score, of) in enumerate(parsed):
        if score.metric in names[:place]:
            raise UsageError(f"{score.metric!r} stands there twice", f"{where}[{place}].metric")
        if of != SCORES_OF[0]:
            raise UsageError("the best reported value is of one score; of several the last values count", f"{where}.of")
    return Scores(tuple(score for score, _ in parsed), SCORES_OF[0])


def _parse_score(given: object, where: str) -> tuple[Score, str]:
    if not isinstance(given, dict):
        raise UsageError("is missing" if given is None else f"{given!r} is not a mapping", where)
    check_keys(given, ("metric", "direction", "of"), where)
    for key in ("metric", "direction"):
        value = given.get(key)
        if not isinstance(value, str) or not value:
            raise UsageError("is missing" if value is None else f"{value!r} is not a text", f"{where}: {key}")
    if given["direction"] not in DIRECTIONS:
        raise UsageError(f"{given['direction']!r}{nearest(given['direction'], DIRECTIONS)}", f"{where}.direction")
    of = given.get("of", SCORES_OF[0])
    if of not in SCORES_OF:
        raise UsageError(f"{of!r}{nearest(str(of), SCORES_OF)}", f"{where}.of")
    return Score(given["metric"], given["direction"]), str(of)
