"""Finished runs become settings of a tune: told to the sampler like its own, accepted once, and derived again."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from samplers.searches.tune.tune import Tune
from storage.errors import UsageError
from studies.importing.matching import Columns
from studies.importing.runs import Run, read_runs
from studies.importing.tune_matching import MatchedSettings, TuneMatching
from tests.support.program import Program, answer, refused, states
from tests.support.tuning import Run as Search
from tests.support.tuning import tune

OWN = """
def own(config):
    return {"loss": (config["x"] - 2) ** 2 + config["seed"] / 100, "size": -config["n"] * 1.0}


def validate(config):
    return "too deep" if config["n"] == 4 else None
"""
TUNE = """
search: tune
objective: own.py:own
score: {metric: loss, direction: minimize}
tune:
  space: {x: {float: [-5, 10]}, n: {range: [1, 4]}, act: [relu, "8", null]}
  settings: 6
  repeats: 2
  ahead: 2
  seed: 10
config: {x: 0.0, n: 1, act: relu, batch: 64}
"""
TABLE = """X,n,act,seed,loss,State,batch
2.5,1,relu,10,0.25,finished,64
2.5,1,relu,11,0.75,finished,
1.5,2,8,11,0.5,finished,64
2,3,null,10,0.125,finished,64
12,3,null,10,0.1,finished,64
2,9,null,10,0.1,finished,64
2,3,gelu,10,0.1,finished,64
2,3,relu,12,0.1,finished,64
2,3,relu,10,0.1,crashed,64
2,4,relu,10,0.1,finished,64
2,3,null,10,0.2,finished,64
2,3,relu,10,0.2,finished,32
2,3,relu,10,,finished,64
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "own.py").write_text(OWN)
    file = tmp_path / "rates.yaml"
    file.write_text(TUNE)
    return file


def test_runs_become_settings_and_the_search_goes_on_from_them(program: Program, file: Path, tmp_path: Path) -> None:
    table = tmp_path / "runs.csv"
    table.write_text(TABLE)
    arguments = ("import", table, "--study", "rates", "--file", file, "--map", "X=x")
    done = program(*arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "runs.csv, line 6: x is 12.0, and its axis goes from -5 to 10",
        "runs.csv, line 7: n is 9, and its axis goes from 1 to 4",
        "runs.csv, line 8: act is 'gelu', none of 'relu', '8', None",
        "runs.csv, line 9: seed is 12, none of 10, 11",
        "runs.csv, line 10: its state is crashed",
        "runs.csv, line 11: the objective refuses it: too deep",
        "runs.csv, line 12: the same setting and seed as line 5",
        "runs.csv, line 13: batch is 32, the study's is 64",
        "runs.csv, line 14: loss is missing",
        "1 seed below those of the runs has no run: it is trained",
        "rates: 4 results imported from runs.csv; 9 do not fit",
    ]
    counts = states(program, "rates")
    assert (counts["accepted"], counts["waiting"]) == (4, 1)
    again = program(*arguments)
    assert again.returncode == 0 and "0 results imported from runs.csv, 4 had been before; 9 do" in again.stdout
    assert answer(program, "replay", "rates")["agrees"]
    told = program("status", "rates").stdout
    assert "0 of 6 settings are chosen, 0 of them open" in told and "3 more imported" in told

    ended = program("run", "rates", "--file", file, "--workers", 2)
    assert "6 settings × 2 seeds are done, 3 more were imported; the best is setting" in ended.stderr, ended.stderr
    shown = answer(program, "show", "rates")
    by_number = {each["number"]: each for each in shown["results"]}
    assert len(by_number) == 9 and by_number[0]["mean"] == 0.5 and by_number[2]["scores"] == {"10": 0.125}
    assert by_number[1]["setting"] == {"x": 1.5, "n": 2, "act": "8"} and by_number[1]["n"] == 2
    certificate = answer(program, "audit", "rates")
    assert certificate["holds"] and len(certificate["imported"]) == 4, certificate["violations"]
    assert answer(program, "replay", "rates")["agrees"]

    table.write_text("x,n,act,loss\n-1,1,relu,0.0625\n")
    late = program("import", table, "--study", "rates", "--file", file)
    assert late.returncode == 0 and "1 result imported" in late.stdout, late.stderr
    ended = program("run", "rates", "--workers", 1)
    assert "4 more were imported; the best is setting 9: 0.0625" in ended.stderr, ended.stderr
    assert answer(program, "audit", "rates")["holds"] and answer(program, "replay", "rates")["agrees"]


def test_trials_of_another_optuna_study_with_two_scores(program: Program, file: Path, tmp_path: Path) -> None:
    scores = "[{metric: loss, direction: minimize}, {metric: size, direction: minimize}]"
    file.write_text(
        TUNE.replace("{metric: loss, direction: minimize}", scores).replace("6\n", "2\n  sampler: nsgaii\n")
    )
    url = f"sqlite:///{tmp_path}/old.db"
    old = optuna.create_study(storage=url, study_name="old", directions=["minimize", "minimize"])
    old.enqueue_trial({"x": 2.5, "n": 2, "act": "relu"})
    old.enqueue_trial({"x": 9.0, "n": 3, "act": "relu"})
    old.optimize(two_scores, n_trials=2)
    done = program("import", url, "--from", "old", "--study", "rates", "--file", file)
    assert done.stdout.splitlines()[-1] == "rates: 2 results imported from Optuna study old", done.stdout + done.stderr
    ended = program("run", "rates", "--workers", 1)
    assert ended.returncode == 0, ended.stderr
    shown = answer(program, "show", "rates")
    first = next(each for each in shown["results"] if each["number"] == 0)
    assert first["by_score"]["size"]["mean"] == -2.0
    assert answer(program, "audit", "rates")["holds"] and answer(program, "replay", "rates")["agrees"]


def test_scores_of_an_optuna_study_are_matched_by_their_names(program: Program, file: Path, tmp_path: Path) -> None:
    scores = "[{metric: size, direction: maximize}, {metric: loss, direction: minimize}]"
    file.write_text(
        TUNE.replace("{metric: loss, direction: minimize}", scores).replace("6\n", "2\n  sampler: nsgaii\n")
    )
    url = f"sqlite:///{tmp_path}/old.db"
    old = optuna.create_study(storage=url, study_name="old", directions=["minimize", "maximize"])
    with pytest.warns(optuna.exceptions.ExperimentalWarning):
        old.set_metric_names(["val_loss", "size"])
    old.enqueue_trial({"x": 2.5, "n": 2, "act": "relu"})
    old.optimize(two_scores, n_trials=1)
    arguments = ("import", url, "--from", "old", "--study", "rates", "--file", file)
    refused(program(*arguments), "study 'old' has the scores val_loss and size, and this one size and loss")
    with pytest.warns(optuna.exceptions.ExperimentalWarning):
        old.set_metric_names(["loss", "size"])
    done = program(*arguments)
    assert done.stdout.splitlines()[-1] == "rates: 1 result imported from Optuna study old", done.stdout + done.stderr
    assert answer(program, "show", "rates", "--trial", 0)["metrics"] == {"loss": 0.25, "size": -2.0}


def two_scores(trial: optuna.Trial) -> tuple[float, float]:
    x, n = trial.suggest_float("x", 0, 9.5), trial.suggest_int("n", 1, 3)
    trial.suggest_categorical("act", ["relu"])
    return (x - 2) ** 2, -float(n)


def test_without_a_budget_for_them_no_setting_is_taken_in(program: Program, file: Path, tmp_path: Path) -> None:
    table = tmp_path / "runs.csv"
    table.write_text("x,n,act,loss\n2,1,relu,0.125\n2,2,relu,0.25\n")
    assert "budget used up" in program("run", "rates", "--file", file, "--workers", 1, "--max-trials", 3).stderr
    before = answer(program, "audit", "rates")
    line = refused(program("import", table, "--study", "rates"), "its budget is used up")
    assert "`run rates --max-trials N`" in line and answer(program, "audit", "rates") == before
    program("run", "rates", "--workers", 1, "--max-trials", 99)
    done = program("import", table, "--study", "rates")
    assert "2 results imported" in done.stdout, done.stdout + done.stderr


def test_nonsense_makes_no_study(program: Program, file: Path, tmp_path: Path) -> None:
    table = tmp_path / "runs.csv"
    table.write_text("lr,act,n,loss\n1,relu,2,0.5\n")
    none = program("import", table, "--study", "rates", "--file", file)
    assert none.returncode == 1 and "no value of x: --map COLUMN=NAME" in none.stdout
    refused(program("import", table, "--study", "rates", "--file", file, "--map", "l=x"), "no column 'l'")
    assert program("status").stdout.startswith("no study in this storage yet")


def matched(search: Tune, text: str, after: Search | None = None) -> MatchedSettings:
    state = search.start() if after is None else after.state
    matching = TuneMatching(search if after is None else search.with_past(after.past), state, ["loss"])
    runs: list[Run] = read_runs(text.encode(), "runs.csv")
    return matching.match(runs, Columns.of(runs, [], matching.known, "runs.csv"), "runs.csv", {})


def test_values_are_those_that_the_axes_have() -> None:
    space = {"x": {"float": [0, 1, 0.1]}, "n": {"range": [2, 8, 2]}, "act": [[1, 2], "a"], "late": {"range": [1, 3]}}
    space["late"] = {"range": [1, 3], "default": 2}
    search = tune(space=space, repeats=3, config={"x": 0.0, "n": 2, "act": "a", "late": 1})
    found = matched(search, "x\tn\tact\tloss\n0.30000000000000004\t4.0\t[1, 2]\t1\n0.35\t4\ta\t1\n0.3\t3\ta\t1\n")
    assert [dict(each.params) for each in found.new] == [{"x": 0.3, "n": 4, "act": [1, 2], "late": 2}]
    assert [type(each) for each in found.new[0].params.values()] == [float, int, list, int]
    assert found.unfit == [
        "line 3: x is 0.35, and its axis goes from 0 to 1 in steps of 0.1",
        "line 4: n is 3, and its axis goes from 2 to 8 in steps of 2",
    ]


def test_what_where_leaves_out_and_what_a_constraint_cannot_judge_is_named() -> None:
    search = tune(where=["x + n <= 8"], constraints=["vram <= 2"], when={"rate": "n > 1"}, derive={"width": "8 * n"})
    found = matched(
        search,
        "x,n,bias,rate,width,loss,vram\n7,4,true,0.01,32,1,1\n1,2,true,0.01,16,1,\n1,1,true,,8,1,1\n1,2,true,0.01,8,1,1\n",
    )
    assert [dict(each.params) for each in found.new] == [{"x": 1.0, "n": 1, "bias": True}]
    assert found.unfit == [
        "line 2: `where: x + n <= 8` leaves this setting out",
        "line 3: nothing tells whether vram <= 2",
        "line 5: width is 8, the study's is 16",
    ]


def test_a_run_of_a_setting_that_the_study_has_is_that_setting_s() -> None:
    run = Search(tune(repeats=2))
    run.go(2)
    chosen = run.chosen[1]
    line = f"{chosen['x']!r},{chosen['rate']!r},{chosen['n']},{str(chosen['bias']).lower()},1\n"
    found = matched(run.search, f"x,rate,n,bias,loss\n{line * 3}", run)
    assert found.new == [] and [*found.results] == [point.hash for point in run.decisions[1].points]
    assert found.unfit == ["line 4: all 2 seeds of its setting are taken by the runs before it"]


def test_an_expression_that_has_no_value_is_named() -> None:
    with pytest.raises(UsageError):
        tune(where=["1 / nothing > 2"])
    found = matched(tune(where=["1 / x > 0"]), "x,n,rate,bias,loss\n0,1,0.01,true,1\n")
    assert found.new == [] and len(found.unfit) == 1
