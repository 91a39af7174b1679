"""`show --top --where --sort --columns --names`: which rows and columns are shown, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from storage.errors import UsageError
from studies.tables.choice import EVERYTHING, Choice
from studies.tables.table import Column, Figure, Table

ROWS: list[Mapping[str, Any]] = [
    {"lr": 0.1, "act": "relu", "val_loss": 2.0, "params": 30.0},
    {"lr": 0.01, "act": "gelu", "val_loss": 1.0, "params": 10.0},
    {"lr": 0.001, "act": "gelu", "val_loss": float("nan")},
]
TABLE = Table(
    [Column("lr"), Column("val_loss (nats) ± 95 %", right=True, key="val_loss ± 95 %"), Column("verdict")],
    [[str(row["lr"]), Figure(row["val_loss"], 0.1), "tie"] for row in ROWS],
)


def rates(**asked: Any) -> list[float]:
    return [row["lr"] for row in Choice(**asked).rows(ROWS, lambda row: row)]


def test_rows_are_ordered_by_a_setting_or_a_metric_and_what_has_no_value_comes_last() -> None:
    assert rates(sort="lr") == [0.001, 0.01, 0.1] and rates(sort="-lr") == [0.1, 0.01, 0.001]
    assert rates(sort="val_loss") == [0.01, 0.1, 0.001] and rates(sort="-params") == [0.1, 0.01, 0.001]
    assert rates(sort="act", top=2) == [0.01, 0.001] and rates() == [0.1, 0.01, 0.001]


def test_a_sorted_table_says_which_end_stands_first() -> None:
    assert Choice(sort="acc").order_notes == ["sorted by acc, the smallest first; --sort -acc turns it round"]
    assert Choice(sort="-acc").order_notes == ["sorted by acc, the largest first; --sort acc turns it round"]
    assert Choice(top=3).order_notes == []


def test_a_condition_holds_over_settings_and_metrics_and_never_of_a_row_without_the_value() -> None:
    assert rates(where="act == 'gelu'") == [0.01, 0.001] and rates(where="val_loss < 5") == [0.1, 0.01]
    assert rates(where="act == 'gelu' and params < 20") == [0.01] and rates(where="lr > 1") == []


def test_columns_are_those_of_the_table_or_values_of_the_rows_under_the_given_heads() -> None:
    choice = Choice.parse(None, None, None, "val_loss, params", ["val_loss=Loss,params=Parameters"])
    table = choice.table(TABLE, ROWS)
    assert [column.name for column in table.columns] == ["Loss", "Parameters"]
    assert [column.head for column in table.columns] == ["Loss", "Parameters"]
    assert table.rows[0] == [Figure(2.0, 0.1), Figure(30.0)] and table.rows[2][1] == ""
    assert Choice(columns=["params"]).table(TABLE, ROWS, str.upper).columns[0].name == "PARAMS"
    assert EVERYTHING.table(TABLE, ROWS) == TABLE and not EVERYTHING.given


def test_columns_can_swap_their_names() -> None:
    table = Choice.parse(None, None, None, None, ["lr=verdict,verdict=lr"]).table(TABLE, ROWS)
    assert [column.name for column in table.columns][::2] == ["verdict", "lr"]
    assert [column.head for column in table.columns][::2] == ["verdict", "lr"] and table.rows == TABLE.rows


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"sort": "-lrr"}, r"--sort: the table has no 'lrr'.*'lr'"),
        ({"where": "val_los < 1"}, r"--where: the table has no 'val_los'.*'val_loss'"),
        ({"where": "lr +"}, "--where: 'lr +' is not an expression"),
        ({"where": "lr + 1"}, "a condition has to be true or false"),
    ],
)
def test_a_name_that_no_row_has_and_a_condition_that_is_none_are_refused(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said.replace("+", r"\+")):
        rates(**asked)


def test_a_column_that_neither_the_table_nor_a_row_has_is_refused() -> None:
    with pytest.raises(UsageError, match=r"--columns: the table has no 'lss'"):
        Choice(columns=["lss"]).table(TABLE, ROWS)
    with pytest.raises(UsageError, match=r"--names: the table has no 'vedict'.*'verdict'"):
        Choice(names={"vedict": "V"}).table(TABLE, ROWS)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((0, None, None, None, []), "--top: 0"),
        ((None, None, None, "a,,b", []), "--columns: "),
        ((None, None, None, None, ["a=A,b"]), "--names: 'b' is not OLD=New"),
        ((None, None, None, None, ["=A"]), "--names: '=A'"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(given: tuple[Any, ...], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Choice.parse(*given)
