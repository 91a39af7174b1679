"""Scores and costs of a command: expressions, the best of its reports, and what is measured of it."""

from __future__ import annotations

import math
import shlex
import sys
from pathlib import Path

import pytest

from tests.support.program import Program, answer, refused

TRAIN = """
import json, sys, time
held = b"x" * (64 << 20)
with open(sys.argv[1] + "/m.jsonl", "w") as file:
    for step, loss in ((10, 3.0), (20, 1.0), (30, 2.0)):
        print(json.dumps({"step": step, "val_loss": loss + float(sys.argv[2])}), file=file, flush=True)
time.sleep(0.3)
"""


def write(folder: Path, score: str, more: str = "", metrics: str = '{json: "{run_dir}/m.jsonl"}') -> Path:
    (folder / "train.py").write_text(TRAIN)
    (folder / "own.yaml").write_text(
        f"search: grid\nobjective:\n  command: {shlex.quote(sys.executable)} train.py {{run_dir}} {{x}}\n"
        f"  metrics: {metrics}\n{score}{more}grid: {{axes: {{x: [0, 1]}}}}\nconfig: {{x: 0}}\n"
    )
    return folder / "own.yaml"


@pytest.mark.parametrize(
    ("score", "means"),
    [
        ("{metric: val_loss, direction: minimize}", [2.0, 3.0]),
        ("{metric: val_loss, direction: minimize, of: best}", [1.0, 2.0]),
        ('{metric: "exp(-val_loss)", direction: maximize, of: best}', [math.exp(-1.0), math.exp(-2.0)]),
        ('{metric: "2 * val_loss", direction: minimize, of: last}', [4.0, 6.0]),
    ],
)
def test_a_score_is_an_expression_and_the_best_or_the_last(
    program: Program, tmp_path: Path, score: str, means: list[float]
) -> None:
    run = program("run", "grid", "--study", "own", "--file", write(tmp_path, f"score: {score}\n"), "--workers", 2)
    assert run.returncode == 0, run.stderr
    assert [each["mean"] for each in answer(program, "show", "--study", "own")["results"]] == pytest.approx(means)
    assert answer(program, "audit", "--study", "own")["holds"]


def test_a_cost_may_be_what_is_measured_of_any_command(program: Program, tmp_path: Path) -> None:
    score = "score: {metric: val_loss, direction: minimize}\n"
    file = write(tmp_path, score, "cost: seconds + iter + peak_memory\n")
    assert program("run", "grid", "--study", "own", "--file", file).returncode == 0
    metrics = answer(program, "show", "--study", "own", "--trial", 0)["metrics"]
    assert metrics["iter"] == 30 and 0.3 <= metrics["seconds"] < 60 and 64 < metrics["peak_memory"] < 1024
    assert metrics["seconds + iter + peak_memory"] == metrics["seconds"] + 30 + metrics["peak_memory"]


@pytest.mark.parametrize(
    ("score", "more", "words"),
    [
        ("score: {direction: minimize}\n", "", ["score: metric: is missing"]),
        ("", "", ["score: is missing"]),
        ("score: {metric: val_loss, direction: minimize}\n", "cost: [a, b]\n", ["cost: ['a', 'b'] is not a text"]),
        ("score: {metric: [a], direction: minimize}\n", "", ["score: metric: ['a'] is not a text"]),
        ("score: val_loss\n", "", ["score: 'val_loss' is not a mapping"]),
        ("score: {metric: val_loss, direction: minimize, of: bets}\n", "", ["score.of: 'bets'", "'best'"]),
        ('score: {metric: "expp(-val_loss)", direction: minimize}\n', "", ["no function 'expp'", "'exp'"]),
    ],
)
def test_a_wrong_score_is_one_line(program: Program, tmp_path: Path, score: str, more: str, words: list[str]) -> None:
    refused(program("run", "grid", "--study", "own", "--file", write(tmp_path, score, more)), *words)


def test_a_cost_that_cannot_be_measured_here_is_said(program: Program, tmp_path: Path) -> None:
    file = write(tmp_path, "score: {metric: val_loss, direction: minimize}\n", "cost: vram\n")
    assert program("run", "grid", "--study", "own", "--file", file, "--workers", 2).returncode == 1
    told = answer(program, "show", "--study", "own", "--failures")
    assert [each["message"] for each in told] == [
        "exited with 0, but NVML shows no memory of its processes on a GPU, so there is no 'vram'"
    ]


def test_patterns_need_not_name_what_is_measured(program: Program, tmp_path: Path) -> None:
    metrics = "{stdout: {val_loss: 'loss ([0-9.]+)'}}"
    for cost, words in (("seconds", None), ("secnds", "returns no 'secnds'")):
        score = "score: {metric: val_loss, direction: minimize}\n"
        file = write(tmp_path, score, f"cost: {cost}\n", metrics)
        ended = program("run", "grid", "--study", "own", "--file", file, "--dry-run")
        assert ended.returncode == 0 if words is None else refused(ended, words)
