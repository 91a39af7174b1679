"""A tune study run by the engine: the settings are those of the pure search, whoever runs them."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import optuna
import pytest

from storage.reader import Reader
from storage.session import Session
from studies.audit.replay import replay
from studies.definition.searches import search_without_budget
from tests.support.program import Program, answer, call, refused
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
    program: Program, tmp_path: Path, url: str
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

    shares = answer(program, "show", "own", "--whole")["importance"]["loss"]["ranges"]
    assert set(shares) == set(SPACE)
    assert "how much each axis matters for loss" in program("show", "own", "--whole").stdout
    assert "importance" not in shown

    found = answer(program, "best", "own")
    assert found["setting"] == best["number"] and found["values"] == found["values"] | best["setting"]
    line = program("best", "own").stdout
    assert f"x={best['setting']['x']}" in line.split() and line.count("\n") == 1

    certificate = answer(program, "audit", "own")
    assert certificate["holds"] and certificate["decisions"] == {"made": 17, "rederived": 17}
    replayed = answer(program, "replay", "own")
    assert replayed["agrees"] and len(replayed["decisions"]) == 17
    another_version_of_optuna_is_no_violation(url)

    study = stock(url, "own")
    study.sampler = optuna.samplers.TPESampler(seed=1)
    study.optimize(asks_for_the_same, n_trials=2)
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * 30
    certificate = answer(program, "audit", "own")
    assert certificate["holds"] and certificate["others"] == [28, 29]


def asks_for_the_same(trial: optuna.Trial) -> float:
    x, n = trial.suggest_float("x", -5, 10), trial.suggest_int("n", 1, 4)
    return (x - 2) ** 2 + n + trial.suggest_float("rate", 1e-4, 1e-1, log=True) + trial.suggest_int("seed", 1, 2)


def another_version_of_optuna_is_no_violation(url: str) -> None:
    with closing(Session(url)) as session:
        reader = Reader(session)
        study = reader.study("own")
        decisions, points = reader.decisions(study.study_id), reader.trials(study.study_id)
    older = [replace(row, record={**row.record, "optuna": "4.5.0"}) for row in decisions[:5]]
    derived = replay(search_without_budget(study), [*older, *decisions[5:]], points)
    assert all(each.problem is None for each in derived)
    assert [each.unchecked is not None for each in derived] == [True] * 5 + [False] * 12
    assert "Optuna 4.5.0" in derived[0].verdict


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


def test_a_space_that_changes_and_results_that_are_set_aside_are_chosen_from_again(
    program: Program, tmp_path: Path
) -> None:
    """Each change while settings are open: an axis is taken out, another widened, a choice and settings are added."""
    file = tune_of(tmp_path, "settings: 12\n  repeats: 2\n  ahead: 3")
    run = ("run", "own", "--workers", 2)
    assert "budget used up" in program(*run, "--file", file, "--max-trials", 9).stderr
    assert "of 12 settings are chosen, 3 of them open" in program("status", "own").stdout
    edited = (
        file.read_text().replace(", 'rate': {'log': [0.0001, 0.1]}", "").replace("[true, false]", "[true, false, null]")
    )
    assert edited != file.read_text()
    file.write_text(edited.replace("[-5, 10]", "[-9, 12]").replace("settings: 12", "settings: 14"))
    assert program(*run, "--file", file, "--dry-run").returncode == 0
    ended = program(*run, "--file", file, "--max-trials", 1000)
    assert ended.returncode == 0, ended.stderr
    shown = answer(program, "show", "own")
    assert len(shown["results"]) == 14 and all(each["n"] == 2 for each in shown["results"])
    assert "rate" not in max(shown["results"], key=lambda each: each["number"])["setting"]

    refused(program("redo", "own", "--trial", 12, "--yes"), "--from-here decides them again")
    assert program("redo", "own", "--trial", 12, "--from-here", "--yes").returncode == 0
    ended = program("run", "own", "--workers", 2)
    assert ended.returncode == 0, ended.stderr
    again = answer(program, "show", "own")
    assert [each["setting"] for each in again["results"]] == [each["setting"] for each in shown["results"]]
    assert answer(program, "audit", "own")["holds"] and answer(program, "replay", "own")["agrees"]


def test_constraints_that_change_judge_all_settings_again_by_the_metrics_of_their_trials(
    program: Program, tmp_path: Path
) -> None:
    file = tune_of(tmp_path, "settings: 10\n  repeats: 2\n  ahead: 2")
    run = ("run", "own", "--workers", 2)
    assert "budget used up" in program(*run, "--file", file, "--max-trials", 13).stderr
    before = answer(program, "show", "own")["best"]
    largest = next(each for each in answer(program, "show", "own")["results"] if each["number"] == before)
    limit = -(largest["setting"]["n"] + largest["setting"]["x"]) - 0.01
    ended = program(*run, "--file", file, "--set", f"tune.constraints=['size <= {limit}']", "--max-trials", 1000)
    assert ended.returncode == 0, ended.stderr
    shown = answer(program, "show", "own")
    assert shown["best"] != before and f"the best is setting {shown['best']}: " in ended.stderr
    assert len([each for each in shown["results"] if each["n"] == 2]) == 10, "no trial ran again"
    ended = program(*run, "--set", "tune.constraints=null", "--set", "tune.settings=12")
    assert ended.returncode == 0, ended.stderr
    assert answer(program, "audit", "own")["holds"] and answer(program, "replay", "own")["agrees"]


def test_the_best_setting_after_a_race_among_few_configurations_is_the_one_that_show_names(
    program: Program, tmp_path: Path
) -> None:
    (tmp_path / "own.py").write_text(
        "import random\n\ndef own(config):\n    noise = random.Random(f\"{config['n']} {config['seed']}\")\n"
        "    return {'loss': 0.05 * config['n'] + noise.gauss(0, 1)}\n"
    )
    file = tmp_path / "own.yaml"
    file.write_text(
        "search: tune\nobjective: own.py:own\nscore: {metric: loss, direction: minimize}\nconfig: {n: 1}\n"
        "tune: {space: {n: {range: [1, 40]}}, settings: 30, repeats: 2, racing: {max_repeats: 6}, seed: 3}\n"
    )
    ended = program("run", "own", "--file", file, "--workers", 2)
    assert ended.returncode == 0, ended.stderr
    shown = answer(program, "show", "own")
    assert f"the best is setting {shown['best']}: " in ended.stderr
    ended = program("run", "own", "--set", "tune.settings=45", "--workers", 2)
    assert ended.returncode == 0 and f"the best is setting {answer(program, 'show', 'own')['best']}: " in ended.stderr
    table, listed = program("show", "own", "--csv").stdout.splitlines(), answer(program, "show", "own")["results"]
    assert len(table) == 1 + len(listed) > 21, "a file has every setting, a terminal twenty"
    assert answer(program, "audit", "own")["holds"] and answer(program, "replay", "own")["agrees"]


def test_a_sampler_of_one_s_own_runs_where_its_user_has_named_it(
    program: Program, environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(
        "from optuna.samplers import RandomSampler\n\nclass Mine(RandomSampler):\n    pass\n"
    )
    file = tune_of(tmp_path, "sampler: mine.py:Mine\n  settings: 5")
    ended = program("run", "own", "--file", file, "--workers", 1)
    assert ended.returncode == 0, ended.stderr
    assert answer(program, "replay", "own")["agrees"]
    elsewhere = {**environment, "STUDYHALL_HOME": str(tmp_path / "another home")}
    line = refused(call(elsewhere, "run", "own", "settings=6", "--workers", 1), "runs")
    assert "only the storage names" in line
    certificate = call(elsewhere, "audit", "own")
    assert certificate.returncode == 0 and "mine.py:Mine, which only the storage names" in certificate.stdout
    (tmp_path / "mine.py").unlink()
    refused(program("run", "own", "settings=6"), "mine.py")


def test_a_sampler_that_fails_in_the_middle_stops_the_worker_with_one_line(program: Program, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from optuna.samplers import RandomSampler\n\nclass Mine(RandomSampler):\n"
        "    def before_trial(self, study, trial):\n"
        "        if trial.number == 3:\n            raise ValueError('no\\nmore')\n"
    )
    ended = program(
        "run", "own", "--file", tune_of(tmp_path, "sampler: mine.py:Mine\n  settings: 9\n  ahead: 2"), "--workers", 1
    )
    assert ended.returncode == 1 and "Traceback" not in ended.stderr
    assert "own: the next setting cannot be chosen: " in ended.stderr and "ValueError: no more" in ended.stderr
    assert len(answer(program, "show", "own")["results"]) == 3


@pytest.mark.parametrize(
    ("tune", "score", "words"),
    [
        ("settings: 8", "[]", "score: is empty"),
        ("settings: 8\n  ahead: 0", "{metric: loss, direction: minimize}", "tune.ahead: 0 is not a whole number"),
    ],
)
def test_a_wrong_definition_is_one_line(program: Program, tmp_path: Path, tune: str, score: str, words: str) -> None:
    refused(program("run", "own", "--file", tune_of(tmp_path, tune, score)), words)
