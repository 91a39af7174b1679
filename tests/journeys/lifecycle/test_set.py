"""`--set` of what is not in the config: keys of the file's own, and values that the search sets itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from storage.errors import UsageError
from studies.definition.definition import Definition
from studies.definition.effects import check_effect
from tests.support.program import Program, answer, refused, states

FILE = (
    "search: grid\nobjective: own.py:own\nscore: {metric: score, direction: maximize}\nattempts: 1\n"
    "grid: {axes: {n: [1, 2], lr: [0.1]}, derive: {m: 2 * n}, repeats: 1}\nconfig: {n: 1, m: 1, lr: 1, k: 1}\n"
)
BODY = """
from pathlib import Path
def own(config, trial):
    file = Path(__file__).parent / f"tries-{config['n']}"
    tries = len(file.read_text()) if file.exists() else 0
    file.write_text("x" * (tries + 1))
    assert tries >= config["k"], "not yet"
    return {"score": config["n"], "other": -config["n"]}
"""


@pytest.fixture
def run(tmp_path: Path) -> list[object]:
    (tmp_path / "own.py").write_text(BODY)
    (tmp_path / "own.yaml").write_text(FILE)
    return ["run", "grid", "--study", "own", "--file", tmp_path / "own.yaml"]


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("lr=3", "lr is an axis; --set grid.axes.lr=[3]"),
        ("lr=[3, 4]", "lr is an axis; --set grid.axes.lr=[3, 4]"),
        ("m=3", "m is derived; --set grid.derive.m=3"),
        ("objective=other.py:f", "objective: all results come from it"),
        ("search=grow", "a study keeps its search"),
        ("config.k=3", "--set k=3"),
        ("grid={}", "--set grid.KEY=VALUE"),
        ("grow.steps=3", "this is a grid search"),
        ("timeout=soon", "timeout"),
        ("attempts=0", "attempts"),
        ("score.metrc=x", "metric"),
    ],
)
def test_a_value_that_would_do_nothing_is_refused_with_what_to_set(
    program: Program, run: list[object], setting: str, words: str
) -> None:
    refused(program(*run, "--set", setting), words)
    assert program("show", "--study", "own").returncode == 2
    assert program(*run, "--set", "k=0").returncode == 0
    refused(program(*run, "--set", setting), words)


@pytest.mark.parametrize(
    ("search", "block", "setting", "words"),
    [
        ("grid", {"groups": [{"axes": {"a": [1]}}, {"derive": {"a": "b"}}]}, "a=2", r"grid.groups\[0\].axes.a=\[2\]"),
        ("grid", {"groups": [{"config": {"a": 1}}]}, "a=2", r"grid.groups\[0\].config.a=2"),
        ("grid", {"axes": {"o.lr": [1]}}, "o.lr=2", r"grid.axes='\{o.lr: \[2\]\}'"),
        ("fit", {"axis": "batch", "low": 1, "high": 8}, "batch=4", "batch is the axis; --set fit.low=LOW"),
        ("depth", {"targets": [1]}, "n_layer=4", "depth.min_layers=LOW and --set depth.max_layers=HIGH"),
        ("depth", {"targets": [1]}, "n_embd=4", r"depth.widths=\[4\]"),
        ("depth", {"solve": "width", "keys": {"layers": "depth"}}, "depth=4", r"depth.layers=\[4\]"),
        ("depth", {"targets": [1]}, "n_head=4", "depth.num_heads=4"),
        ("grow", {"seed": 1}, "seed=4", "grow.seed=4"),
    ],
)
def test_each_search_names_what_it_sets_itself(search: str, block: dict[str, Any], setting: str, words: str) -> None:
    path = tuple(setting.partition("=")[0].split("."))
    with pytest.raises(UsageError, match=words):
        check_effect(search, block, path, setting)


@pytest.mark.parametrize(
    ("search", "block", "setting"),
    [
        ("grid", {"groups": [{"axes": {"a": [1]}}, {"axes": {"b": [1]}}]}, "a=2"),
        ("grid", {"axes": {"a": [1]}, "when": {"a": "b > 1"}}, "a=2"),
        ("grid", {"axes": {"a": [1]}}, "ab=2"),
        ("fit", {"axis": "batch"}, "batch=4"),
        ("depth", {"keys": {"heads": None}}, "n_head=4"),
        ("grow", {}, "seed=4"),
    ],
)
def test_a_value_that_some_trial_sees_is_no_matter(search: str, block: dict[str, Any], setting: str) -> None:
    check_effect(search, block, tuple(setting.partition("=")[0].split(".")), setting)


def test_attempts_are_set_and_stay_set_until_the_file_itself_changes_them(
    program: Program, run: list[object], tmp_path: Path
) -> None:
    assert program(*run, "--set", "attempts=2").returncode == 0
    assert answer(program, "audit", "--study", "own")["points"]["accepted"] == 2
    told = program(*run, "--set", "attempts=3", "--set", "timeout=1h", "--set", "grid.axes.n=[1, 2, 3]", "--set", "k=2")
    assert told.returncode == 0 and "older" not in told.stderr, told.stderr
    told = program(*run, "--set", "grid.axes.n=[4]")
    assert told.returncode == 0 and "older" not in told.stderr, told.stderr
    (tmp_path / "own.yaml").write_text(FILE.replace("attempts: 1", "attempts: 1\nquestion: which n?"))
    assert program(*run, "--set", "grid.axes.n=[5]").returncode == 0
    (tmp_path / "own.yaml").write_text(FILE.replace("attempts: 1", "attempts: 2"))
    program(*run, "--set", "grid.axes.n=[6]")
    assert states(program, "own")["failed"] == 1
    assert answer(program, "audit", "--study", "own")["holds"]


def test_a_score_is_set_while_there_are_no_results(program: Program, run: list[object]) -> None:
    assert program(*run, "--set", "k=1").returncode == 1
    assert program(*run, "--set", "score.metric=other", "--set", "k=0").returncode == 0
    assert [row["mean"] for row in answer(program, "show", "--study", "own")["results"]] == [-1, -2]
    assert program(*run).returncode == 0
    refused(program(*run, "--set", "score.metric=score"), "results would not be comparable")
    assert answer(program, "audit", "--study", "own")["holds"]


def test_steps_below_a_budget_that_counts_are_refused(program: Program, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("def own(config):\n    return {'score': config['a'], 'params': config['a']}\n")
    (tmp_path / "own.yaml").write_text(
        "search: grow\nobjective: own.py:own\nscore: {metric: score, direction: maximize}\ncost: params\n"
        "grow: {increments: {a: 1}}\nconfig: {a: 1}\n"
    )
    run = ["run", "grow", "--study", "own", "--file", tmp_path / "own.yaml"]
    assert program(*run, "--steps", 1).returncode == 0
    refused(program(*run, "--set", "grow.steps=2"), "--steps")


def test_a_definition_with_replaced_values_is_read_back_as_it_was(run: list[object], tmp_path: Path) -> None:
    file = Definition.load(tmp_path / "own.yaml")
    made = file.with_settings(["attempts=3", "pruner=median", "log_to=[tensorboard]", "memory_limit=1GiB"])
    assert Definition.from_json(made.to_json()).to_json() == made.to_json()
    assert made.of_file.to_json() == file.to_json() and made.hash != file.hash == made.of_file.hash
    assert made.attempts == 3 and made.pruner == {"name": "median"}
    assert made.with_settings(["attempts=1", "pruner=null", "log_to=[]", "memory_limit=null"]).hash == file.hash
