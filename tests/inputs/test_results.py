"""What scripts print and leave: each output and each file has the right numbers, or the right refusal."""

from __future__ import annotations

import math
from typing import Any

import pytest

from objectives.command.readers import Json, Patterns, Reader, Table

LOSS = r"loss[:= ]+([0-9.]+)"
PRINTED: list[tuple[str, str, str | None, float | str | None]] = [
    # pattern, line, unit; the number, or the text of a refusal, or None where the line has no metric
    (LOSS, "step 10 | loss 3.25 | lr 1e-4", None, 3.25),
    (LOSS, "loss: 5.1e-05", None, 5.1e-05),
    (LOSS, "loss=12,345.6", None, 12345.6),
    (r"loss\D*?([0-9.]+)", "loss: -0.75", None, -0.75),
    (LOSS, "\x1b[32mloss: 0.5\x1b[0m", None, 0.5),
    (LOSS, "\x1b]0;train\x07loss: 0.5", None, 0.5),
    (LOSS, "loss: nan", None, math.nan),
    (LOSS, "loss: -inf", None, -math.inf),
    (LOSS, "loss: 0,75", None, "'0,75' is not a plain number"),
    (LOSS, "loss: 2.5e", None, "'2.5e' is not a plain number"),
    (LOSS, "no metric here", None, None),
    (LOSS, "Epoch 3:  10%|█         | 3/30 [00:01<00:10, loss=0.125]", None, 0.125),
    (r"loss': ([0-9.]+)", "{'loss': 0.4321, 'grad_norm': 1.5, 'epoch': 0.1}", None, 0.4321),
    (r"val_loss:([0-9.]+)", "step:125/1770 val_loss:4.0911 train_time:42042ms", None, 4.0911),
    (r"params: ([0-9.]+)", "params: 980K", "count", 980_000.0),
    (r"params: ([0-9.]+)", "params: 1.56M", "count", 1_560_000.0),
    (r"params: ([0-9.]+)", "params: 124_439_808", "count", 124_439_808.0),
    (r"params: ([0-9.]+)", "params: 980K", None, "unit: count reads it"),
    (r"peak ([0-9.]+)", "peak 1.5GiB", "bytes", 1.5 * 2**30),
    (r"peak ([0-9.]+)", "peak 2 GB", "GiB", 2e9 / 2**30),
    (r"took ([0-9.]+)", "took 53.09 ms", "seconds", 0.05309),
    (r"took ([0-9.]+)", "took 1m 30s", "seconds", 90.0),
    (r"took ([0-9.]+)", "took 01:02:03", "seconds", 3723.0),
    (r"acc ([0-9.]+)", "acc 93.5%", "fraction", 0.935),
    (r"acc ([0-9.]+)%", "acc 93.5%", None, 93.5),
]


def alike(one: object, other: object) -> bool:
    both_nan = isinstance(one, float) and isinstance(other, float) and math.isnan(one) and math.isnan(other)
    return both_nan or one == pytest.approx(other, rel=1e-12)


@pytest.mark.parametrize(("pattern", "line", "unit", "expected"), PRINTED)
def test_a_printed_number(pattern: str, line: str, unit: str | None, expected: float | str | None) -> None:
    row = Patterns({"m": pattern}, None, {} if unit is None else {"m": unit}).row(line)
    if expected is None:
        assert row is None
    elif isinstance(expected, str):
        assert row is not None and row.metrics == {} and expected in row.refused["m"]
    else:
        assert row is not None and row.refused == {} and alike(row.metrics["m"], expected)


def last(reader: Reader, text: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for line in text.split("\n"):
        for row in reader.rows(line) if line.strip() else ():
            found |= row.metrics
    for row in reader.finish():
        found |= row.metrics
    return found


JSON: list[tuple[str, Any, str]] = [
    ('{"loss": 1.5}', {"loss": 1.5}, ""),
    ('{"loss": 2}\n{"loss": 1, "acc": 0.5}', {"loss": 1.0, "acc": 0.5}, ""),
    ('{\n "eval": {\n  "loss": 0.5\n }\n}', {"eval.loss": 0.5}, ""),
    ('{"loss": NaN}', {"loss": math.nan}, ""),
    ('{"loss": inf}', {"loss": math.inf}, ""),
    ('{"loss": null, "note": "x"}', {}, ""),
    ('[{"step": 1, "loss": 2}, {"step": 2, "loss": 1}]', {"step": 2.0, "loss": 1.0}, ""),
    ('{"loss": [3, 2, 1], "acc": [0.1, 0.2, 0.3]}', {"loss": 1.0, "acc": 0.3}, ""),
    (
        '{"best_metric": 0.7, "global_step": 20,'
        ' "log_history": [{"loss": 1.5, "step": 10}, {"eval_loss": 0.7, "step": 20}]}',
        {"loss": 1.5, "eval_loss": 0.7, "step": 20.0, "best_metric": 0.7, "global_step": 20.0},
        "",
    ),
    (
        '{"epoch": 3.0, "eval_loss": 0.5, "train_runtime": 12.5}',
        {"epoch": 3.0, "eval_loss": 0.5, "train_runtime": 12.5},
        "",
    ),
    ("step,loss\n1,0.5", {}, "taken for JSON, but line 1 is not: 'step,loss'; `csv: FILE` reads a table"),
    ("loss = 0.5", {}, "taken for JSON, but line 1 is not: 'loss = 0.5'"),
    (f'{{"{"x" * 300}": 1.0, "loss": 2.0}}', {"loss": 2.0}, ""),
    ('{"a\\u0000b": 1.0, "loss": 2.0}', {"loss": 2.0}, ""),
]


@pytest.mark.parametrize(("text", "expected", "trouble"), JSON)
def test_a_json_file(text: str, expected: dict[str, float], trouble: str) -> None:
    reader = Json(None)
    found = last(reader, text)
    assert found.keys() == expected.keys() and all(alike(found[name], value) for name, value in expected.items())
    assert reader.trouble == trouble


TABLES: list[tuple[str, list[str], Any, str]] = [
    ("step,loss\n1,0.5", [], {"step": 1.0, "loss": 0.5}, ""),
    ("step\tloss\n1\t0.5", [], {"step": 1.0, "loss": 0.5}, ""),
    ("step;loss\n1;0.5", [], {"step": 1.0, "loss": 0.5}, ""),
    ("step loss\n1 0.5", [], {"step": 1.0, "loss": 0.5}, ""),
    ("\ufeffstep,loss\n1,0.5", [], {"step": 1.0, "loss": 0.5}, ""),
    ("# made by train.py\nstep,loss\n1,0.5", [], {"step": 1.0, "loss": 0.5}, ""),
    ("# step loss\n1 0.5", [], {"step": 1.0, "loss": 0.5}, ""),
    ('epoch,note,loss\n0,"a, b",0.5', [], {"epoch": 0.0, "loss": 0.5}, ""),
    ("epoch,train,val\n0,1.5,\n0,,0.5", [], {"epoch": 0.0, "train": 1.5, "val": 0.5}, ""),
    ("epoch,train\n0,1.5\nepoch,train,val\n1,1.0,0.5", [], {"epoch": 1.0, "train": 1.0, "val": 0.5}, ""),
    ("1.4697, 2000, 10646784", ["best", "iter", "params"], {"best": 1.4697, "iter": 2000.0, "params": 10646784.0}, ""),
    ("1.4697 2000", ["best", "iter"], {"best": 1.4697, "iter": 2000.0}, ""),
    ("1.4697, 2000", [], {}, "taken for a table without column names: line 1 is '1.4697, 2000'"),
    ('{"loss": 1}', [], {}, "`json: FILE` reads JSON"),
]


@pytest.mark.parametrize(("text", "columns", "expected", "trouble"), TABLES)
def test_a_table(text: str, columns: list[str], expected: dict[str, float], trouble: str) -> None:
    reader = Table(None, columns)
    assert last(reader, text) == expected
    assert trouble in reader.trouble and bool(trouble) == bool(reader.trouble)
