"""Means and spreads of any finite numbers."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samplers.searches.noise import deviation, inseparable, mean, standard_error

LARGEST = 1.7976931348623157e308
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(NUMBERS, min_size=1, max_size=6))
def test_the_mean_of_finite_numbers_is_finite_and_right(values: list[float]) -> None:
    exact = sum(map(Fraction, values)) / len(values)
    assert mean(values) == pytest.approx(float(exact), rel=1e-12, abs=1e-280)


@given(st.lists(NUMBERS, min_size=2, max_size=6), st.lists(NUMBERS, min_size=2, max_size=6))
def test_spreads_are_numbers_and_comparisons_answer(one: list[float], other: list[float]) -> None:
    sd, error = deviation(one), standard_error(one)
    assert sd is not None and error is not None and sd >= error >= 0
    assert inseparable(one, other) in (True, False) and inseparable(one, one)


def test_a_deviation_beyond_the_largest_number_is_infinite() -> None:
    assert deviation([LARGEST, -LARGEST]) == math.inf and mean([LARGEST, LARGEST]) == LARGEST
    assert deviation([LARGEST, LARGEST / 2]) == pytest.approx(LARGEST / 2 / math.sqrt(2))
    assert deviation([1.0]) is None and deviation([1.0, math.inf]) == math.inf


def test_seeds_with_huge_values_are_told_apart_as_small_ones_are() -> None:
    far, near = [LARGEST, LARGEST * 0.99, LARGEST], [-LARGEST, -LARGEST, -LARGEST * 0.98]
    assert not inseparable(far, near) and inseparable([LARGEST, -LARGEST], [-LARGEST, LARGEST])
