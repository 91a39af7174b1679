"""Whether there is a law at all: a permutation test (Fisher, 1935, "The design of experiments").

The values are put into other orders, as noise would be; a law is accepted if few of these orders follow any law as well
as the observed one. In noise the test then finds a law at a stated rate, with any number of points.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from studies.laws.profiles import Numbers, Shape, aicc, grid_of

Order = Literal["exchangeable", "walk"]
"""The null model: each y independent, or a walk without drift, where each y goes on from the one before."""

DRAWS = 399
"""Orders that are drawn, from one seed: the same data give the same verdict."""
AICC_TOLERANCE = 0.1
"""An order that is worse by less is as good, or the smallest of a walk's steps could decide."""
GRID_POINTS = 13
"""Exponents that the test tries."""


def chance_of(x: Numbers, y: Numbers, curved: Shape, order: Order) -> float:
    """How often values in an order at random, or a walk with steps of random signs, follow a law as well as these."""
    if np.ptp(y) <= max(1e-12 * float(np.max(np.abs(y))), 1e-150) or len(np.unique(x)) < 2:
        return 1.0
    draws = random_like(y, order)
    u = x / math.exp(float(np.mean(np.log(x))))
    lawfulness = _lawfulness(u, np.vstack([y, draws]), curved)
    as_good = int((lawfulness[1:] > lawfulness[0] - AICC_TOLERANCE).sum())
    return (as_good + 1) / (len(draws) + 1)  # Phipson and Smyth (2010): the observed order is one of them


def random_like(y: Numbers, order: Order) -> Numbers:
    """These values as noise would order them: a row a draw."""
    generator = np.random.default_rng(1935)
    count = DRAWS if len(y) <= 1000 else 99
    if order == "exchangeable":
        return generator.permuted(np.tile(y, (count, 1)), axis=1)
    steps = np.diff(y)
    signs = generator.choice([-1.0, 1.0], size=(count, len(steps)))
    return np.concatenate([np.full((count, 1), y[0]), y[0] + np.cumsum(signs * steps, 1)], 1)


def _lawfulness(u: Numbers, rows: Numbers, curved: Shape) -> Numbers:
    """For each row of values: by how much the better law beats the constant, as a share of the squares left over.

    Laws pay for their parameters as in AICc, which is a ratio of squares of equal power.
    """
    points = rows.shape[1]
    around = rows - rows.mean(1, keepdims=True)
    flat = np.maximum((around**2).sum(1), np.finfo(float).tiny)
    best = np.full(len(rows), np.inf)
    shapes: tuple[tuple[Shape, int], ...] = (("power", 2), (curved, 3))
    for shape, parameters in shapes:
        if points - parameters - 2 <= 0:
            continue
        grid = grid_of(shape, GRID_POINTS)
        z = u[None, :] ** grid[:, None]
        has_offset = shape != "power"
        z = z - z.mean(1, keepdims=True) if has_offset else z
        values = around if has_offset else rows
        spread = np.maximum((z**2).sum(1), np.finfo(float).tiny)
        left = (values**2).sum(1)[:, None] - (values @ z.T) ** 2 / spread
        error = np.maximum(left.min(1), flat * 1e-12)
        best = np.minimum(best, aicc(error, points, parameters))
    verdict: Numbers = aicc(flat, points, 1) - best
    return verdict
