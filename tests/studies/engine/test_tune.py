"""A tune study run by the engine: the settings are those of the pure search, whoever runs them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.program import Program, answer, refused
from tests.support.stock import stock
from tests.support.tuning import SPACE, Run, tune

OBJECTIVE = """
def own(config):
    value = (config["x"] - 2) ** 2 + config["n"] + abs(config["rate"] - 0.01) + config["seed"] * 0.01
    return {"loss": value, "size": -config["n"] - config["x"]}
"""


def tune_of(folder: Path, tune: str, score: str = "{metric: loss, direction: minimize}", more: str = "") -> Path:
    (folder / "own.py").write_text(OBJECTIVE)
    file = folder / "own.yaml"
    file.write_text(
        f"search: tune\nobjective: own.py:own\nscore: {score}\n{more}"
        f"tune:\n  space: {SPACE}\n  seed: 1\n  {tune}\n"
        "config: {x: 0.0, rate: 0.01, n: 1, bias: true, width: 8}\n".replace("True", "true").replace("False", "false")
    )
    return file


def test_settings_are_those_of_the_pure_search_and_each_choice_is_derived_again(
    program: Program, tmp_path: Path
) -> None:
    file = tune_of(tmp_path, "settings: 14\n  repeats: 2\n  ahead: 3")
    ended = program("run", "tune", "own", "--file", file, "--workers", 2)
    assert ended.returncode == 0, ended.stderr
    pure = Run(tune(settings=14, repeats=2, ahead=3))
    done = pure.go()
    assert done is not None and done.reason in ended.stderr

    shown = answer(program, "show", "own")
    by_number = sorted(shown["results"], key=lambda each: each["number"])
    assert [each["setting"] for each in by_number] == pure.chosen
    best = shown["results"][0]
    assert best["n"] == 2 and best["mean"] == min(each["mean"] for each in by_number)
    assert best["number"] == shown["best"] == pure.state["best"]["setting"]

    certificate = answer(program, "audit", "own")
    assert certificate["holds"] and certificate["decisions"] == {"made": 17, "rederived": 17}
    replayed = answer(program, "replay", "own")
    assert replayed["agrees"] and len(replayed["decisions"]) == 17


def test_several_scores_are_optuna_s_own(program: Program, tmp_path: Path, url: str) -> None:
    scores = "[{metric: loss, direction: minimize}, {metric: size, direction: maximize}]"
    file = tune_of(tmp_path, "sampler: nsgaii\n  settings: 8\n  ahead: 4", scores)
    ended = program("run", "own", "--file", file, "--workers", 2)
    assert ended.returncode == 0, ended.stderr
    assert answer(program, "audit", "own")["holds"] and answer(program, "replay", "own")["agrees"]
    study = stock(url, "own")
    assert [each.name for each in study.directions] == ["MINIMIZE", "MAXIMIZE"] and study.best_trials
    assert all(trial.values == [trial.user_attrs["loss"], trial.user_attrs["size"]] for trial in study.trials)
    for verb in ("show", "status"):
        assert program(verb, "own").returncode == 0


@pytest.mark.parametrize(
    ("tune", "score", "words"),
    [
        ("settings: 8", "[]", "score: is empty"),
        ("settings: 8\n  ahead: 0", "{metric: loss, direction: minimize}", "tune.ahead: 0 is not a whole number"),
    ],
)
def test_a_wrong_definition_is_one_line(program: Program, tmp_path: Path, tune: str, score: str, words: str) -> None:
    refused(program("run", "own", "--file", tune_of(tmp_path, tune, score)), words)
