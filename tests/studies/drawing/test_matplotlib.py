"""Every mark drawn for paper: with gaps, names in any script, values of any length, and nothing left behind."""

from __future__ import annotations

import io
import math
import os
import re
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import matplotlib as mpl
import matplotlib.image
import numpy as np
import pytest

from studies.drawing.drawn_by_matplotlib import Form, draw, drawn
from studies.drawing.fonts import families
from studies.figures.picture import Area, Axis, Band, Bars, Heat, Line, Mark, Parallel, Picture, Points, Rule

NAN = math.nan
LONG = "x" * 1000
SCRIPTS = [
    "γλῶσσα",
    "язык",
    "语言模型",
    "日本語",
    "언어",
    "भाषा",
    "لغة",
    "שפה",
    "ภาษา",
    "€$x_2^3$\\alpha%",
    "a\nb\0c",
    "👾",
]
MARKS: dict[str, list[Mark]] = {
    "line": [Line("one", [1, 2, 3], [1.0, NAN, 3.0]), Line("two", [1, 2, 3], [3.0, 2.0, 1.0], dashed=True, faint=True)],
    "line-of-names": [
        Line("one", ["a", "b"], [1.0, 2.0]),
        Points("two", ["a", "b"], [1.0, 2.0], labels=["first", "second"]),
    ],
    "points": [Points("one", [1, 2], [1.0, 2.0], [0.5, NAN], labels=["a", ""])],
    "bars": [Bars("one", ["a", "b"], [1.0, NAN], [0.5, 0.0]), Bars("two", ["c"], [2.0], faint=True)],
    "long-bars": [Bars("one", ["a name of some length", LONG, LONG + "y"], [1.0, 2.0, 3.0])],
    "area": [Area("mlp", [0, 1, 2], [0.2, 0.3, 0.5]), Area("all else", [0, 1, 2], [0.8, 0.7, 0.5])],
    "band": [Band("one", [1, 2], [0.0, NAN], [1.0, 2.0]), Line("one", [1, 2], [0.5, 1.5])],
    "heat": [Heat("difficulty", [0.1, 0.2], ["a", "b"], [[0.1, NAN], [0.7, 0.9]], contour=0.5)],
    "heat-of-one": [Heat("difficulty", [0.1], ["a"], [[NAN]], contour=0.5)],
    "rule": [Rule("target", 1.0), Rule("end", 2.0, upright=True), Rule("no number", NAN), Points("one", [1], [1.0])],
    "parallel": [Parallel("trials", [("width", [1, 2, NAN]), ("kind", ["a", "b", "a"]), ("score", [0.1, 0.2, 0.3])])],
    "parallel-of-none": [Parallel("trials", [("width", []), ("score", [])])],
    "nothing": [],
    "gaps-alone": [Line("one", [1, 2], [NAN, NAN]), Points("two", [], []), Bars("three", [], [])],
    "one": [Points("one", [5], [1.0])],
}


def picture(marks: list[Mark], log: bool = False, title: str = "A title", axis: str = "loss") -> Picture:
    return Picture("key", title, Axis("params", log=log), Axis(axis, log=log), marks, "What it says. " * 20)


def size(data: bytes) -> tuple[int, int]:
    assert data.startswith(b"\x89PNG")
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


@pytest.mark.parametrize("name", MARKS)
def test_every_mark_is_drawn_on_linear_and_logarithmic_axes(name: str) -> None:
    made = drawn(picture(MARKS[name]))
    assert made["svg"].startswith(b"<?xml")
    for png in (made["png"], drawn(picture(MARKS[name], log=True), ["png"])["png"]):
        assert size(png) == (1080, 675) and (png == blank()) == (name == "nothing")


@cache
def blank() -> bytes:
    return drawn(picture([]), ["png"])["png"]


@pytest.mark.parametrize("text", [*SCRIPTS, LONG], ids=lambda text: ascii(text)[:20])
def test_names_in_any_script_and_of_any_length(text: str) -> None:
    """One kind of picture a name; the longest name, and EVERY_CASE=1, all four."""
    place = [*SCRIPTS, LONG].index(text) % len(KINDS)
    every = text == LONG or os.environ.get("EVERY_CASE")
    for kind, made in named(text, KINDS if every else KINDS[place : place + 1]).items():
        assert size(made["png"]) == (1080, 675) and made["png"] != plainly_named()[kind]["png"], "the name is seen"
        assert ElementTree.fromstring(made["svg"]).tag.endswith("svg")


KINDS = ("line", "bars", "heat", "parallel")


def named(text: str, kinds: Sequence[str]) -> dict[str, dict[Form, bytes]]:
    """A picture of each kind that shows names, with this one wherever a name can stand."""
    marks: dict[str, list[Mark]] = {
        "line": [Points(text, [text, "b"], [1.0, 2.0], labels=[text, text]), Line("other", ["b"], [1.0])],
        "bars": [Bars(text, [text, "b"], [1.0, 2.0])],
        "heat": [Heat(text, [text], [text], [[1.0]])],
        "parallel": [Parallel(text, [(text, [text, "b"]), ("score", [1.0, 2.0])])],
    }
    return {kind: drawn(picture(marks[kind], title=text, axis=text)) for kind in kinds}


@cache
def plainly_named() -> dict[str, dict[Form, bytes]]:
    return named("plain", KINDS)


def test_letters_that_no_font_here_has_are_named() -> None:
    found, missing = families(["a\U0010fffd"])
    assert found == ["DejaVu Sans"] and missing == {"\U0010fffd"}


def test_many_points_are_drawn_without_a_search_for_room() -> None:
    many = [float(each) for each in range(60_000)]
    began = time.process_time()
    made = drawn(picture([Line("one", many, many), Line("two", many, many[::-1])]), ["png"])["png"]
    assert time.process_time() - began < 20, "a search for room looks at every point, minutes long"
    few = many[:: len(many) - 1]
    assert size(made) == (1080, 675) and coloured(made) == coloured(
        drawn(picture([Line("one", few, few), Line("two", few, few[::-1])]), ["png"])["png"]
    )


def coloured(png: bytes) -> set[tuple[float, ...]]:
    """The colours of more than a thousandth of a picture's dots."""
    dots = matplotlib.image.imread(io.BytesIO(png), "png").reshape(-1, 4)
    colours, counts = np.unique(dots, axis=0, return_counts=True)
    return {tuple(colour) for colour, count in zip(colours.tolist(), counts, strict=True) if count * 1000 > len(dots)}


def test_the_same_picture_gives_the_same_bytes() -> None:
    assert drawn(picture(MARKS["area"])) == drawn(picture(MARKS["area"]))


def test_an_svg_asks_nothing_of_the_network_or_of_the_readers_fonts() -> None:
    svg = drawn(picture(MARKS["line"]))["svg"].decode()
    fetched = re.findall(r"""(?:href|src)\s*=\s*["'](?!#)([^"']*)""", svg)
    assert not [each for each in fetched if not each.startswith("data:")] and "<text" not in svg


def test_drawing_leaves_no_setting_and_no_figure_behind() -> None:
    before = dict(mpl.rcParams)
    drawn(picture(MARKS["bars"]))
    assert dict(mpl.rcParams) == before
    import sys

    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or not pyplot.get_fignums()


def test_files_lie_beside_each_other(tmp_path: Path) -> None:
    draw(picture(MARKS["line"]), tmp_path / "growth.path")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["growth.path.png", "growth.path.svg"]
