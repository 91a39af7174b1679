"""Depth studies as users run them: real processes, a real server, models that are really built."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.depth_of import depth_of
from tests.support.depths import REFERENCE, cehr
from tests.support.program import Program, answer
from tests.support.stock import stock

TARGETS = [10_000_000, 25_000_000, 50_000_000, 75_000_000, 100_000_000]


CEHR = "{family: cehr, vocab_size: 6516, max_position_embeddings: 2048, time_tokens: 78}"


def test_20_automatic_widths_and_5_targets_take_60_counts_at_most_and_are_exact(
    program: Program, tmp_path: Path
) -> None:
    file = depth_of(tmp_path, CEHR, f"{{targets: {TARGETS}}}")
    told = program("run", "depth", "--study", "deep", "--file", file, "--workers", 2)
    assert told.returncode == 0, told.stderr
    shown = answer(program, "show", "--study", "deep")
    assert shown["search"] == "depth" and len(shown["results"]) == 100
    for row in shown["results"]:
        width, target = row["width"], row["target"]
        assert row["layers"] == min(range(1, 101), key=lambda n: (abs(cehr(n, width) - target), n))
        assert row["params"] == cehr(row["layers"], width) and row["counts"] <= 3
        assert row["reached"] == (cehr(1, width) <= target <= cehr(100, width)) == (row["reason"] is None)
    certificate = answer(program, "audit", "--study", "deep")
    assert certificate["holds"] and certificate["attempts"] <= 60
    assert answer(program, "replay", "--study", "deep")["agrees"]
    exported = json.loads(program("export", "--study", "deep", "--as", "depth-json").stdout)
    assert list(exported) == [str(target) for target in TARGETS] and len(exported["100000000"]) == 20
    # A further target and another width: what has been counted serves.
    again = program("run", "depth", "--study", "deep", "--file", file, "--set", "widths=[320, 768]")
    assert again.returncode == 0, again.stderr
    rows = answer(program, "show", "--study", "deep")["results"]
    assert [[row["layers"], row["params"]] for row in rows if row["target"] == 100_000_000] == [
        REFERENCE["320"],
        REFERENCE["768"],
    ]
    assert answer(program, "audit", "--study", "deep")["attempts"] == certificate["attempts"] + 3


@pytest.mark.parametrize(
    ("config", "depth", "said"),
    [
        (CEHR, "{targets: [0]}", "depth.targets: 0 is not a whole number from 1 to"),
        (CEHR, "{targets: 5, min_layers: 3, max_layers: 2}", "min_layers 3 is above max_layers 2"),
        (CEHR, "{targets: 5, max_layers: 100000}", "depth.max_layers: 100000 is not a whole number from 1 to 10,000"),
        ("{model: 'FOLDER/bad.py:raises'}", "{targets: 5}", "RuntimeError: not today"),
        ("{model: 'FOLDER/bad.py:reads'}", "{targets: 5}", "cannot build on the meta device"),
        ("{family: gpt2}", "{targets: 5}", "vocab_size is missing"),
    ],
)
def test_wrong_input_is_one_line_and_nothing_is_written(
    program: Program, tmp_path: Path, config: str, depth: str, said: str
) -> None:
    bad = "import torch\ndef raises(config):\n    raise RuntimeError('not today')\n"
    (tmp_path / "bad.py").write_text(bad + "def reads(config):\n    return torch.ones(2).sum().item()\n")
    file = depth_of(tmp_path, config.replace("FOLDER", str(tmp_path)), depth)
    told = program("run", "depth", "--study", "deep", "--file", file)
    assert told.returncode == 2 and said in told.stderr, told.stderr
    assert len(told.stderr.strip().splitlines()) == 1 and "Traceback" not in told.stderr
    assert program("show", "--study", "deep").returncode == 2, "there is no such study"


def test_a_dry_run_prints_the_closed_form(program: Program, tmp_path: Path) -> None:
    file = depth_of(tmp_path, CEHR, "{targets: 100000000, widths: [16, 768]}")
    told = program("run", "depth", "--study", "deep", "--file", file, "--dry-run")
    assert told.returncode == 0, told.stderr
    lines = [line.split() for line in told.stdout.splitlines()]
    assert ["100,000,000", "768", "13"] in lines and "beyond max_layers 100" in told.stdout
    assert "4 trials, 0 points refused" in told.stdout


def test_an_answer_that_does_not_fit_is_a_finding(program: Program, tmp_path: Path) -> None:
    config = "{family: gpt2, vocab_size: 1000, block_size: 64}"
    depth = "{targets: [8000000, 80000000], widths: [768], verify: {batch_size: 1, seq_length: 16}}"
    file = depth_of(tmp_path, config, depth, "memory_limit: 750MiB\n")
    told = program("run", "depth", "--study", "deep", "--file", file)
    assert told.returncode == 0, told.stderr
    small, large = answer(program, "show", "--study", "deep")["results"]
    assert small["reached"] and small["verify"]["outcome"] == "completed" and small["verify"]["peak_memory"] > 0
    assert large["reached"] and large["verify"]["outcome"] == "out_of_memory"
    assert "a training step: out of memory" in program("show", "--study", "deep").stdout
    assert answer(program, "replay", "--study", "deep")["agrees"]


MODEL = "from torch import nn\ndef build(config):\n    return nn.Linear(config['n_embd'], config['n_layer'])\n"


def test_a_model_s_file_is_relative_to_the_definition_wherever_it_is_run_from(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine" / "sub").mkdir(parents=True)
    (tmp_path / "mine" / "sub" / "m.py").write_text(MODEL)
    config = "{model: sub/m.py:build, n_embd: 8, n_layer: 1, n_head: 1}"
    file = depth_of(tmp_path / "mine", config, "{targets: [40], widths: [8], num_heads: 1}")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    run = ["run", "depth", "--study", "deep", "--workers", 1]
    told = program(*run, "--file", file)
    assert told.returncode == 0, told.stderr
    assert [row["layers"] for row in answer(program, "show", "--study", "deep")["results"]] == [4]
    # Joined without the file: the study knows which one it was.
    told = program(*run, "--set", "depth.targets=[80]")
    assert told.returncode == 0 and [r["layers"] for r in answer(program, "show", "--study", "deep")["results"]] == [9]
    # The same definition in another folder is the same study, and changes nothing.
    (tmp_path / "mine").rename(tmp_path / "other")
    (tmp_path / "mine").symlink_to(tmp_path / "other")
    attempts = answer(program, "audit", "--study", "deep")["attempts"]
    assert program(*run, "--file", tmp_path / "other" / "deep.yaml").returncode == 0
    certificate = answer(program, "audit", "--study", "deep")
    assert certificate["attempts"] == attempts and certificate["decisions"]["made"] == len(
        answer(program, "replay", "--study", "deep")["decisions"]
    )
    # What is typed is relative to where it is typed.
    (tmp_path / "elsewhere" / "wide.py").write_text(MODEL.replace("n_embd'], ", "n_embd'] * 2, "))
    told = program(*run, "--set", "model=wide.py:build")
    assert told.returncode == 0 and [r["layers"] for r in answer(program, "show", "--study", "deep")["results"]] == [5]


def test_a_model_of_an_axis_is_relative_to_the_definition_too(program: Program, tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text(MODEL)
    file = tmp_path / "own.yaml"
    file.write_text(
        "search: grid\nobjective: parameters\nscore: {metric: params, direction: minimize}\n"
        "grid: {axes: {model: [m.py:build], n_layer: [1, 2]}}\nconfig: {model: m.py:build, n_embd: 8, n_layer: 1}\n"
    )
    assert program("run", "grid", "--study", "own", "--file", file).returncode == 0
    assert [row["mean"] for row in answer(program, "show", "--study", "own")["results"]] == [9, 18]


def test_a_model_that_is_missing_is_one_line_with_its_whole_path(program: Program, tmp_path: Path) -> None:
    file = depth_of(
        tmp_path, "{model: m.py:build, n_embd: 8, n_layer: 1}", "{targets: [40], widths: [8], num_heads: 1}"
    )
    told = program("run", "depth", "--study", "deep", "--file", file)
    assert told.returncode == 2 and told.stderr.count("\n") == 1
    assert f"config: model: there is no file {tmp_path}/m.py" in told.stderr and "config: config" not in told.stderr


def test_optuna_shows_the_distance_to_the_target(program: Program, url: str, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("def own(config):\n    return {'params': config['n_embd'] * config['n_layer']}\n")
    file = tmp_path / "own.yaml"
    file.write_text(
        "search: depth\nobjective: own.py:own\ndepth: {targets: [100, 900], widths: [8], max_layers: 40}\n"
        "config: {n_embd: 8, n_layer: 1}\n"
    )
    assert program("run", "depth", "--study", "own", "--file", file).returncode == 0
    study = stock(url, "own")
    for trial in study.trials:
        count = trial.user_attrs["params"]
        assert trial.value == min(abs(count - 100), abs(count - 900))
    assert study.best_trial.user_attrs["params"] in (96, 104) and study.metric_names == ["params: distance to target"]
    assert answer(program, "audit", "--study", "own")["holds"]
