"""Laws of one number over another, fitted and compared: does a loss fall with its cost, and how surely?

    constant                y = a
    power law               y = b·(x/x₀)^e          Kaplan et al. (2020), "Scaling laws for neural language models"; of
                                                    proportions: Huxley and Teissier (1936), "Terminology of relative
                                                    growth", Nature 137
    saturating power law    y = a + b·(x/x₀)^-c     Henighan et al. (2020), "Scaling laws for autoregressive generative
                                                    modeling": a is what no cost gets below (or, with b < 0, above)
    growing power law       y = a + b·(x/x₀)^c      the same with its end at small x: proportions that part from a

x₀ is the middle of the x (their geometric mean, rounded), so that b is what the law adds there. Residuals are taken as
independent and of one size. For a given exponent each law is linear, so its best exponent is found on a line, not in a
space (law_profiles.py).

Intervals and bands are profile likelihood's, at 95 %: a value belongs to the interval as long as the best curve
through it is not worse by F's quantile (Bates and Watts, 1988, "Nonlinear regression analysis", ch. 6). The delta
method gives symmetric intervals, which miss on the curved side of such a law; a bootstrap of ten points draws the same
few again and again. A band is the curve's, not a further point's. An end that is not found is None.

Laws are compared by AICc (Hurvich and Tsai, 1989, Biometrika 76). Whether there is a law at all is asked first
(lawfulness.py): it finds a law in at most `FALSE_ALARM` of sets of noise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import f as f_distribution

from studies.laws.lawfulness import Order, chance_of
from studies.laws.profiles import FLATTEST, Numbers, Profile, Shape, aicc, grid_of, profile_of

FALSE_ALARM = 0.05
"""Share of noise in which a law is found: the level of the test."""
LEVEL = 0.95
MIN_SIZE, MAX_SIZE = 1e-150, 1e100
"""Sizes whose squares are still numbers."""
MIN_POINTS = 5
"""Points below which nothing is fitted: AICc of two laws needs as many."""
NAMES = {
    "constant": "constant",
    "power": "power law",
    "saturating": "saturating power law",
    "growing": "growing power law",
}
_GRID_POINTS = 121  # exponents of a fit's grid


@dataclass(frozen=True)
class Estimate:
    """A parameter with its interval at 95 %; an end that was not found is None."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Fit:
    """One law on one set of points."""

    shape: Shape
    x: Numbers
    y: Numbers
    scale: float
    """x₀."""
    exponent: float
    """Of x/x₀, with its sign; 0 for a constant."""

    @property
    def name(self) -> str:
        return NAMES[self.shape]

    @property
    def has_offset(self) -> bool:
        return self.shape != "power"

    @property
    def count(self) -> int:
        """Parameters of the curve."""
        return {"constant": 1, "power": 2}.get(self.shape, 3)

    @cached_property
    def profile(self) -> Profile:
        return profile_of(np.array([self.exponent]), self.x / self.scale, self.y, self.has_offset)

    @property
    def offset(self) -> float:
        """a; 0 for a power law."""
        return float(self.profile.offset[0])

    @property
    def factor(self) -> float:
        """b; 0 for a constant."""
        return float(self.profile.factor[0])

    @property
    def error(self) -> float:
        """Sum of squares of the residuals; above zero, since numbers are rounded."""
        return _above_zero(float(self.profile.error[0]), self.y)

    @property
    def aicc(self) -> float:
        return float(aicc(self.error, len(self.y), self.count))

    @property
    def residuals(self) -> Numbers:
        return self.y - self.at(self.x)

    def at(self, x: Sequence[float] | Numbers) -> Numbers:
        """The curve."""
        return self.offset + self.factor * (np.asarray(x, float) / self.scale) ** self.exponent

    @cached_property
    def _limit(self) -> float:
        """The sum of squares up to which a curve belongs to the confidence region."""
        freedom = len(self.y) - self.count
        return self.error * (1 + float(f_distribution.ppf(LEVEL, 1, freedom)) / freedom)

    @cached_property
    def _exponents(self) -> tuple[Numbers, bool, bool]:
        """Exponents in the confidence region, lowest to highest, and whether each end is one."""
        if self.shape == "constant":
            return np.array([0.0]), True, True
        grid, u = grid_of(self.shape, _GRID_POINTS), self.x / self.scale

        def excess(exponent: float) -> float:
            return float(profile_of(np.array([exponent]), u, self.y, self.has_offset).error[0]) - self._limit

        inside = np.flatnonzero(profile_of(grid, u, self.y, self.has_offset).error <= self._limit)
        ends = []
        for outermost, beyond, inner in (
            (inside.min(initial=len(grid)), -1, self.exponent),
            (inside.max(initial=-1), 1, self.exponent),
        ):
            within = inner
            if 0 <= outermost < len(grid) and beyond * (grid[outermost] - inner) > 0:
                within = grid[outermost]
            outside = grid[beyond * (grid - within) > 0]
            if len(outside):
                nearest = outside[np.argmin(abs(outside - within))]
                ends.append((float(brentq(excess, within, nearest)), True) if excess(within) < 0 else (within, True))
            else:
                ends.append((float(within), False))
        (low, is_low), (high, is_high) = ends
        between = np.union1d(np.linspace(low, high, _GRID_POINTS), [self.exponent])
        return between[(between >= low) & (between <= high)], is_low, is_high

    def _interval(self, at: float | None) -> tuple[float, float]:
        """Lowest and highest of b, or of a + b·z at each z of the exponents: the union over all exponents."""
        exponents, _, _ = self._exponents
        profile = profile_of(exponents, self.x / self.scale, self.y, self.has_offset)
        return self._union(profile, *(profile.factor_of() if at is None else profile.curve(at**exponents)))

    def _union(self, profile: Profile, middle: Numbers, spread: Numbers) -> tuple[float, float]:
        """Lowest and highest of the intervals around `middle`, one for each exponent."""
        reach = np.sqrt(np.maximum(self._limit - profile.error, 0) * spread)
        return float(np.min(middle - reach)), float(np.max(middle + reach))

    def band(self, x: Sequence[float] | Numbers) -> tuple[Numbers, Numbers]:
        """The curve's confidence band."""
        ends = [self._interval(float(each) / self.scale) for each in np.asarray(x, float)]
        return np.array([low for low, _ in ends]), np.array([high for _, high in ends])

    def estimates(self) -> dict[str, Estimate]:
        """Each parameter of the law with its interval: `a`, `b`, `exponent`."""
        exponents, is_low, is_high = self._exponents
        found = {}
        flat_open = self.has_offset and not (is_high if self.shape == "saturating" else is_low)
        rising, falling = flat_open and self.factor > 0, flat_open and self.factor < 0
        if self.has_offset:
            low, high = self._offset_interval(exponents)
            found["a"] = Estimate(self.offset, None if rising else low, None if falling else high)
        if self.shape != "constant":
            low, high = self._interval(None)
            found["b"] = Estimate(self.factor, None if falling else low, None if rising else high)
            ends = (float(exponents[0]) if is_low else None, float(exponents[-1]) if is_high else None)
            found["exponent"] = Estimate(self.exponent, *ends)
        return found

    def _offset_interval(self, exponents: Numbers) -> tuple[float, float]:
        profile = profile_of(exponents, self.x / self.scale, self.y, True)
        middle, spread = profile.curve(np.zeros(len(exponents)))
        if self.shape == "constant":
            middle, spread = profile.offset, np.array([1 / len(self.y)])
        return self._union(profile, middle, spread)

    def formula(self, x: str, y: str) -> str:
        """In words: `val_loss ≈ 1.52 + 0.31 · (params / 81,000)^-0.42`."""
        if self.shape == "constant":
            return f"{y} ≈ {self.offset:.4g}, whatever {x} is"
        power = f"({x} / {self.scale:,.6g})^{self.exponent:.3g}"
        if self.shape == "power":
            return f"{y} ≈ {self.factor:.4g} · {power}"
        return f"{y} ≈ {self.offset:.4g} {'+' if self.factor >= 0 else '−'} {abs(self.factor):.4g} · {power}"


@dataclass(frozen=True)
class Verdict:
    """Every law fitted to a set of points, the chosen one, and warnings."""

    fits: Sequence[Fit]
    """In the order of the laws above; empty with too few points."""
    chosen: Fit | None
    """By AICc among all; the constant where the test finds no law; None with too few points."""
    chance: float | None
    """The p value: how often the values in a random order follow a law as well."""
    warnings: Sequence[str]

    @property
    def is_law(self) -> bool:
        """Whether a law beats the constant."""
        return self.chosen is not None and self.chosen.shape != "constant"

    @property
    def laws(self) -> Sequence[Fit]:
        """The fits beside the constant."""
        return [fit for fit in self.fits if fit.shape != "constant"]


def judge(
    x: Sequence[float],
    y: Sequence[float],
    curved: Literal["saturating", "growing"] = "saturating",
    order: Order = "exchangeable",
    evidence: tuple[Sequence[float], Sequence[float]] | None = None,
) -> Verdict:
    """Fit every law to points and choose one. Points whose numbers are not finite, or whose x is not above zero, are
    left out with a warning.

    Args:
        curved: The law with an offset that is fitted.
        order: The null model. `exchangeable`: each y is independent. `walk`: each y goes on from the one before, as the
            proportions of a growing model do; noise is then a walk without drift.
        evidence: Points, by x and y, to test for a law in place of these, where these were selected by their y: along a
            growth's path each score is above the last, noise or not.
    """
    kept, dropped = _finite(x, y)
    warnings = [f"{dropped} points without a finite number above zero are left out"] if dropped else []
    xs, ys = kept
    distinct = len(np.unique(xs))
    if len(xs) < MIN_POINTS or distinct < MIN_POINTS - 1:
        what = f"{len(xs)} points" if distinct == len(xs) else f"{len(xs)} points at {distinct} places"
        return Verdict((), None, None, [*warnings, f"too few points for a law: {what}, {MIN_POINTS} are needed"])
    scale = float(f"{math.exp(float(np.mean(np.log(xs)))):.3g}")
    shapes: list[Shape] = ["constant", "power"]
    if len(xs) > MIN_POINTS and distinct >= MIN_POINTS:
        shapes.append(curved)
    else:
        warnings.append(f"too few points for a {NAMES[curved]}: {MIN_POINTS + 1} are needed")
    fits = [_fit(shape, xs, ys, scale) for shape in shapes]
    chance = chance_of(xs, ys, curved, order)
    if evidence is not None:
        (all_x, all_y), _ = _finite(*evidence)
        chance = chance_of(all_x, all_y, curved, "exchangeable") if len(all_x) >= MIN_POINTS else 1.0
    chosen = min(fits, key=lambda fit: fit.aicc)
    if chance > FALSE_ALARM:
        chosen = fits[0]
    if chosen is fits[0]:
        warnings.append(f"no law: nothing better than a constant (chance {chance:.2g})")
    elif len(xs) < 2 * MIN_POINTS:
        warnings.append(f"only {len(xs)} points: the choice between laws is weak")
    if chosen is not fits[0]:
        warnings += _doubts(chosen, fits)
    return Verdict(fits, chosen, chance, warnings)


def _doubts(chosen: Fit, fits: Sequence[Fit]) -> list[str]:
    doubts = [
        f"a {fit.name} fits as well (AICc within 2)"
        for fit in fits[1:]
        if fit is not chosen and fit.aicc - chosen.aicc < 2
    ]
    exponent = chosen.estimates()["exponent"]
    if chosen.has_offset and abs(chosen.exponent) < 1.05 * FLATTEST:
        doubts.append("the exponent is at the edge of its range: a logarithm fits as well, and no asymptote is visible")
    elif exponent.low is None or exponent.high is None:
        doubts.append("the data do not bound the exponent: its interval is open")
    residuals = chosen.residuals[np.argsort(chosen.x, kind="stable")]
    total = float(residuals @ residuals)
    correlation = float(residuals[1:] @ residuals[:-1]) / total if total > 0 else 0.0
    if correlation > 2 / math.sqrt(len(residuals)):
        doubts.append(f"neighbouring points deviate together (correlation {correlation:.2f}): intervals are too narrow")
    return doubts


def _fit(shape: Shape, x: Numbers, y: Numbers, scale: float) -> Fit:
    if shape == "constant":
        return Fit(shape, x, y, scale, 0.0)
    grid, u, has_offset = grid_of(shape, _GRID_POINTS), x / scale, shape != "power"
    best = int(np.argmin(profile_of(grid, u, y, has_offset).error))
    low, high = grid[max(0, best - 1)], grid[min(len(grid) - 1, best + 1)]
    found = minimize_scalar(
        lambda exponent: float(profile_of(np.array([exponent]), u, y, has_offset).error[0]),
        bounds=(low, high),
        method="bounded",
        options={"xatol": 1e-9},
    )
    return Fit(shape, x, y, scale, float(found.x))


def _above_zero(error: float, y: Numbers) -> float:
    least = max(float(np.max(np.abs(y))) * 1e-12, MIN_SIZE)
    return max(error, len(y) * least * least)


def _finite(x: Sequence[float], y: Sequence[float]) -> tuple[tuple[Numbers, Numbers], int]:
    xs, ys = np.asarray(x, float), np.asarray(y, float)
    good = np.isfinite(xs) & np.isfinite(ys) & (xs > 0)
    good[good] &= np.abs(ys[good]) < MAX_SIZE
    return (xs[good], ys[good]), int(len(xs) - good.sum())
