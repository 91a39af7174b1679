"""What a command is not told is never shown as told: by a dry run, a run, and the table alike."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from tests.support.program import Program, answer, refused

TRAIN = """
import argparse, json
parser = argparse.ArgumentParser()
parser.add_argument("--depth", type=int, default=1)
parser.add_argument("--dropout", type=float, default=0.5)
parser.add_argument("--out")
options, _ = parser.parse_known_args()
with open(options.out + "/m.json", "w") as file:
    json.dump({"loss": 1 / options.depth + options.dropout, "seconds": __import__("time").time()}, file)
"""


def write(folder: Path, arguments: str, grid: str, config: str, more: str = "") -> Path:
    (folder / "train.py").write_text(TRAIN)
    (folder / "own.yaml").write_text(
        f"search: grid\nobjective:\n  command: {shlex.quote(sys.executable)} train.py --out {{run_dir}} {arguments}\n"
        f'  metrics: {{json: "{{run_dir}}/m.json"}}\n{more}'
        f"score: {{metric: loss, direction: minimize}}\ngrid: {{{grid}}}\nconfig: {{{config}}}\n"
    )
    return folder / "own.yaml"


@pytest.mark.parametrize(
    ("grid", "config", "words"),
    [
        ("axes: {dropout: [0.1, null]}", "dropout: 0.1", "dropout: null has no word"),
        ('axes: {"opt.lr": [1, 2]}', '"opt.lr": 1, opt: {lr: 2}', "'opt.lr' is written twice"),
        ('axes: {opt: [{lr: 1}, {lr: 2}], "opt.lr": [1, 2]}', "opt: {lr: 2}", "'opt.lr' lies inside the axis 'opt'"),
    ],
)
def test_what_the_command_cannot_be_told_is_refused_before_anything_is_written(
    program: Program, tmp_path: Path, grid: str, config: str, words: str
) -> None:
    file = write(tmp_path, "{flags}", grid, config)
    for dry in (["--dry-run"], []):
        refused(program("run", "grid", "--study", "own", "--file", file, *dry), words)
    assert "own" not in program("status").stdout


def test_a_fixed_false_that_the_script_would_take_for_true_is_refused_too(program: Program, tmp_path: Path) -> None:
    more = "  flags: value\n"
    file = write(tmp_path, "{flags}", "axes: {depth: [1, 2]}", "depth: 1, bias: false", more)
    (tmp_path / "train.py").write_text(TRAIN.replace('"--out")', '"--out")\nparser.add_argument("--bias", type=bool)'))
    for dry in (["--dry-run"], []):
        refused(program("run", "grid", "--study", "own", "--file", file, *dry), "--bias has `type=bool`")
    assert "own" not in program("status").stdout


def test_an_axis_that_is_changed_later_has_to_be_heard_too(program: Program, tmp_path: Path) -> None:
    file = write(tmp_path, "{flags}", "axes: {dropout: [0.1]}", "dropout: 0.1")
    run = ["run", "grid", "--study", "own", "--file", file, "--workers", 2]
    assert program(*run).returncode == 0
    for dry in (["--dry-run"], []):
        refused(program(*run, "--set", "grid.axes.dropout=[0.1, null]", *dry), "dropout: null has no word")
    assert program(*run, "--set", "grid.axes.dropout=[0.1, 0.2]").returncode == 0
    assert [each["mean"] for each in answer(program, "show", "--study", "own")["results"]] == [1.1, 1.2]


def test_a_nested_placeholder_is_heard_and_a_flag_that_is_not_is_named(program: Program, tmp_path: Path) -> None:
    grid = 'axes: {"model.depth": [1, 2], use_bias: [true, false]}, repeats: 2'
    file = write(
        tmp_path, "--depth={model.depth} --use_bias={use_bias} --seed {seed}", grid, "model: {depth: 1}, use_bias: true"
    )
    preview = program("run", "grid", "--study", "own", "--file", file, "--dry-run")
    assert preview.returncode == 0 and "4 settings × 2 seeds: 8 trials" in preview.stdout, preview.stderr
    assert program("run", "grid", "--study", "own", "--file", file, "--workers", 2).returncode == 0
    shown = answer(program, "show", "--study", "own")
    assert {each["setting"]["model.depth"]: each["mean"] for each in shown["results"]} == {1: 1.5, 2: 1.0}
    assert shown["unheard"] == ["use_bias"] and shown["seeds_alike"] is True
    told = program("show", "--study", "own").stdout
    assert "use_bias changed nothing: does the command hear it?" in told
    assert "all seeds gave the same numbers: does the command hear the seed?" in told
    assert "model.depth changed nothing" not in told


def test_an_axis_that_does_not_exist_shows_what_the_command_was_told(program: Program, tmp_path: Path) -> None:
    grid = 'axes: {depth: [1, 2], dropout: [0.1, 0.2]}, when: {dropout: "depth == 2"}'
    file = write(tmp_path, "{flags}", grid, "depth: 1, dropout: 0.25")
    assert "– (0.25)" in program("run", "grid", "--study", "own", "--file", file, "--dry-run").stdout
    assert program("run", "grid", "--study", "own", "--file", file, "--workers", 2).returncode == 0
    assert "– (0.25)" in program("show", "--study", "own").stdout
    assert [each["mean"] for each in answer(program, "show", "--study", "own")["results"]] == [0.6, 0.7, 1.25]
