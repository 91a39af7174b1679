"""Which settings may be as good as the best: in the order of the means, in 95 of 100 grids the true one among them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from statistics import fmean

from hypothesis import given
from hypothesis import strategies as st

from samplers.searches.best import comparison
from samplers.searches.race.rivals import FAMILY_ERROR


def ordered(settings: Sequence[Sequence[float]]) -> list[dict[int, float]]:
    return [dict(enumerate(scores)) for scores in sorted(settings, key=fmean)]


def apart(settings: Sequence[Sequence[float]]) -> list[bool]:
    """Whether each is set apart from the first, with the smallest mean."""
    return [p is not None and p < FAMILY_ERROR for p in comparison(ordered(settings))]


def test_a_far_setting_is_no_tie_while_a_closer_one_is_none() -> None:
    """By a paired test of each alone the far one, 5.6 times the best, was a tie, and the close one was none."""
    best, close, far = [1.0, 1.1, 0.9], [1.5, 1.6, 1.41], [2.0, 10.0, 4.8]
    verdict = apart([best, close, far])
    assert verdict[1] <= verdict[2]


@given(st.lists(st.lists(st.floats(0.1, 100), min_size=3, max_size=3), min_size=2, max_size=8))
def test_no_setting_is_set_apart_while_a_worse_one_is_not(settings: list[list[float]]) -> None:
    verdict = apart(settings)
    assert verdict == sorted(verdict) and not verdict[0]


def test_in_95_of_100_grids_of_equal_settings_the_first_of_them_is_not_set_apart() -> None:
    draw, wrong, grids = random.Random(1), 0, 1000
    for _ in range(grids):
        scores = [[draw.gauss(0, 1) for _ in range(3)] for _ in range(6)]
        order = sorted(range(6), key=lambda index: fmean(scores[index]))
        wrong += apart(scores)[order.index(0)]
    assert wrong / grids <= 0.05


def test_clear_differences_are_found_with_three_seeds() -> None:
    draw = random.Random(2)
    settings = [[place + draw.gauss(0, 0.1) for _ in range(3)] for place in range(8)]
    assert apart(settings) == [False] + [True] * 7


def test_one_seed_says_nothing_and_equal_scores_are_a_tie() -> None:
    assert comparison([{1: 1.0}, {1: 2.0}]) == [None, None]
    assert comparison([{1: 1.0, 2: 1.0}, {1: 1.0, 2: 1.0}]) == [None, 0.5]
    assert comparison([{1: 1.0, 2: 1.0}, {1: 2.0, 2: 2.0}]) == [None, 0.0]
    assert comparison([]) == []


def test_scores_of_any_size_are_compared_alike() -> None:
    small = [[1.0, 1.1, 0.9], [1.5, 1.6, 1.41], [2.0, 10.0, 4.8]]
    large = [[each * 2.0**1019 for each in scores] for scores in small]
    assert comparison(ordered(small)) == comparison(ordered(large))
