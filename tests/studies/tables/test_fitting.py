"""Tables in narrow terminals: no digit is lost, and a hidden column is named."""

from __future__ import annotations

import re

import pytest
from rich.cells import cell_len

from studies.tables.table import Column, Document, Table
from studies.tables.terminal import lines

NUMBERS = [["0.0227061", "0.00201278 ± 5.25697e-07", "9.82802e-07"], ["123,456,789.5", "-1.5", "3"]]
NOTE = "no step helped, the budget was raised"


def printed(width: int | None) -> str:
    figures = [Column(name, right=True) for name in ("score", "gain", "efficiency")]
    rows = [[str(number), "n_qk_head_dim → 64", *row, NOTE] for number, row in enumerate(NUMBERS)]
    table = Table([Column("round"), Column("chosen"), *figures, Column("notes")], rows, "the path")
    return "\n".join(lines(Document([table], ["now: a=1"], ["a study"]), width))


@pytest.mark.parametrize("width", [200, 120, 100, 80, 72, 60, 50])
def test_a_number_is_whole_or_its_column_is_named_as_hidden(width: int) -> None:
    text = printed(width)
    assert "…" not in text and text.startswith("a study\nthe path\n") and text.endswith("now: a=1")
    assert all(cell_len(line) <= width for line in text.splitlines())
    found = re.search(r"hidden at this width: ([^:]*)now", text)
    hidden = found[1].replace("\n", " ") if found else ""
    assert (hidden == "") == (width >= 72), text
    for column, name in enumerate(("score", "gain", "efficiency")):
        words = [word for row in NUMBERS for word in row[column].split()]
        assert all(word in text for word in words) is (name not in hidden), text


@pytest.mark.parametrize("width", [200, None])
def test_where_there_is_room_a_row_is_a_line(width: int | None) -> None:
    assert f"n_qk_head_dim → 64      0.0227061  0.00201278 ± 5.25697e-07  9.82802e-07  {NOTE}\n" in printed(width)


def test_a_spare_column_goes_before_a_number_does() -> None:
    columns = [Column("name"), Column("cost", right=True), Column("score", right=True), Column("rate", True, spare=1)]
    table = Table(columns, [["a", "1" * 10, "2" * 10, "3" * 10]])
    assert lines(Document([table]), 30)[1:] == [f"a     {'1' * 10}  {'2' * 10}", "hidden at this width: rate"]


def test_words_that_are_too_long_are_broken_and_not_cut() -> None:
    name = "a_very_long_name_of_a_parameter_" * 3
    text = lines(Document([Table([Column("what"), Column("value")], [[name, "1"]])]), 40)
    assert name in "".join(line.split(" ")[0] for line in text[1:])


@pytest.mark.parametrize("width", [1, 2, 3, 10])
def test_a_width_without_room_for_anything_still_ends(width: int) -> None:
    assert lines(Document([Table([Column("层层"), Column("n", right=True)], [["宽" * 9, "1" * 9]])], ["宽度"]), width)
