"""Student's t distribution with a whole number of degrees of freedom: its tail, its density, its expected excess."""

from __future__ import annotations

import math


def upper_tail(t: float, freedom: int) -> float:
    """The probability that Student's t exceeds `t` ≥ 0.

    Source: Abramowitz & Stegun (1964), 26.7.3 and 26.7.4.
    """
    angle = math.atan(t / math.sqrt(freedom))
    sine, square = math.sin(angle), math.cos(angle) ** 2
    if freedom % 2:
        term, total = math.cos(angle), 0.0
        for number in range(1, freedom, 2):
            total += term
            term *= square * (number + 1) / (number + 2)
        inside = 2 / math.pi * (angle + sine * total)
    else:
        term, total = 1.0, 0.0
        for number in range(0, freedom, 2):
            total += term
            term *= square * (number + 1) / (number + 2)
        inside = sine * total
    return max(0.0, (1 - inside) / 2)


def density(t: float, freedom: int) -> float:
    """The density at `t`. Source: Abramowitz & Stegun (1964), 26.7.1, differentiated."""
    half = (freedom + 1) / 2
    logarithm = math.lgamma(half) - math.lgamma(freedom / 2) - math.log(freedom * math.pi) / 2
    return math.exp(logarithm - half * math.log1p(t * t / freedom))


def expected_excess(t: float, freedom: int) -> float:
    """The mean of max(0, T - `t`) for T of Student's t with two or more degrees of freedom, and `t` ≥ 0.

    It is the expected linear loss of Chick & Inoue (2001), "New two-stage and sequential procedures for selecting the
    best simulated system", Operations Research 49(5).

    >>> round(expected_excess(0.0, 4), 4), expected_excess(1e200, 4)
    (0.5, 0.0)
    """
    if t > 1e6:
        return 0.0
    mean_above = (freedom + t * t) / (freedom - 1) * density(t, freedom)
    return max(0.0, mean_above - t * upper_tail(t, freedom))
