"""Figures as plotly reads them: every mark, names of any script, numbers that JSON lacks."""

from __future__ import annotations

import json
import math

import pytest

from studies.drawing.drawn_by_plotly import INK, colours_of, plotly_json, to_plotly
from studies.figures.picture import Area, Axis, Band, Bars, Heat, Line, Parallel, Picture, Points, Rule

SCRIPTS = ["宽度", "ширина", "عرض", "चौड़ाई", "<b>x</b>", "a|b`c$d"]


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_name_of_any_script_is_shown_and_is_no_markup(name: str) -> None:
    points = Points(name, [f"{name} 1", "2020-01"], [0.1, 0.2], hover=[name, name])
    picture = Picture("key", name, Axis(name, ticks=["2020-01", f"{name} 1"]), Axis("loss"), [points], name)
    drawn = plotly_json(picture)
    axis = drawn["layout"]["xaxis"]
    assert axis["type"] == "category", "neither numbers nor dates"
    assert len(axis["categoryarray"]) == 2 and axis["categoryarray"][0] == "2020-01"
    assert "<b>x" not in json.dumps(drawn, ensure_ascii=False).replace(f"<b>{name[:0]}", "") or name != "<b>x</b>"
    to_plotly(picture)


def test_every_mark_is_drawn_without_a_number_that_json_lacks() -> None:
    nan, inf = math.nan, math.inf
    marks = [
        Line("line", [1, 2, 3], [1.0, nan, inf], dashed=True),
        Points("points", ["a", "b"], [1, 2], [1, nan], labels=["<i>", "&"], hover=["<i>", "&"]),
        Bars("bars", ["a", "b"], [1, nan], [1, 1]),
        Area("area", [1, 2], [0.5, 0.5]),
        Band("band", [1, 2], [0, 1], [2, nan]),
        Heat("heat", ["a"], [1, 2], [[nan], [2]], 1.5, (2.0, 0.0)),
        Rule("rule", 2.0),
        Parallel("parallel", [("a", ["x", "y"]), ("c", [1e-5, 1.0]), ("b", [1, nan])], (2.0, 1.0)),
    ]
    for each in marks:
        for lies in (False, True):
            picture = Picture("key", "Title <b>", Axis("x"), Axis("y", percent=True), [each], lies=lies)
            text = json.dumps(plotly_json(picture), allow_nan=False)
            assert len(text) < 2700 and "<i>" not in text
        figure = to_plotly(Picture("key", "Title", Axis("x"), Axis("y"), [each]))
        assert len(figure.to_json()) < 2700, "plotly's template is left out"


def test_categories_below_each_other_have_their_values_to_the_right() -> None:
    rows = Points("rows", ["a", "b"], [1.0, 2.0], [0.5, 0.5])
    (trace,) = plotly_json(Picture("key", "", Axis("name", ticks=["a", "b"]), Axis("loss"), [rows], lies=True))["data"]
    assert trace["y"] == ["a", "b"] and trace["x"] == [1, 2] and "error_x" in trace and "error_y" not in trace


def test_a_log_axis_names_round_numbers_and_an_axis_of_few_values_its_own() -> None:
    line = Line("line", [64, 128, 256], [1e-4, 1e-3, 0.2])
    made = plotly_json(
        Picture("key", "", Axis("width", log=True, ticks=[64, 128, 256]), Axis("loss", log=True), [line])
    )
    assert made["layout"]["xaxis"]["ticktext"] == ["64", "128", "256"]
    assert made["layout"]["yaxis"]["ticktext"][0] == "1e-4" and made["layout"]["xaxis"]["type"] == "log"


def test_limits_of_an_axis_are_its_range() -> None:
    line = Line("line", [1, 2], [1.0, 100.0])
    straight, log = (
        plotly_json(Picture("key", "", Axis("x"), Axis("y", log=log, limits=(1.0, 10.0)), [line]))
        for log in (False, True)
    )
    assert straight["layout"]["yaxis"]["range"] == [1, 10] and log["layout"]["yaxis"]["range"] == [0, 1]


def test_what_stands_behind_is_grey_and_what_is_bold_has_the_first_colour() -> None:
    colours = colours_of([Points("settings", [1], [1.0], faint=True), Rule("limit", 1.0), Line("best", [1], [1.0])])
    assert colours["settings"] == INK and colours["best"] != colours["limit"] != INK
    both = colours_of([Line("run", [1], [1.0], faint=True), Line("run", [1], [1.0])])
    assert both["run"] != INK, "a mean and its runs share a colour"


def test_a_page_has_title_and_caption_as_text_and_the_dashboard_in_the_figure() -> None:
    picture = Picture("key", "A title", Axis("x"), Axis("y"), [Line("line", [1], [1.0])], "A caption")
    assert "A caption" in plotly_json(picture)["layout"]["title"]["text"]
    assert "title" not in plotly_json(picture, titled=False)["layout"]
