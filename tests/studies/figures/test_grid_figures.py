"""A grid's figures: its best settings, the score against each axis, two axes as a heat map."""

from __future__ import annotations

import math
from typing import Any

import pytest

from studies.figures import grid
from studies.figures.labels import labels
from studies.figures.picture import Heat, Line, Parallel, Picture, Points


def cell(mean: float, n: int = 3, **setting: Any) -> dict[str, Any]:
    interval = [mean - 0.1, mean + 0.1] if n > 1 else None
    return {"setting": setting, "mean": mean, "n": n, "interval": interval, "best_tie": False, "failed": []}


def drawn(results: list[dict[str, Any]], **other: Any) -> dict[str, Picture]:
    shown = {"results": results, "failed": [], **other}
    return {each.key: each for each in (*grid.pictures(shown, "loss"), *grid.further(shown, "loss"))}


def mark(picture: Picture, kind: type) -> Any:
    return next(each for each in picture.marks if isinstance(each, kind))


def lines(picture: Picture) -> dict[str, list[tuple[float, float]]]:
    return {each.name: [*zip(each.x, each.y, strict=True)] for each in picture.marks if isinstance(each, Line)}  # type: ignore[arg-type]


RATES = [(0.5, 64, 0.1), (0.6, 128, 0.01), (0.7, 64, 0.01), (0.8, 128, 0.1), (0.9, 64, 1.0), (4.0, 128, 1.0)]
TWO_AXES = [cell(mean, width=width, rate=rate) for mean, width, rate in RATES]


def test_two_axes_of_a_grid_are_a_heat_map_with_gaps_where_there_is_no_score() -> None:
    results = [cell(0.1, lr=0.1, act="relu"), cell(0.2, lr=0.01, act="gelu"), cell(0.3, lr=0.01, act="relu")]
    made = drawn(results, failed=[1])
    heat = mark(made["grid-heat"], Heat)
    assert list(heat.x) == ["0.01", "0.1"] and list(heat.y) == ["relu", "gelu"]
    assert [list(map(str, line)) for line in heat.z] == [["0.3", "0.1"], ["0.2", "nan"]]
    assert heat.ends == (0.3, 0.1), "the smallest loss is the brightest"
    assert "Empty cells have no score" in made["grid-heat"].caption
    assert "1 without a score" in made["grid-settings"].caption
    assert "grid-parallel" not in made, "two axes are whole in the heat map"


def test_the_score_against_an_axis_has_a_line_for_each_value_of_another_one() -> None:
    made = drawn(TWO_AXES)["grid-axis-rate"]
    found = lines(made)
    assert found["width 64"] == [(0.01, 0.7), (0.1, 0.5), (1.0, 0.9)]
    assert found["width 128"][:2] == [(0.01, 0.6), (0.1, 0.8)]
    assert math.isnan(found["width 128"][2][1]), "the line ends before a score that the axis does not reach"
    assert made.x.log and made.x.ticks == [0.01, 0.1, 1.0], "the values of an axis that goes by factors are named"
    assert "The best rate is 0.1 at width 64, and 0.01 at width 128." in made.caption


def test_a_caption_does_not_set_values_apart_that_the_seeds_do_not() -> None:
    """Another width is ahead at rate 1, by less than the seeds tell."""
    settings = [(0.50, 16, 0.1), (0.51, 64, 1.0), (0.52, 16, 1.0), (0.53, 64, 0.1)]
    rows = [{**cell(mean, width=width, rate=rate), "best_tie": True} for mean, width, rate in settings]
    made = drawn(rows)["grid-axis-width"]
    assert "The best width is 16; where another is ahead, the seeds do not set the two apart." in made.caption
    rows[2]["best_tie"] = rows[3]["best_tie"] = False
    assert "The best width is 16 at rate 0.1, and 64 at rate 1." in drawn(rows)["grid-axis-width"].caption


def test_intervals_stand_at_the_points_of_lines_where_they_are_short_enough_to_be_read() -> None:
    rows = [cell(mean, width=width, rate=rate) for mean, width, rate in RATES[:5]]
    for row in rows:
        row["interval"] = [row["mean"] - 0.01, row["mean"] + 0.01]
    made = drawn(rows)["grid-axis-rate"]
    points = mark(made, Points)
    assert points.name == "width 64" and list(points.reach) == pytest.approx([0.01] * 3)
    assert "Bars are 95 % intervals" in made.caption
    rows[0]["interval"] = [0.0, 1.0]
    made = drawn(rows)["grid-axis-rate"]
    assert not [each for each in made.marks if isinstance(each, Points)] and "see above" in made.caption


def test_a_setting_that_diverged_does_not_squeeze_the_others() -> None:
    made = drawn(TWO_AXES)
    low, high = made["grid-axis-rate"].y.limits or (0, 0)
    assert low < 0.5 and 0.9 < high < 1 and "1 setting above 0.9 is not shown" in made["grid-axis-rate"].caption
    assert mark(made["grid-heat"], Heat).ends == (0.9, 0.5) and "above 0.9 has the darkest" in made["grid-heat"].caption


def test_of_more_axes_each_point_is_the_best_over_the_rest() -> None:
    rows = [
        cell(mean + depth / 100, width=width, rate=rate, depth=depth)
        for mean, width, rate in RATES[:4]
        for depth in (1, 2)
    ]
    made = drawn(sorted(rows, key=lambda row: row["mean"]))
    assert lines(made["grid-axis-rate"])["width 64"] == [(0.01, 0.71), (0.1, 0.51)]
    assert "the best over depth" in made["grid-axis-rate"].caption
    assert [name for name, _ in mark(made["grid-parallel"], Parallel).axes] == ["width", "rate", "depth", "loss"]


def test_a_best_value_at_the_end_of_its_axis_is_said_to_be_there() -> None:
    rows = [cell(1 / width, width=width) for width in (8, 4, 2)]
    assert "It is the end of the axis" in drawn(rows)["grid-settings"].caption
    middle = [cell(0.1, width=4), cell(0.2, width=2), cell(0.3, width=8)]
    assert "end of the axis" not in drawn(middle)["grid-settings"].caption


def test_one_axis_of_numbers_is_an_axis_of_numbers() -> None:
    results = [cell(0.1, width=64), cell(0.2, n=1, width=8), cell(0.3, width=512)]
    (picture,) = drawn(results).values()
    points = mark(picture, Points)
    assert list(points.x) == [8, 64, 512] and picture.x.log and math.isnan(points.reach[0])
    assert "1 settings have none" in picture.caption


def test_settings_are_named_by_their_values_and_marked_by_what_the_seeds_say() -> None:
    results = [cell(0.1, a="x", b=1), cell(0.2, a="y", b=2), cell(0.3, a="x", b=2)]
    for row in results[:2]:
        row["best_tie"] = True
    picture = drawn(results)["grid-settings"]
    assert picture.x.ticks == ["x, 1", "y, 2", "x, 2"] and picture.x.title == "a, b" and picture.lies
    groups = {each.name: list(each.x) for each in picture.marks if isinstance(each, Points)}
    assert groups == {"best": ["x, 1"], "may be as good": ["y, 2"], "others": ["x, 2"]}
    assert "the seeds do not set 1 other apart from it" in picture.caption


def test_one_seed_everywhere_has_no_interval_and_says_so() -> None:
    (picture,) = drawn([cell(0.1, n=1, a="x"), cell(0.2, n=1, a="y")]).values()
    assert mark(picture, Points).reach == () and "with one seed each" in picture.caption


def test_seeds_are_dots_where_intervals_would_squeeze_everything() -> None:
    results = [cell(mean, a=name) for name, mean in (("x", 0.10), ("y", 0.11))]
    for row in results:
        row["scores"] = {str(seed): row["mean"] + seed / 1000 for seed in (-1, 0, 1)}
    (picture,) = drawn(results).values()
    dots = mark(picture, Points)
    assert dots.name == "single seeds" and len(dots.x) == 6 and "Pale dots are single seeds" in picture.caption
    assert all(not each.reach for each in picture.marks if isinstance(each, Points))
    for row in results:
        row["interval"] = [row["mean"] - 0.003, row["mean"] + 0.003]
    (picture,) = drawn(results).values()
    assert mark(picture, Points).reach and "95 % intervals" in picture.caption


def test_a_large_grid_is_thinned_and_says_so() -> None:
    results = [cell(index / 20_000, a=index % 200, b=index // 200) for index in range(20_000)]
    made = drawn(results)
    assert "The best 24 of 20,000" in made["grid-settings"].caption and len(made["grid-settings"].x.ticks) == 24
    assert "Of 200, 80 evenly spaced" in made["grid-heat"].caption
    assert len(lines(made["grid-axis-a"])) == 6 and "Of 100, 6 evenly spaced" in made["grid-axis-a"].caption


def test_thousand_letters_stay_apart_and_short() -> None:
    long = ["x" * 1000 + "a" + "y" * 1000, "x" * 1000 + "b" + "y" * 1000]
    given = labels([*long, long[0]])
    assert given[0] == given[2] != given[1] and max(map(len, given)) <= 40
    (picture,) = drawn([cell(0.1, a=long[0]), cell(0.2, a=long[1])]).values()
    assert len(set(picture.x.ticks)) == 2 and all(len(str(name)) < 50 for name in picture.x.ticks)


def test_a_grid_without_an_axis_that_varies_is_a_sentence() -> None:
    assert drawn([cell(0.1, a=1)]) == {}


@pytest.mark.parametrize("results", [[], [cell(0.1)]])
def test_nothing_is_drawn_of_nothing(results: list[dict[str, Any]]) -> None:
    assert drawn(results) == {}
