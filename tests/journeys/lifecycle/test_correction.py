"""A definition that is corrected before any result was accepted: the study goes on under the same name."""

from __future__ import annotations

from pathlib import Path

import optuna

from tests.support.corrections import RIGHT, written
from tests.support.program import Program, answer, states


def test_a_wrong_script_in_a_command_is_corrected_under_the_same_name(program: Program, tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text("raise SystemExit('this is another script')\n")
    run = ["run", "grid", "--study", "own", "--file", written(tmp_path, RIGHT.replace("train", "other"))]
    assert program(*run).returncode == 1
    assert states(program, "own")["failed"] == 3
    written(tmp_path, RIGHT)
    assert "3 trials to run" in program(*run, "--dry-run").stdout
    told = program(*run)
    assert told.returncode == 0, told.stderr
    assert "results may not be comparable" not in told.stderr
    shown = answer(program, "show", "--study", "own")
    assert [row["mean"] for row in shown["results"]] == [1, 2, 3] and shown["failed"] == shown["earlier"] == []
    certificate = answer(program, "audit", "--study", "own")
    assert certificate["holds"], certificate["violations"]
    assert certificate["points"]["accepted"] == 3 and answer(program, "replay", "--study", "own")["agrees"]
    assert "corrected: objective: " in program("status", "--study", "own").stdout
    # Joined without the file, and from now on it is what it is.
    assert program("run", "grid", "--study", "own").returncode == 0
    written(tmp_path, RIGHT + " --more 1")
    refused = program(*run)
    assert refused.returncode == 2 and "--study OTHER" in refused.stderr


def test_another_score_is_what_stock_optuna_sees(program: Program, tmp_path: Path, url: str) -> None:
    (tmp_path / "other.py").write_text("raise SystemExit('this is another script')\n")
    run = ["run", "grid", "--study", "own", "--file", written(tmp_path, RIGHT.replace("train", "other"))]
    program(*run)
    written(tmp_path, RIGHT, "{metric: other, direction: maximize}")
    assert program(*run).returncode == 0
    assert [row["mean"] for row in answer(program, "show", "--study", "own")["results"]] == [-1, -2, -3]
    stock = optuna.storages.RDBStorage(url)
    study = optuna.load_study(study_name="own", storage=stock)
    assert study.direction.name == "MAXIMIZE" and study.metric_names == ["other"] and study.best_value == -1
    stock.engine.dispose()


def test_the_cost_of_a_growth_whose_baseline_failed_is_corrected_too(program: Program, tmp_path: Path) -> None:
    score = "{metric: loss, direction: maximize}"
    file = written(tmp_path, RIGHT, score, "grow", "cost: sise\n")
    run = ["run", "grow", "--study", "own", "--file", file]
    assert program(*run).returncode == 1
    written(tmp_path, RIGHT, score, "grow", "cost: n\n")
    assert program(*run).returncode == 1
    written(tmp_path, RIGHT, score, "grow", "cost: size\n")
    told = program(*run)
    assert told.returncode == 0, told.stderr
    [step] = [each for each in answer(program, "show", "--study", "own")["rounds"] if each["candidates"]]
    assert step["candidates"][0]["cost"] == 2 and "corrected: " in step["event"]
    certificate = answer(program, "audit", "--study", "own")
    assert certificate["holds"], certificate["violations"]


def test_another_dataset_is_an_override_and_its_data_are_asked_for(program: Program, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "def fingerprint(config):\n    return {'data': 'bytes of ' + config['dataset']}\n"
        "def own(config):\n    assert config['dataset'] == 'right', 'no such data'\n    return {'score': config['n']}\n"
    )
    file = tmp_path / "own.yaml"
    text = (
        "search: grid\nobjective: own.py:own\nscore: {metric: score, direction: maximize}\nattempts: 1\n"
        "grid: {axes: {n: [1, 2]}}\nconfig: {n: 1, dataset: wrong}\n"
    )
    file.write_text(text)
    run = ["run", "grid", "--study", "own", "--file", file]
    assert program(*run).returncode == 1
    file.write_text(text.replace("wrong", "right"))
    assert program(*run).returncode == 0
    for join in (run, ["run", "grid", "--study", "own"]):
        told = program(*join)
        assert told.returncode == 0, told.stderr
    assert [row["mean"] for row in answer(program, "show", "--study", "own")["results"]] == [2, 1]
    certificate = answer(program, "audit", "--study", "own")
    assert certificate["holds"] and certificate["points"]["accepted"] == 2, certificate["violations"]
    file.write_text(text)
    assert "is not used" in program(*run).stderr
    assert program(*run, "--set", "dataset=other").returncode == 2
