"""The demonstration's pure parts: what it reads from decisions, its lines and when they come, its picture, its page."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from storage.errors import UsageError
from studies.demo.demo import QUIET_SECONDS, Demonstration
from studies.demo.drawing import Scale, drawing
from studies.demo.narration import caption, next_lines, progress_line, step_lines, trial_name
from studies.demo.page import check_page, page, write_page
from studies.demo.path import GrowthPath, Measured
from studies.demo.scene import Scene
from studies.history.counts import Counts


def row(losses: list[float], cost: float, param: str = "", value: int = 0, chosen: bool = False) -> dict[str, Any]:
    seeds = [{"score": math.exp(-loss), "metrics": {"val_loss": loss}} for loss in losses]
    return {"seeds": seeds, "cost": cost, "param": param, "value": value, "chosen": chosen}


RECORDS: list[dict[str, Any]] = [
    {
        "baseline": row([3.0, 3.2], 1000),
        "candidates": [row([2.8, 3.0], 1500, "n_head", 2, True), row([2.9], 2000, "n_layer", 2), row([], 9, "bad", 2)],
    },
    {"baseline": row([2.8, 3.0], 1500), "candidates": []},
    {"baseline": row([2.8, 3.0], 1500), "candidates": [row([2.5], 2500, "n_embd", 64, True)]},
]
FOUND = GrowthPath.of(RECORDS)
KILLED = Measured("trial 3 (n_layer → 2, seed 1338)", "", 2000, 2.91)


def test_the_path_is_the_start_and_the_steps_and_a_failed_candidate_is_left_out() -> None:
    assert [(each.name, each.params, each.loss) for each in FOUND.path] == [
        ("start", 1000, pytest.approx(3.1)),
        ("n_head → 2", 1500, pytest.approx(2.9)),
        ("n_embd → 64", 2500, 2.5),
    ]
    assert [each.name for each in FOUND.others] == ["n_layer → 2"]
    assert FOUND.kinds == ["n_head", "n_embd"]


def test_nothing_measured_is_no_path() -> None:
    assert GrowthPath.of([]) == GrowthPath([], []) and step_lines([], 0) == []


def test_each_step_has_one_line_and_is_told_once() -> None:
    first, second = step_lines(RECORDS, 0)
    assert first == "step 1: n_head → 2: loss 3.100 → 2.900, 1,000 → 1,500 parameters"
    assert step_lines(RECORDS, 1) == [second] and step_lines(RECORDS, 2) == []


def test_a_trial_has_a_name() -> None:
    assert trial_name(3, {"role": "candidate", "param": "n_head", "value": 2}, 7) == "trial 3 (n_head → 2, seed 7)"


def test_the_picture_has_a_dot_for_each_place_a_line_and_a_cross() -> None:
    drawn = ElementTree.fromstring(drawing(FOUND, KILLED, "a < b"))
    names = [each.tag.rpartition("}")[2] for each in drawn.iter()]
    assert names.count("circle") == 4 and names.count("polyline") == 1 and names.count("path") == 1
    texts = [each.text for each in drawn.iter() if each.tag.endswith("}text")]
    assert {"a < b", "start", "n_head → 2", "n_embd → 64", "parameters"} <= set(texts)
    circles = [each for each in drawn.iter() if each.tag.endswith("circle")]
    assert all(0 < float(each.attrib["cx"]) < 860 and 0 < float(each.attrib["cy"]) < 460 for each in circles)


def test_the_picture_of_a_growth_without_a_step_or_a_kill_can_be_drawn() -> None:
    lone = GrowthPath([Measured("start", "", 1000, 3.0)], [])
    assert "<path" not in drawing(lone, None, "lone") and "cross" not in caption(lone, None)


def test_more_parameters_are_further_right_and_a_lower_loss_is_further_down() -> None:
    across, up = Scale.of([1000, 2500], 74, 830), Scale.of([2.5, 3.1], 402, 58)
    assert 74 < across.at(1000) < across.at(2500) < 830
    assert 402 > up.at(2.5) > up.at(3.1) > 58


@pytest.mark.parametrize("values", [[1000, 2500], [2.51, 2.52], [0.001, 7e9], [3.0, 3.0]])
def test_ticks_are_round_numbers_inside_the_axis(values: list[float]) -> None:
    scale = Scale.of(values, 0, 100)
    ticks = scale.ticks
    assert 2 <= len(ticks) <= 12 and all(scale.low <= each <= scale.high for each in ticks)


def test_the_page_loads_nothing_and_shows_what_happened(tmp_path: Path) -> None:
    text = page(drawing(FOUND, KILLED, "t"), caption(FOUND, KILLED), ["a <b>", "c"])
    assert "a &lt;b&gt;\nc" in text and "<script" not in text and "src=" not in text and "href=" not in text


def test_the_page_replaces_an_earlier_one_alone(tmp_path: Path) -> None:
    file = tmp_path / "demo.html"
    check_page(file)
    for text in ("first", "second"):
        check_page(file)
        write_page(file, page("<svg/>", text, []))
        assert text in file.read_text()
    file.write_text("my own")
    for wrong in (file, tmp_path, tmp_path / "missing" / "demo.html"):
        with pytest.raises(UsageError, match="--out"):
            check_page(wrong)


def test_the_next_commands_are_three() -> None:
    assert [line.split("  #")[0].strip()[:13] for line in next_lines()[1:]] == ["python cli.py"] * 3


def test_a_line_says_how_far_the_growth_is_where_none_was_printed_for_long(tmp_path: Path) -> None:
    printed: list[str] = []
    now = [0.0]
    made = Demonstration(Scene(tmp_path, []), printed.append, lambda: now[0])
    for now[0] in (QUIET_SECONDS - 1, QUIET_SECONDS, QUIET_SECONDS + 1):
        made.reassure(lambda: progress_line(Counts(running=2, complete=11, failed=1)))
    assert printed == ["12 trials done, 2 running"] and made.lines == [], "once, and not on the page"
    now[0] += QUIET_SECONDS - 2
    made.narrate("step 1")
    now[0] += QUIET_SECONDS - 1
    made.reassure(lambda: "too early")
    assert printed[1:] == ["step 1"] == made.lines
    assert progress_line(Counts(complete=1)) == "1 trial done, 0 running"
