"""The noise of one score, from everything that was measured with nested seeds.

The model is score ~ row + seed: rows (configurations) differ, seeds shift all rows alike, and what is left is noise.
Row i has the first n[i] seeds. Helmert's contrasts (1876) take the rows' means out. Of a row that has seed s ≥ 1,

    h[i, s] = √(s / (s + 1)) · (score[i, s] - mean of score[i, 0 … s - 1])

Those are independent, of the same variance as the scores, and of one mean for all rows that have seed s. What is left
of them around that mean is the residual sum of squares of the least-squares fit, with (rows that have s) - 1 degrees of
freedom for each s.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from samplers.searches.noise import mean

EARLIER_SHARE = 0.5
"""What an earlier round's noise counts beside the current one's."""


@dataclass(frozen=True)
class Noise:
    """A standard deviation, with the degrees of freedom that it was found with."""

    sd: float = 0.0
    freedom: float = 0.0

    @property
    def squares(self) -> float:
        """The residual sum of squares."""
        return self.sd * self.sd * self.freedom

    def with_earlier(self, earlier: Noise) -> Noise:
        """This noise and half of an earlier round's."""
        freedom = self.freedom + EARLIER_SHARE * earlier.freedom
        if not freedom:
            return Noise()
        return Noise(math.sqrt((self.squares + EARLIER_SHARE * earlier.squares) / freedom), freedom)


def residual_noise(rows: Sequence[Sequence[float]]) -> Noise:
    """The noise of rows of scores, each over the first seeds.

    >>> residual_noise([[1.0, 2.0, 4.0], [2.0, 3.0, 5.0], [0.0]])
    Noise(sd=0.0, freedom=2)
    """
    squares, freedom = 0.0, 0
    sums = [0.0] * len(rows)
    for seed in range(max(map(len, rows), default=0)):
        having = [index for index, scores in enumerate(rows) if len(scores) > seed]
        if seed and len(having) > 1:
            factor = math.sqrt(seed / (seed + 1))
            contrasts = [factor * (rows[index][seed] - sums[index] / seed) for index in having]
            centre = mean(contrasts)
            squares += math.fsum((each - centre) ** 2 for each in contrasts)
            freedom += len(having) - 1
        for index in having:
            sums[index] += rows[index][seed]
    return Noise(math.sqrt(squares / freedom), freedom) if freedom else Noise()
