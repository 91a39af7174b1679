"""The noise of one score: the least-squares fit of score ~ row + seed, whatever seeds the rows have."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest

from samplers.searches.race.residuals import Noise, residual_noise


def least_squares(rows: Sequence[Sequence[float]]) -> tuple[float, int]:
    """Residual sum of squares and degrees of freedom, from the whole design."""
    cells = [(row, seed) for row, scores in enumerate(rows) for seed in range(len(scores))]
    seeds = max(map(len, rows))
    design = np.array(
        [[row == at for at in range(len(rows))] + [seed == at for at in range(seeds)] for row, seed in cells], float
    )
    scores = np.array([rows[row][seed] for row, seed in cells])
    fitted = design @ np.linalg.lstsq(design, scores, rcond=None)[0]
    return float(((scores - fitted) ** 2).sum()), len(cells) - int(np.linalg.matrix_rank(design))


@pytest.mark.parametrize("counts", [[2, 2, 2], [4, 4, 2, 3, 1], [16, 16, 2, 2, 2, 9], [3, 1, 1], [5, 5]])
def test_it_is_the_least_squares_fit_with_nested_seeds(counts: list[int]) -> None:
    draw = random.Random(len(counts))
    rows = [[row + seed**0.5 + draw.gauss(0, 1) for seed in range(count)] for row, count in enumerate(counts)]
    squares, freedom = least_squares(rows)
    noise = residual_noise(rows)
    assert noise.freedom == freedom and noise.squares == pytest.approx(squares)


def test_one_seed_each_says_nothing_of_the_noise() -> None:
    assert residual_noise([[1.0], [2.0]]) == residual_noise([]) == Noise(0.0, 0)


def test_a_seed_that_shifts_all_rows_alike_is_no_noise() -> None:
    assert residual_noise([[1.0, 5.0, 2.0], [2.0, 6.0, 3.0]]).sd == 0.0


def test_earlier_noise_counts_by_half() -> None:
    both = Noise(2.0, 3).with_earlier(Noise(4.0, 2))
    assert both.freedom == 4 and both.sd**2 == pytest.approx((4 * 3 + 16 * 2 / 2) / 4)
    assert Noise().with_earlier(Noise()) == Noise()
