"""Student's t for whole degrees of freedom, against the tables and against sums over its own density."""

from __future__ import annotations

import pytest

from samplers.searches.students_t import density, expected_excess, upper_tail


@pytest.mark.parametrize(
    ("freedom", "t"), [(1, 12.7062047), (2, 4.30265273), (5, 2.57058184), (10, 2.22813885), (30, 2.04227246)]
)
def test_the_tail_is_the_tables(freedom: int, t: float) -> None:
    assert upper_tail(t, freedom) == pytest.approx(0.025, abs=1e-8) and upper_tail(0.0, freedom) == 0.5


@pytest.mark.parametrize("freedom", [2, 4, 5, 19])
@pytest.mark.parametrize("t", [0.0, 0.7, 3.1])
def test_density_tail_and_expected_excess_belong_together(freedom: int, t: float) -> None:
    """The tail falls by the density, the expected excess by the tail."""
    by = 1e-5
    assert (upper_tail(t, freedom) - upper_tail(t + by, freedom)) / by == pytest.approx(density(t, freedom), rel=1e-4)
    slope = (expected_excess(t, freedom) - expected_excess(t + by, freedom)) / by
    assert slope == pytest.approx(upper_tail(t, freedom), rel=1e-4)


def test_the_expected_excess_far_out_is_nothing() -> None:
    assert 0 < expected_excess(30.0, 4) < 1e-4
    assert expected_excess(1e7, 4) == expected_excess(1e300, 4) == 0.0
