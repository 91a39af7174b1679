"""For a given exponent a law is a straight line over z = u^exponent: each exponent's best line and its residuals.

Variable projection: Golub and Pereyra (1973), "The differentiation of pseudo-inverses and nonlinear least squares
problems whose variables separate", SIAM J. Numer. Anal. 10.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Shape = Literal["constant", "power", "saturating", "growing"]

STEEPEST, FLATTEST = 4.0, 0.02
"""The range of exponents; a flatter law cannot be distinguished from a logarithm."""


@dataclass(frozen=True)
class Profile:
    """The best line over z for each exponent."""

    error: Numbers
    offset: Numbers
    factor: Numbers
    middle: Numbers
    """Mean of z; 0 without an offset."""
    spread: Numbers
    """Sum of squares of z around it."""
    count: int
    has_offset: bool

    def curve(self, z: Numbers) -> tuple[Numbers, Numbers]:
        """The line at z, and its variance for residuals of variance 1."""
        around = (z - self.middle) ** 2 / self.spread
        return self.offset + self.factor * z, around + (1 / self.count if self.has_offset else 0.0)

    def factor_of(self) -> tuple[Numbers, Numbers]:
        """The slope, and its variance for residuals of variance 1."""
        return self.factor, 1 / self.spread


def profile_of(exponents: Numbers, u: Numbers, y: Numbers, has_offset: bool) -> Profile:
    z = u[None, :] ** exponents[:, None]
    middle = z.mean(1) if has_offset else np.zeros(len(exponents))
    level = float(y.mean()) if has_offset else 0.0
    around = z - middle[:, None]
    spread = np.maximum((around**2).sum(1), np.finfo(float).tiny)
    factor = around @ (y - level) / spread
    residuals = (y - level)[None, :] - factor[:, None] * around
    error = (residuals**2).sum(1)
    return Profile(error, level - factor * middle, factor, middle, spread, len(y), has_offset)


def grid_of(shape: Shape, count: int) -> Numbers:
    steps = np.geomspace(FLATTEST, STEEPEST, count)
    match shape:
        case "saturating":
            return -steps[::-1]
        case "growing":
            return steps
        case _:
            return np.concatenate([-steps[::-1], [0.0], steps])


def aicc(error: Any, points: int, parameters: int) -> Any:
    """Of a curve with so many parameters; the residuals' size is one more."""
    k = parameters + 1
    return points * np.log(error / points) + 2 * k + 2 * k * (k + 1) / (points - k - 1)
