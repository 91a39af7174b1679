"""Tables in narrow terminals: no digit is lost, and what is left out is named."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from studies.tables.fitting import NothingCut

NUMBERS = [["0.0227061", "0.00201278 ± 5.25697e-07", "9.82802e-07"], ["123,456,789.5", "-1.5", "3"]]


def printed(width: int) -> str:
    table = Table("round", "chosen", box=None, pad_edge=False, title="the path")
    for name in ("score", "gain", "efficiency"):
        table.add_column(name, justify="right")
    table.add_column("notes")
    for number, row in enumerate(NUMBERS):
        table.add_row(str(number), "n_qk_head_dim → 64", *row, "no step helped, the budget was raised")
    out = io.StringIO()
    console = Console(file=out, width=width, markup=False, highlight=False)
    console.push_render_hook(NothingCut(console))
    console.print(Group(table, Text("now: a=1")))
    return out.getvalue()


@pytest.mark.parametrize("width", [200, 120, 100, 80, 72, 60, 50])
def test_a_number_is_whole_or_its_column_is_named_as_left_out(width: int) -> None:
    text = printed(width)
    assert "…" not in text and "now: a=1" in text
    assert all(len(line) <= width for line in text.splitlines())
    found = re.search(r"left out here, for want of width: ([^:]*)now", text)
    left_out = found[1].replace("\n", " ") if found else ""
    assert (left_out == "") == (width >= 72), text
    for column, name in enumerate(("score", "gain", "efficiency")):
        words = [word for row in NUMBERS for word in row[column].split()]
        assert all(word in text for word in words) is (name not in left_out), text


def test_where_there_is_room_a_table_is_as_it_was() -> None:
    assert "n_qk_head_dim → 64      0.0227061  0.00201278 ± 5.25697e-07" in printed(200)


def test_words_that_are_too_long_are_broken_and_not_cut() -> None:
    name = "a_very_long_name_of_a_parameter_" * 3
    table = Table("what", "value", box=None, pad_edge=False)
    table.add_row(name, "1")
    out = io.StringIO()
    console = Console(file=out, width=40)
    console.push_render_hook(NothingCut(console))
    console.print(table)
    assert name in "".join(line.split(" ")[0] for line in out.getvalue().splitlines()[1:])
