"""Files as trainers write them: JSON as one document, tables of every make, and what a file was taken for."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from objectives.command.follow import File
from objectives.command.readers import Json, Reader, Row, Table

TRAINER_STATE = {
    "best_metric": 0.25,
    "best_model_checkpoint": "out/checkpoint-20",
    "epoch": 2.0,
    "global_step": 20,
    "is_hyper_param_search": False,
    "log_history": [
        {"epoch": 1.0, "grad_norm": 1.5, "learning_rate": 5e-05, "loss": 2.5, "step": 10},
        {"epoch": 1.0, "eval_loss": 0.5, "eval_runtime": 0.1, "step": 10},
        {"epoch": 2.0, "eval_loss": 0.25, "eval_runtime": 0.1, "step": 20},
        {"epoch": 2.0, "step": 20, "total_flos": 1e12, "train_loss": 1.75},
    ],
    "stateful_callbacks": {"TrainerControl": {"args": {"should_log": False}, "attributes": {}}},
    "trial_params": None,
}
ALL_RESULTS = {"epoch": 3.0, "eval_loss": 0.5, "eval_samples_per_second": 12.5, "train_loss": 1.25}
LIGHTNING = "epoch,step,train_loss,val_loss\n0,9,2.5,\n0,9,,2.25\n1,19,1.5,\n1,19,,1.25\n"


def read(reader: Reader, text: str, folder: Path) -> list[Row]:
    """Every row of a file, as a run reads it."""
    (folder / "file").write_bytes(text.encode())
    file = File(folder / "file")
    _, lines = file.read()
    rows = [row for line in lines for row in reader.rows(line)]
    rows += reader.peek(file.lines.unfinished)
    rows += [row for line in file.lines.rest() for row in reader.rows(line)]
    return [*rows, *reader.finish()]


def last(rows: Sequence[Row]) -> dict[str, float]:
    return {name: value for row in rows for name, value in row.metrics.items()}


@pytest.mark.parametrize("indent", [None, 1, 2, 4, "\t"])
@pytest.mark.parametrize("end", ["", "\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize(
    ("document", "count", "metrics"),
    [
        ({"loss": 0.5, "step": 3}, 1, {"loss": 0.5, "step": 3.0}),
        ({"val": {"loss": 1, "task": {"arc": 2}}, "n": 3}, 1, {"val.loss": 1.0, "val.task.arc": 2.0, "n": 3.0}),
        ([{"step": 1, "loss": 2.0}, {"step": 2, "loss": 1.0}], 2, {"step": 2.0, "loss": 1.0}),
        ({"runs": [{"loss": 2.0}, {"loss": 1.0}], "best": 1}, 3, {"runs.loss": 1.0, "best": 1.0}),
        ({"loss": [2.0, 1.5, 1.0], "val_loss": [3.0, 2.5, math.nan]}, 3, {"loss": 1.0, "val_loss": math.nan}),
        ({"loss": math.inf, "betas": [0.9, 0.95], "on": True, "name": "x"}, 1, {"loss": math.inf}),
        (ALL_RESULTS, 1, ALL_RESULTS),
    ],
)  # fmt: skip
def test_json_is_read_as_one_document_in_any_layout(
    tmp_path: Path, indent: Any, end: str, mark: str, document: Any, count: int, metrics: dict[str, float]
) -> None:
    reader = Json(None)
    rows = read(reader, mark + json.dumps(document, indent=indent) + end, tmp_path)
    assert len(rows) == count and repr(last(rows)) == repr(metrics) and not reader.trouble


@pytest.mark.parametrize("indent", [None, 2])
def test_the_state_of_hugging_faces_trainer_is_read_step_by_step(tmp_path: Path, indent: int | None) -> None:
    rows = read(Json(None), json.dumps(TRAINER_STATE, indent=indent) + "\n", tmp_path)
    assert [row.step for row in rows] == [10, 10, 20, 20, 20]
    assert last(rows[:4]) == {
        "epoch": 2.0, "grad_norm": 1.5, "learning_rate": 5e-05, "loss": 2.5, "step": 20.0,
        "eval_loss": 0.25, "eval_runtime": 0.1, "total_flos": 1e12, "train_loss": 1.75,
    }  # fmt: skip
    assert rows[4].metrics == {"best_metric": 0.25, "epoch": 2.0, "global_step": 20.0}


def test_objects_that_are_printed_over_lines_one_after_the_other_are_rows(tmp_path: Path) -> None:
    text = "\n".join(json.dumps({"step": step, "in": {"loss": 1 / step}}, indent=2) for step in (1, 2, 4))
    rows = read(Json(None), text, tmp_path)
    assert [(row.step, row.metrics["in.loss"]) for row in rows] == [(1, 1.0), (2, 0.5), (4, 0.25)]


def test_a_document_is_seen_before_its_last_line_ends_and_counted_once(tmp_path: Path) -> None:
    for indent in (None, 2):
        reader, path = Json(None), tmp_path / f"{indent}"
        file = File(path)
        path.write_text(json.dumps({"loss": 0.5}, indent=indent))
        _, lines = file.read()
        rows = [row for line in lines for row in reader.rows(line)] + reader.peek(file.lines.unfinished)
        assert [row.metrics for row in rows] == [{"loss": 0.5}] and reader.peek(file.lines.unfinished) == []
        with path.open("a") as more:
            more.write("\n")
        _, lines = file.read()
        assert [row for line in lines for row in reader.rows(line)] == [] and reader.finish() == []


@given(
    st.recursive(
        st.floats() | st.integers(-(10**6), 10**6), lambda inner: st.dictionaries(st.text("abc", min_size=1), inner)
    )
)
def test_every_number_of_a_document_has_its_dotted_name(value: Any) -> None:  # fmt: skip
    document = {"x": value, "last": 1}
    reader = Json("none")
    rows = [row for line in json.dumps(document, indent=1).split("\n") for row in reader.rows(line)] + reader.finish()
    for name, number in last(rows).items():
        found: Any = document
        for part in name.split("."):
            found = found[part]
        assert repr(float(found)) == repr(number)
    assert "last" in last(rows)


@pytest.mark.parametrize(
    ("text", "metrics"),
    [
        (LIGHTNING, {"epoch": 1.0, "step": 19.0, "train_loss": 1.5, "val_loss": 1.25}),
        ("\ufeff" + LIGHTNING, {"epoch": 1.0, "step": 19.0, "train_loss": 1.5, "val_loss": 1.25}),
        (LIGHTNING.replace(",", "\t"), {"epoch": 1.0, "step": 19.0, "train_loss": 1.5, "val_loss": 1.25}),
        (LIGHTNING.replace(",", ";"), {"epoch": 1.0, "step": 19.0, "train_loss": 1.5, "val_loss": 1.25}),
        (LIGHTNING.replace("\n", "\r\n"), {"epoch": 1.0, "step": 19.0, "train_loss": 1.5, "val_loss": 1.25}),
        ("# run 5, seed 1\n# made by train.py\nstep,loss\n1,0.5\n", {"step": 1.0, "loss": 0.5}),
        ("# step loss\n1 0.5\n2 0.25\n", {"step": 2.0, "loss": 0.25}),
        ("# step,loss\n1.0e+00,5.0e-01\n", {"step": 1.0, "loss": 0.5}),
        ("step loss acc\n1 0.5 0.75\n2 0.25 nan\n", {"step": 2.0, "loss": 0.25, "acc": math.nan}),
        ("step   loss\n   1    0.5\n", {"step": 1.0, "loss": 0.5}),
        ("val loss\n0.5\n", {"val loss": 0.5}),
        ("loss\n0.5\n0.25\n", {"loss": 0.25}),
        ('"step","val, loss"\n"1","0.5"\n', {"step": 1.0, "val, loss": 0.5}),
        ("step,loss\n1,0.5\nstep,loss,val_loss\n2,0.25,0.75\n", {"step": 2.0, "loss": 0.25, "val_loss": 0.75}),
        ('step,tokens\n1,"1,234,567"\n', {"step": 1.0, "tokens": 1234567.0}),
        ("epoch,lr,note\n1,5e-05,run-5 a\n", {"epoch": 1.0, "lr": 5e-05}),
    ],
)
def test_a_table_is_read_whatever_divides_it(tmp_path: Path, text: str, metrics: dict[str, float]) -> None:
    reader = Table(None)
    assert repr(last(read(reader, text, tmp_path))) == repr(metrics) and not reader.trouble


@pytest.mark.parametrize(
    "text",
    [f"1.4697{divider}2000{divider}10646784{end}" for divider in (",", ", ", "\t", " ", ";") for end in ("", "\n")],
)
def test_a_line_of_numbers_without_names_is_read_by_the_names_of_the_definition(tmp_path: Path, text: str) -> None:
    reader = Table(None, ["best_val_loss", "iter", "params"])
    [row] = read(reader, text, tmp_path)
    assert row == Row(2000, {"best_val_loss": 1.4697, "iter": 2000.0, "params": 10646784.0}) and not reader.trouble


@pytest.mark.parametrize(
    ("reader", "text", "trouble"),
    [
        (Json(None), "step,loss\n1,0.5\n", "taken for JSON, but line 1 is not: 'step,loss'; `csv: FILE` reads a table"),
        (Json(None), '{"loss": 1}\nTraceback\n', "taken for JSON, but line 2 is not: 'Traceback'"),
        (Json(None), '{\n "loss": 0.5,\n "acc"', 'taken for JSON, but line 3 is not: \'{\\n "loss": 0.5'),
        (Table(None), '{"loss": 1}\n', "taken for a table, but line 1 is '{\"loss\": 1}'; `json: FILE` reads JSON"),
        (Table(None), "1.4697,2000\n", "without column names: line 1 is '1.4697,2000'; name them: `columns: ["),
        (Table(None), "a;b\n1;2;3\n", "a table of 2 columns divided by semicolons (a, b), but line 2 has 3 cells"),
        (Table(None, ["a", "b"]), "1,2,3\n", "a table of 2 columns divided by commas (a, b), but line 1 has 3 cells"),
    ],
)
def test_what_cannot_be_read_says_what_it_was_taken_for(
    tmp_path: Path, reader: Reader, text: str, trouble: str
) -> None:
    read(reader, text, tmp_path)
    assert trouble in reader.trouble and "\n" not in reader.trouble


def test_a_cell_that_is_no_number_is_refused_with_its_text(tmp_path: Path) -> None:
    [row] = read(Table(None), "step;loss\n1;0,75\n", tmp_path)
    assert row.metrics == {"step": 1.0} and "'0,75'" in row.refused["loss"]


def test_a_table_that_is_rewritten_with_a_column_that_came_later_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text("epoch,step,train_loss\n0,9,2.5\n")
    file, reader = File(path), Table(None)
    assert [row for line in file.read()[1] for row in reader.rows(line)][-1].metrics["train_loss"] == 2.5
    path.write_text(LIGHTNING)
    rewritten, lines = file.read()
    reader = Table(None)
    assert rewritten and last([row for line in lines for row in reader.rows(line)])["val_loss"] == 1.25


def test_names_that_cannot_be_kept_are_left_out(tmp_path: Path) -> None:
    [row] = read(Json(None), json.dumps({"x" * 201: 1, "a\u0007": 2, "loss": 3}), tmp_path)
    assert row.metrics == {"loss": 3.0}
