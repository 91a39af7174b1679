"""A depth study counts the metric that its score names, whatever grows with depth."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.program import Program, answer

OWN = (
    "def own(config):\n"
    "    layers, width = config['n_layer'], config['n_embd']\n"
    "    return {'params': 1000.0 + layers * width, 'flops': 3.0 * layers * width ** 2, 'half': layers / 2}\n"
)


def deep(
    folder: Path, score: str, depth: str, objective: str = "own.py:own", config: str = "{vocab_size: 100}"
) -> Path:
    (folder / "own.py").write_text(OWN)
    file = folder / "deep.yaml"
    file.write_text(f"search: depth\nobjective: {objective}\n{score}depth: {depth}\nconfig: {config}\n")
    return file


FLOPS = "score: {metric: flops, direction: minimize}\n"


def test_the_named_metric_is_counted_and_shown_by_its_name_everywhere(program: Program, tmp_path: Path) -> None:
    file = deep(tmp_path, FLOPS, "{targets: [7700], widths: [16, 32], num_heads: 8}")
    ahead = program("run", "depth", "--study", "deep", "--file", file, "--dry-run")
    assert "no estimate: the closed form is of params, and the targets are of flops" in ahead.stdout, ahead.stderr
    told = program("run", "depth", "--study", "deep", "--file", file)
    assert told.returncode == 0, told.stderr
    narrow, wide = answer(program, "show", "--study", "deep")["results"]
    # 3 · 10 · 256 = 7,680 and 3 · 3 · 1,024 = 9,216 against 3 · 2 · 1,024 = 6,144
    assert (narrow["layers"], narrow["metric"], narrow["count"]) == (10, "flops", 7680) and "params" not in narrow
    assert (wide["layers"], wide["difference"]) == (3, 1516)
    head = program("show", "--study", "deep").stdout.splitlines()[0]
    assert "flops" in head and "Actual" not in head and "Estimate" not in head
    assert "flops" in program("show", "--study", "deep", "--csv").stdout.splitlines()[0]
    exported = json.loads(program("export", "--study", "deep", "--as", "depth-json").stdout)["7700"]["16"]
    assert (exported["actual_flops"], exported["target_flops"], exported["optimal_layers"]) == (7680, 7700, 10)
    assert "actual_params" not in exported and exported["calibration_ratio"] is None
    assert answer(program, "audit", "--study", "deep")["holds"]
    assert answer(program, "replay", "--study", "deep")["agrees"]


@pytest.mark.parametrize("score", ["", "score: {metric: params, direction: minimize}\n"])
def test_parameters_are_counted_where_nothing_else_is_named(program: Program, tmp_path: Path, score: str) -> None:
    file = deep(tmp_path, score, "{targets: [1160], widths: [16], num_heads: 8}")
    assert program("run", "depth", "--study", "deep", "--file", file).returncode == 0
    [row] = answer(program, "show", "--study", "deep")["results"]
    assert (row["layers"], row["params"]) == (10, 1160) and "metric" not in row
    assert "Estimate" in program("show", "--study", "deep").stdout.splitlines()[0]


def test_parameters_without_embeddings_of_a_family_take_three_counts_a_width(program: Program, tmp_path: Path) -> None:
    config = "{family: gpt2, vocab_size: 1000, block_size: 64}"
    score = "score: {metric: non_embedding_params, direction: minimize}\n"
    file = deep(tmp_path, score, "{targets: [1000000], widths: [64]}", "parameters", config)
    told = program("run", "depth", "--study", "deep", "--file", file)
    assert told.returncode == 0, told.stderr
    [row] = answer(program, "show", "--study", "deep")["results"]
    assert row["metric"] == "non_embedding_params" and row["reached"] and row["counts"] == 3
    assert abs(row["difference"]) <= 12 * 64**2, "closer than a layer"


def test_a_metric_that_is_no_whole_number_is_said_to_be_none(program: Program, tmp_path: Path) -> None:
    file = deep(tmp_path, FLOPS.replace("flops", "half"), "{targets: [5], widths: [16], num_heads: 8, max_layers: 9}")
    assert program("run", "depth", "--study", "deep", "--file", file).returncode == 1
    [row] = answer(program, "show", "--study", "deep")["results"]
    assert row["count"] is None and "returned half 4.5: not a whole number from 0 on" in row["reason"]
