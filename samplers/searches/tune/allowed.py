"""Whether a space has a setting that its conditions allow: tried out before a study begins."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from random import Random
from types import MappingProxyType
from typing import Any

from samplers.searches.grid.relations import Evaluated
from samplers.searches.tune.settings import TuneSettings
from samplers.searches.tune.space import Choices, Numbers
from storage.errors import UsageError

TRIED_SETTINGS = 10_000
MAX_WRONG_EXPRESSIONS = 100
"""Of the settings that are tried first: where an expression has no value for so many, it has one for none."""


def check_allowed(settings: TuneSettings) -> None:
    """Try settings of the space, uniformly at random, until one is allowed; where they can be listed, list them. Then
    those of each setting that is enqueued with some of its values.

    Raises:
        UsageError: None is, or the expressions have a value for none.
    """
    if not settings.allowed:
        _check_some(settings, {}, "no setting of the space", f"{settings.where}.where")
    for index, given in enumerate(settings.enqueue):
        _check_some(settings, given, "no setting with these values", f"{settings.where}.enqueue[{index}]")


def _check_some(settings: TuneSettings, given: Mapping[str, Any], what: str, where: str) -> None:
    """Check that a setting with the given values is allowed."""
    random = Random(settings.seed)
    left_out: Counter[str] = Counter()
    wrong: UsageError | None = None
    for number in range(TRIED_SETTINGS):
        try:
            found = tried(settings, random, given)
        except UsageError as error:
            wrong = error
            if number >= MAX_WRONG_EXPRESSIONS and not left_out:
                raise
            continue
        if found.filtered is None:
            return
        left_out[found.filtered] += 1
    if not left_out and wrong is not None:
        raise wrong
    ((condition, count),) = left_out.most_common(1)
    tries = f"{count:,} of {TRIED_SETTINGS:,} settings tried at random"
    raise UsageError(f"{what} is allowed: {condition!r} left out {tries}", where)


def possible(settings: TuneSettings, random: Random) -> Evaluated | None:
    """One setting that is allowed; where none is found soon, one for which the expressions have a value. None: neither
    is found."""
    found = None
    for _ in range(MAX_WRONG_EXPRESSIONS):
        with suppress(UsageError):
            found = tried(settings, random)
            if found.filtered is None:
                break
    return found


def tried(settings: TuneSettings, random: Random, given: Mapping[str, Any] = MappingProxyType({})) -> Evaluated:
    """One setting of the space with the given values, otherwise uniformly at random.

    Raises:
        UsageError: An expression has no value for it.
    """
    axes = settings.space.axes
    return settings.relations.evaluated(
        axes, lambda name: given[name] if name in given else uniform(axes[name], random)
    )


def uniform(axis: Numbers | Choices, random: Random) -> Any:
    """A value of the axis; of a logarithmic one, uniform in its logarithm."""
    if axis.size is not None and (isinstance(axis, Choices) or axis.scale == "linear"):
        return axis.listed[int(random.random() * axis.size)]
    assert isinstance(axis, Numbers)
    if axis.scale == "linear":
        return axis.value(axis.low + random.random() * (axis.high - axis.low))
    low, high = (axis.low - 0.5, axis.high + 0.5) if axis.whole else (axis.low, axis.high)
    value = math.exp(math.log(low) + random.random() * (math.log(high) - math.log(low)))
    return min(max(round(value), int(axis.low)), int(axis.high)) if axis.whole else axis.value(value)
