"""Whether seeds tell two settings apart: Student's paired t test, two-sided, at 95 %.

Source: Student (1908), "The probable error of a mean", Biometrika 6(1).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import fmean, stdev

# 97.5 % quantiles of Student's t for 1 … 30 degrees of freedom.
# fmt: off
T975 = (
    12.7062047, 4.30265273, 3.18244631, 2.77644511, 2.57058184, 2.44691185, 2.36462425, 2.30600414,
    2.26215716, 2.22813885, 2.20098516, 2.17881283, 2.16036866, 2.14478669, 2.13144955, 2.11990530,
    2.10981558, 2.10092204, 2.09302405, 2.08596345, 2.07961384, 2.07387307, 2.06865761, 2.06389856,
    2.05953855, 2.05552944, 2.05183052, 2.04840714, 2.04522964, 2.04227246,
)
# fmt: on
Z975 = 1.959963984540054


OVERFLOW_SCALE = 2.0**-64
"""A power of two: scaling by it is exact for every number above 1e-289."""


def mean(values: Iterable[float]) -> float:
    """The mean of one or more numbers; finite if they are, even if their sum exceeds the largest float."""
    every = list(values)
    try:
        return fmean(every)
    except OverflowError:
        return fmean(value * OVERFLOW_SCALE for value in every) / OVERFLOW_SCALE


def deviation(values: Iterable[float]) -> float | None:
    """Standard deviation of the sample; None of fewer than two values, infinite if it exceeds the largest float."""
    every = list(values)
    if len(every) < 2:
        return None
    if not all(map(math.isfinite, every)):
        return math.inf
    try:
        return stdev(every)
    except OverflowError:
        return stdev([value * OVERFLOW_SCALE for value in every]) / OVERFLOW_SCALE


def standard_error(values: Sequence[float]) -> float | None:
    """Standard error of the mean; None of fewer than two values."""
    sd = deviation(values)
    return None if sd is None else sd / math.sqrt(len(values))


def t975(freedom: int) -> float:
    """The 97.5 % quantile of Student's t. Beyond the table, by the expansion of Fisher and Cornish (1960), to 1e-6."""
    if freedom <= len(T975):
        return T975[freedom - 1]
    z = Z975
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3


def inseparable(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether paired values, one pair a seed, may have the same mean. Never true of fewer than two seeds."""
    differences = [a / 4 - b / 4 for a, b in zip(one, other, strict=False)]  # quarters never overflow
    error = standard_error(differences)
    if error is None or math.isinf(error):
        return error is not None
    return abs(mean(differences)) <= t975(len(differences) - 1) * error
