"""Metrics out of JSON objects among printed lines: read as they come, at their own step, whatever stands between."""

from __future__ import annotations

from objectives.command.printed_json import PrintedJson
from objectives.command.readers import Row


def read(*lines: str) -> list[Row]:
    reader = PrintedJson(None)
    return [row for line in lines for row in reader.rows(line)] + reader.finish()


def test_an_object_a_line_is_a_row_and_other_lines_are_let_be() -> None:
    rows = read("loading [1, 2, 3] {x}", '{"step": 10, "loss": 2.5}', "[{1,", "{'a': 1}", '{"step": 20, "loss": 2}')
    assert rows == [Row(10, {"step": 10.0, "loss": 2.5}), Row(20, {"step": 20.0, "loss": 2.0})]


def test_a_row_without_a_step_belongs_to_the_last_one() -> None:
    assert [row.step for row in read('{"a": 1}', '{"step": 7, "a": 2}', '{"params": 5}')] == [None, 7, 7]


def test_an_object_over_lines_is_one_row() -> None:
    assert read("{", ' "loss": 1.5,', ' "val": {"acc": 0.5}', "}", "done") == [Row(None, {"loss": 1.5, "val.acc": 0.5})]


def test_a_brace_that_begins_no_object_hides_nothing_after_it() -> None:
    assert read("{", "not an object", '{"loss": 1.5}') == [Row(None, {"loss": 1.5})]
    assert read("{", " not an object", '{"loss": 1.5}') == [Row(None, {"loss": 1.5})]
    assert read("{", " x", "}", '{"loss": 1.5}') == [Row(None, {"loss": 1.5})]


def test_colours_and_nan_are_read() -> None:
    [row] = read('\x1b[32m{"loss": NaN}\x1b[0m')
    assert row.metrics["loss"] != row.metrics["loss"]
