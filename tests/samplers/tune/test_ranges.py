"""How much of a score's order the ranges of an axis explain."""

from __future__ import annotations

from random import Random

import pytest

from samplers.searches.tune.ranges import by_chance, share


def test_an_axis_that_matters_explains_most_whether_up_down_or_with_a_valley() -> None:
    values = [value / 40 for value in range(40)]
    for score in (lambda x: x, lambda x: -x, lambda x: (x - 0.4) ** 2):
        found = share(values, [score(value) for value in values])
        assert found is not None and found > 0.6


def test_a_scale_and_a_run_that_diverged_change_nothing() -> None:
    values = [value / 40 for value in range(40)]
    plain = share(values, values)
    assert plain == share(
        [10**value for value in values], [1e9 if value > 0.9 else value for value in values[:36]] + [1e9, 2e9, 3e9, 4e9]
    )


def test_the_values_of_a_list_are_groups_of_their_own() -> None:
    random = Random(1)
    names = [random.choice(["relu", "gelu"]) for _ in range(60)]
    apart = share(names, [(name == "relu") + random.gauss(0, 0.1) for name in names])
    assert apart is not None and apart > 0.6
    assert share([True, False] * 10, [1.0] * 20) == 0.0


def test_an_axis_with_one_value_explains_nothing_and_too_few_settings_say_nothing() -> None:
    assert share([4] * 12, range(12)) == 0.0
    assert share(["a", "b"], [1.0, 2.0]) is None


@pytest.mark.parametrize("settings", [20, 60])
def test_an_axis_that_does_not_matter_stays_below_chance_in_about_95_of_100_studies(settings: int) -> None:
    random = Random(7)
    above = 0
    for _ in range(400):
        values, scores = ([random.random() for _ in range(settings)] for _ in range(2))
        found = share(values, scores)
        above += found is not None and found > by_chance(settings)
    assert 4 <= above <= 36


def test_the_largest_of_several_axes_of_which_none_matters_stays_below_it_as_often() -> None:
    random = Random(7)
    above = 0
    for _ in range(200):
        scores = [random.random() for _ in range(60)]
        found = [share([random.random() for _ in scores], scores) or 0.0 for _ in range(8)]
        above += max(found) > by_chance(60, axes=8)
    assert above <= 20
