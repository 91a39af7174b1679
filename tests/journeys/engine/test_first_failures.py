"""A study whose first trials fail alike stops; once its score is corrected, what they measured is used."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import optuna
import pytest

from studies.history.alike import failed_alike
from tests.support.program import Program, answer, growth_of

BROKEN = "def own(config):\n    raise ValueError(f\"no file {config['n']}.csv\")\n"


def grid_of(folder: Path, body: str, score: str = "score", more: str = "") -> Path:
    (folder / "own.py").write_text(body)
    file = folder / "own.yaml"
    file.write_text(
        f"search: grid\nobjective: own.py:own\nscore: {{metric: {score}, direction: maximize}}\nattempts: 1\n{more}"
        "grid: {axes: {n: [1, 2, 3, 4, 5, 6]}}\nconfig: {n: 0}\n"
    )
    return file


@pytest.mark.parametrize(
    ("reasons", "stops"),
    [
        (["error: a", "error: a"], False),
        (["error: a", "error: a", "error: a"], True),
        (["error: 1 of 2", "error: 13 of 2", "error: 4 of 55"], True),
        (["error: a", "killed: a", "error: b", "error: a"], False),
        (["timed out: after 1 s", "error: a", "error: a", "error: a"], True),
    ],
)
def test_three_of_one_kind_and_message_are_alike_whatever_their_digits(reasons: Sequence[str], stops: bool) -> None:
    assert (failed_alike(reasons) is not None) == stops


def test_a_study_stops_after_three_trials_that_failed_alike(program: Program, tmp_path: Path) -> None:
    run = ["run", "grid", "--study", "own", "--workers", 1, "--file", grid_of(tmp_path, BROKEN)]
    told = program(*run)
    why = "the first 3 trials failed alike: error: ValueError: no file 1.csv"
    assert told.returncode == 1 and why in told.stderr
    assert "python cli.py retry --study own --failed" in told.stderr
    points = answer(program, "audit", "--study", "own")
    assert points["holds"] and (points["points"]["failed"], points["points"]["waiting"]) == (3, 3)
    assert why in program("status", "--study", "own").stdout
    again = program(*run)
    assert again.returncode == 1 and why in again.stderr
    assert answer(program, "audit", "--study", "own")["points"]["failed"] == 3, "it stays stopped"


def test_a_retry_goes_on_after_the_bug_is_mended(program: Program, tmp_path: Path) -> None:
    run = ["run", "grid", "--study", "own", "--workers", 1, "--file", grid_of(tmp_path, BROKEN)]
    assert program(*run).returncode == 1
    grid_of(tmp_path, "def own(config):\n    return {'score': config['n']}\n")
    assert program("retry", "--study", "own", "--failed").returncode == 0
    told = program(*run)
    assert told.returncode == 0, told.stderr
    assert len(answer(program, "show", "--study", "own")["results"]) == 6
    assert answer(program, "audit", "--study", "own")["holds"]


def test_an_edited_definition_goes_on_and_judges_anew(program: Program, tmp_path: Path) -> None:
    body = "def own(config):\n    assert config['right'], 'wrong'\n    return {'score': config['n']}\n"
    file = grid_of(tmp_path, body)
    file.write_text(file.read_text().replace("config: {n: 0}", "config: {n: 0, right: false}"))
    run = ["run", "grid", "--study", "own", "--workers", 1, "--file", file]
    assert program(*run).returncode == 1
    told = program(*run, "--set", "right=true")
    assert "alike" not in told.stderr
    assert len(answer(program, "show", "--study", "own")["results"]) == 6


def test_keep_going_runs_every_trial(program: Program, tmp_path: Path) -> None:
    run = ["run", "grid", "--study", "own", "--workers", 1, "--file", grid_of(tmp_path, BROKEN)]
    assert program(*run).returncode == 1
    told = program(*run, "--keep-going")
    assert told.returncode == 1 and "6 settings × 1 seed are done; 6 trials failed" in told.stderr
    certificate = answer(program, "audit", "--study", "own")
    assert certificate["holds"] and certificate["points"]["failed"] == 6


def test_one_success_is_enough_to_go_on_and_a_failure_for_good_is_said(program: Program, tmp_path: Path) -> None:
    body = "def own(config):\n    assert config['n'] == 1, 'no'\n    return {'score': 1.0}\n"
    told = program("run", "grid", "--study", "own", "--workers", 1, "--file", grid_of(tmp_path, body))
    assert told.returncode == 1 and "alike" not in told.stderr
    assert "; 5 trials failed\n" in told.stderr and "python cli.py show --study own --failures " in told.stderr
    assert "python cli.py retry --study own --failed" in told.stderr


COUNTED = (
    "from pathlib import Path\n"
    "def own(config):\n"
    "    with (Path(__file__).parent / 'ran').open('a') as file:\n"
    "        file.write('x')\n"
    "    return {'loss': float(config['n']), 'params': 2.0}\n"
)


def test_a_corrected_score_uses_what_the_first_trials_measured(program: Program, tmp_path: Path, url: str) -> None:
    run = ["run", "grid", "--study", "own", "--workers", 1, "--file", grid_of(tmp_path, COUNTED, "lose")]
    told = program(*run)
    assert told.returncode == 1 and "the first 3 trials failed alike: invalid: the objective returned no 'lose'" in (
        told.stderr
    )
    grid_of(tmp_path, COUNTED, "loss")
    told = program(*run)
    assert told.returncode == 0, told.stderr
    assert "with the metrics of trial 0, attempt 1: not run again" in told.stderr
    assert len((tmp_path / "ran").read_text()) == 6, "three before, three after: none twice"
    assert [each["mean"] for each in answer(program, "show", "--study", "own")["results"]] == [6, 5, 4, 3, 2, 1]
    certificate = answer(program, "audit", "--study", "own")
    assert certificate["holds"], certificate["violations"]
    assert certificate["points"]["accepted"] == 6 and answer(program, "replay", "--study", "own")["agrees"]
    assert optuna.load_study(study_name="own", storage=url).best_value == 6.0


def test_another_objective_is_run_again(program: Program, tmp_path: Path) -> None:
    file = grid_of(tmp_path, COUNTED, "lose")
    run = ["run", "grid", "--study", "own", "--workers", 1, "--file", file]
    assert program(*run).returncode == 1
    (tmp_path / "other.py").write_text(COUNTED)
    file.write_text(file.read_text().replace("own.py:own", "other.py:own").replace("lose", "loss"))
    told = program(*run)
    assert told.returncode == 0, told.stderr
    assert len((tmp_path / "ran").read_text()) == 9


def test_a_growths_cost_is_corrected_without_training_its_baseline_again(program: Program, tmp_path: Path) -> None:
    body = COUNTED.replace("'loss': float(config['n'])", "'score': config['a'] + config['b'] / 2")
    file = growth_of(tmp_path, body, grow="increments: {a: 1, b: 1}, steps: 1, repeats: 2")
    file.write_text(file.read_text().replace("cost: params", "cost: parms"))
    run = ["run", "grow", "--study", "own", "--file", file]
    assert program(*run).returncode == 1
    before = len((tmp_path / "ran").read_text())
    file.write_text(file.read_text().replace("cost: parms", "cost: params"))
    told = program(*run)
    assert "not run again" in told.stderr and before == 2
    assert len((tmp_path / "ran").read_text()) == 6
    assert answer(program, "audit", "--study", "own")["holds"]
