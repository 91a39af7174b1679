"""Scales and labels: what is logarithmic, which numbers are named, what is cut, where a label has room."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.figures.picture import Axis, Band, Line, Picture, Points
from studies.figures.placing import spaced
from studies.figures.scales import (
    axis_of,
    cut_to_points,
    log_filled,
    log_spaced,
    log_ticks,
    named_places,
    near_best,
    number_text,
    value_axis,
)


def test_an_axis_is_logarithmic_where_its_values_go_by_factors() -> None:
    assert log_spaced([1e-4, 3e-4, 1e-3]) and log_spaced([64, 128, 256, 512]) and log_spaced([1, 100])
    assert (
        not log_spaced([1, 2, 3, 4]) and not log_spaced([0, 1, 10]) and not log_spaced([1, 2]) and not log_spaced([5])
    )
    assert axis_of("width", [64, 256, 128]).ticks == [64, 128, 256]


def test_values_at_random_tell_how_they_were_drawn() -> None:
    even = [step / 100 for step in range(1, 100)]
    assert not log_filled(even) and log_filled([10 ** (5 * value) for value in even])


def test_many_values_of_an_axis_are_not_all_named() -> None:
    assert named_places(list(range(1, 11))) == [1, 3, 5, 7, 9] and named_places(list(range(50))) == []


@given(st.floats(1e-9, 1e9), st.floats(1.1, 1e6))
def test_a_log_scale_names_a_few_round_numbers_inside_it(low: float, factor: float) -> None:
    ticks = log_ticks(low, low * factor)
    assert len(ticks) <= 7 and ticks == sorted(ticks)
    assert all(low * 0.999 <= tick <= low * factor * 1.001 for tick in ticks)
    assert factor < 10 or len(ticks) >= 1


def test_numbers_are_short_and_whole() -> None:
    texts = {1.5e6: "1.5M", 1024.0: "1,024", 1000.0: "1k", 0.02: "0.02", 1e-4: "1e-4", 3.2e-5: "3.2e-5", 0.0: "0"}
    assert {value: number_text(value) for value in texts} == texts


def test_a_few_values_far_off_are_not_shown_and_counted() -> None:
    values = [1.0, 1.1, 1.2, 1.3, 9.0]
    assert near_best(values, smaller=True) == (1.0, 1.3) and near_best([1.0, 1.1, 1.2], smaller=True) is None
    axis, text = value_axis("loss", values, smaller=True)
    assert axis.limits is not None and axis.limits[1] < 2 and text == " 1 setting above 1.3 is not shown."
    assert value_axis("score", [-value for value in values], smaller=False)[1] == " 1 setting below -1.3 is not shown."
    assert value_axis("loss", [0.01, 1.0], smaller=True) == (Axis("loss", log=True), "")


def test_a_value_to_keep_is_never_beyond_the_end() -> None:
    values = [1.0, 1.1, 1.2, 1.3, 6.0, 9.0]
    assert value_axis("loss", values, smaller=True)[1] == " 2 settings above 1.3 are not shown."
    axis, text = value_axis("loss", values, smaller=True, kept=[6.0, 1.0])
    assert axis.limits is not None and 6 < axis.limits[1] < 9 and text == " 1 setting above 6 is not shown."
    assert value_axis("loss", values, smaller=True, kept=[9.0]) == (Axis("loss"), "")


def test_bands_and_intervals_end_where_a_log_axis_ends() -> None:
    marks = [
        Band("law", [1, 2], [-5.0, 1.0], [9.0, 1e9]),
        Line("law", [1, 2], [1.0, 2.0]),
        Points("p", [1], [1.0], [3.0]),
    ]
    band, _, points = cut_to_points(Picture("key", "", Axis("x"), Axis("y", log=True), marks)).marks
    assert isinstance(band, Band) and band.low[0] > 0 and band.high[1] == 6.0
    assert isinstance(points, Points) and 1.0 - points.below[0] > 0
    straight = cut_to_points(Picture("key", "", Axis("x"), Axis("y"), marks)).marks[0]
    assert isinstance(straight, Band) and straight.high[1] == 5.0


@given(st.lists(st.tuples(st.floats(0.1, 1e6), st.floats(-10, 10)), max_size=15), st.booleans())
def test_labels_that_are_kept_never_cover_each_other(points: list[tuple[float, float]], log: bool) -> None:
    x, y = [each for each, _ in points], [each for _, each in points]
    texts = [f"step {place}" for place in range(len(points))]
    kept = spaced(x, y, texts, log)
    assert len(kept) == len(points) and kept[-1:] == texts[-1:], "the last one stays"
    at = [point for point, text in zip(points, kept, strict=True) if text]
    assert len(set(at)) == len(at)


def test_what_has_no_place_has_no_label() -> None:
    assert spaced([1.0, math.nan, 5.0], [1.0, 2.0, 3.0], ["a", "b", "c"]) == ["a", "", "c"]
    assert spaced([], [], []) == []


@pytest.mark.parametrize("rising", [True, False])
def test_labels_of_a_crowd_are_left_out(rising: bool) -> None:
    x = [1.0, 1.01, 1.02, 9.0]
    y = [value if rising else -value for value in x]
    assert [bool(text) for text in spaced(x, y, ["start", "n_head → 2", "n_embd → 64", "end"])].count(True) == 2
