"""The range of a parameter in Optuna: what a search can reach, and wider for a value that was asked for beyond it.

Optuna compares trials by the parameters whose ranges are the same in all of them, so that a name keeps one range as far
as that is possible. It takes memory for every whole number of a range, and calls a parameter important that could have
varied: hence no room beyond what the search can reach.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution


def seeds(first: int, count: int) -> BaseDistribution:
    """The seeds first, first + 1, … in use."""
    from optuna.distributions import IntDistribution

    return IntDistribution(first, first + count - 1)


def holding(distribution: BaseDistribution, value: Any) -> BaseDistribution:
    """The distribution itself if it holds a value, else one that reaches to it.

    >>> from optuna.distributions import IntDistribution
    >>> holding(IntDistribution(1, 8, log=True), 20)
    IntDistribution(high=20, log=True, low=1, step=1)

    Raises:
        ValueError: No distribution of its kind holds the value.
    """
    from optuna.distributions import FloatDistribution, IntDistribution

    internal = distribution.to_internal_repr(value)
    if distribution._contains(internal):
        return distribution
    if not isinstance(distribution, IntDistribution | FloatDistribution):
        raise ValueError(f"{value!r} is none of the choices {distribution}")
    ends = min(distribution.low, internal), max(distribution.high, internal)
    if isinstance(distribution, IntDistribution):
        wider: BaseDistribution = IntDistribution(int(ends[0]), int(ends[1]), log=distribution.log)
    else:
        wider = FloatDistribution(*ends, log=distribution.log)
    if not wider._contains(internal):
        raise ValueError(f"{value!r} is no value for {distribution}")
    return wider
