"""Fronts and their volumes, against definitions taken literally."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samplers.searches.tune.front import (
    dominates,
    front,
    hypervolume,
    hypervolume_over_time,
    knee,
    losses,
    reference_point,
    with_point,
)

numbers = st.integers(0, 6).map(float)
points2 = st.lists(st.tuples(numbers, numbers), min_size=1, max_size=12)
points3 = st.lists(st.tuples(numbers, numbers, numbers), min_size=1, max_size=8)


@given(points2 | points3)
def test_a_front_is_what_nothing_dominates(points: list[tuple[float, ...]]) -> None:
    literal = [i for i, one in enumerate(points) if not any(dominates(other, one) for other in points)]
    assert front(points) == literal


@given(points2 | points3)
def test_a_front_that_grows_point_by_point_is_the_same(points: list[tuple[float, ...]]) -> None:
    members: list[tuple[float, ...]] = []
    for point in points:
        members = with_point(members, point) or members
    assert sorted(members) == sorted({points[index] for index in front(points)})


@given(points2 | points3)
def test_a_volume_is_the_number_of_unit_cells_that_a_point_dominates(points: list[tuple[float, ...]]) -> None:
    size = len(points[0])
    cells = [()]
    for _ in range(size):
        cells = [(*cell, at) for cell in cells for at in range(7)]  # type: ignore[misc]
    covered = sum(any(all(p <= c for p, c in zip(point, cell, strict=True)) for point in points) for cell in cells)
    assert hypervolume(points, (7.0,) * size) == covered


def test_a_volume_over_time_only_grows_and_ends_with_that_of_all() -> None:
    rng = random.Random(1)
    points = [None if rng.random() < 0.2 else (rng.random(), rng.random()) for _ in range(50)]
    reference = (1.1, 1.1)
    volumes = hypervolume_over_time(points, reference)
    assert volumes == sorted(volumes)
    assert volumes[-1] == pytest.approx(hypervolume([point for point in points if point], reference))


def test_a_knee_needs_an_inside() -> None:
    assert knee([(0.0, 1.0), (1.0, 0.0)]) is None and knee([(1.0, 1.0)]) is None
    assert knee([(0.0, 100.0), (1.0, 20.0), (50.0, 10.0), (100.0, 0.0), (60.0, 60.0)]) == 1
    assert knee([(0.0, 1.0, 1.0), (1.0, 0.0, 1.0), (1.0, 1.0, 0.0), (0.1, 0.1, 0.1)]) == 3


def test_a_front_without_a_bend_has_no_knee() -> None:
    # A straight line, one that bulges towards the bad side, and a front whose worst end is nearly hit by its neighbour.
    assert knee([(0.0, 1.0), (0.25, 0.75), (0.5, 0.5), (1.0, 0.0)]) is None
    assert knee([(0.0, 1.0), (0.7, 0.7), (1.0, 0.0)]) is None
    assert knee([(1.1597, 3944.0), (1.9364, 2613.0), (1.9658, 2144.0)]) is None


def test_scores_to_be_maximized_have_their_sign_turned() -> None:
    assert losses([1.0, 2.0], ["minimize", "maximize"]) == (1.0, -2.0)
    assert reference_point([(0.0, 2.0), (10.0, 2.0)]) == (11.0, 2.2)
