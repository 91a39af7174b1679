"""Metrics from what grows: whole lines alone, in any pieces; files that begin anew; numbers that are not finite."""

from __future__ import annotations

import json
import math
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from objectives.command.follow import MAX_PRINTED_BYTES, File, Lines
from objectives.command.readers import Json, Patterns, Row, Table


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20)), st.lists(st.integers(1, 9), min_size=1)
)
def test_lines_are_the_same_in_whatever_pieces_they_come(texts: list[str], sizes: list[int]) -> None:
    whole = "\n".join(texts).encode()
    lines, found, place = Lines(1000), [], 0
    for turn in range(len(whole) + 1):
        size = sizes[turn % len(sizes)]
        found += lines.feed(whole[place : place + size])
        place += size
    found += lines.rest()
    assert found == [each for text in texts for each in text.replace("\r", "\n").split("\n") if each.strip()]


def test_a_line_without_end_is_cut_and_costs_no_memory() -> None:
    lines = Lines(MAX_PRINTED_BYTES)
    for _ in range(1000):
        assert list(lines.feed(b"x" * 10_000)) == []
        assert len(lines.part) == MAX_PRINTED_BYTES
    assert list(lines.feed(b"\nnext\n")) == ["x" * MAX_PRINTED_BYTES, "next"]


@given(st.lists(st.integers(0, 5), min_size=1, max_size=30))
def test_a_file_is_followed_through_growing_and_beginning_anew(acts: list[int]) -> None:
    """0 begins anew, 1 begins anew with more than there was, 2 takes it away, 3 writes half a line, others a line."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "m.jsonl")
        file, seen, written = File(path), [], ""
        for turn, act in enumerate(acts):
            match act:
                case 0:
                    written = f"begin {turn}\n"
                case 1:
                    written = f"begin {turn}\n" + written.upper() + "more\n"
                case 2:
                    path.unlink(missing_ok=True)
                    written = f"after {turn}\n"
                case 3:
                    written += f"half {turn} "
                case _:
                    written += f"line {turn}\n"
            path.write_text(written)
            os.utime(path, ns=(turn, turn))  # as time passes
            anew, lines = file.read()
            seen = lines if anew else seen + lines
            assert seen == written.split("\n")[:-1]
        assert [*seen, *file.lines.rest()] == [each for each in written.split("\n") if each.strip()]


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "nothing", "."):
        assert File(tmp_path / name).read() == (False, [])


@pytest.mark.parametrize(
    ("line", "step", "metrics"),
    [
        ('{"step": 3, "loss": 1}', 3, {"step": 3.0, "loss": 1.0}),
        ('{"iter": 3, "epoch": 1, "a": 2}', 3, {"iter": 3.0, "epoch": 1.0, "a": 2.0}),
        ('{"loss": NaN, "b": -Infinity}', None, {"loss": math.nan, "b": -math.inf}),
        ('{"loss": nan, "b": -inf, "c": "nan"}', None, {"loss": math.nan, "b": -math.inf}),
        (
            '{"step": NaN, "loss": null, "best": true, "who": "x", "in": {"a": 1}}',
            None,
            {"step": math.nan, "in.a": 1.0},
        ),
        ('{"big": 1' + "0" * 400 + ', "a\\u0000": 1}', None, {"big": math.inf}),
    ],
)
def test_numbers_of_an_object_are_metrics(line: str, step: int | None, metrics: dict[str, float]) -> None:
    [row] = Json(None).rows(line)
    assert row is not None and row.step == step and repr(dict(row.metrics)) == repr(metrics)


@pytest.mark.parametrize("line", ["", "x", "[1]", "3", '{"a": 1', "nan", "[" * 100_000])
def test_what_is_no_object_is_passed_over(line: str) -> None:
    assert Json(None).rows(line) == []


def test_a_step_may_have_a_name_of_its_own() -> None:
    [row] = Json("tokens").rows('{"tokens": 5, "step": 1}')
    assert row is not None and row.step == 5


@given(st.floats(), st.integers(-(10**6), 10**6))
def test_a_number_comes_back_exactly(value: float, step: int) -> None:
    [row] = Json(None).rows(json.dumps({"step": step, "a": value}))
    assert row is not None and row.step == step and repr(row.metrics["a"]) == repr(value)
    table = Table(None)
    assert table.row("\ufeffstep,a") is None
    row = table.row(f"{step},{value!r}")
    assert row is not None and row.step == step and repr(row.metrics["a"]) == repr(value)


def test_a_row_that_is_cut_short_is_passed_over() -> None:
    table = Table(None)
    assert table.row("step,loss,note") is None and table.row("1,0.") is None
    assert table.row('2, 0.5 ,"a, b"') == Row(2, {"step": 2.0, "loss": 0.5})


@pytest.mark.parametrize(
    ("pattern", "line", "value"),
    [
        (r"loss ([0-9.]+)", "val loss 1.25, lr 3", 1.25),
        (r"loss ([0-9.]+)", "val loss 1.25.", 1.25),
        (r"loss ([0-9.]+)", "val loss nan", math.nan),
        (r"loss=([0-9.]+),", "val loss=inf, more", math.inf),
        (r"loss ([-0-9.]+)", "loss -inf", -math.inf),
        (r"loss (\d+\.\d+)", "loss NaN", math.nan),
        (r"loss (\S+)", "loss nan", math.nan),
        (r"loss (\S+)", "loss 1e-3", 1e-3),
        (r"a (\d+)|b (\d+)", "b 2", 2.0),
        (r"(?P<x>\d+) nan", "3 nan", 3.0),
    ],
)
def test_a_pattern_finds_its_number(pattern: str, line: str, value: float) -> None:
    row = Patterns({"a": pattern}, None).row(line)
    assert row is not None and repr(row.metrics["a"]) == repr(value)


@pytest.mark.parametrize(("pattern", "line"), [("loss (.*)", "loss high"), ("loss ([0-9]+)", "banana"), ("a(x)?", "a")])
def test_a_match_that_is_no_number_is_none(pattern: str, line: str) -> None:
    assert Patterns({"a": pattern}, None).row(line) is None
