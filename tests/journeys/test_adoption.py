"""What a stock Optuna client can ask of a study while its workers run."""

from __future__ import annotations

import json
from pathlib import Path

import optuna
from optuna.trial import TrialState

from tests.support.program import Begin, Program, answer, until
from tests.support.stock import stock, write_grid


def test_a_trial_that_is_enqueued_while_a_worker_waits_is_taken_up_by_it(
    begin: Begin, program: Program, url: str, tmp_path: Path
) -> None:
    file = write_grid(tmp_path, "width: [1]", seconds=4)
    worker = begin("run", "grid", "--study", "slow", "--file", file, "--workers", 2)
    until(lambda: "slow" in optuna.get_all_study_names(url) and stock(url, "slow").trials)
    stock(url, "slow").enqueue_trial({"width": 5, "depth": 7})
    output, _ = worker.communicate(timeout=120)
    assert worker.returncode == 0, output
    shown = answer(program, "show", "--study", "slow")["results"]
    assert {json.dumps(each["setting"]): each["mean"] for each in shown} == {
        '{"width": 1}': 1.0,
        '{"width": 5, "depth": 7}': 35.0,
    }


def test_a_user_attribute_stops_every_worker_and_run_goes_on(
    begin: Begin, program: Program, url: str, tmp_path: Path
) -> None:
    file = write_grid(tmp_path, "width: {range: [1, 40, 1]}", seconds=0.3)
    worker = begin("run", "grid", "--study", "slow", "--file", file, "--workers", 2)
    until(
        lambda: (
            "slow" in optuna.get_all_study_names(url) and stock(url, "slow").get_trials(states=(TrialState.COMPLETE,))
        )
    )
    stock(url, "slow").set_user_attr("stop", True)
    output, _ = worker.communicate(timeout=60)
    assert worker.returncode == 0 and "told to stop" in output
    left = answer(program, "audit", "--study", "slow")["points"]
    assert left["waiting"] > 0 and left["running"] == 0
    again = program("run", "grid", "--study", "slow", "--max-trials", left["accepted"] + 2)
    assert again.returncode == 0 and "stop" not in stock(url, "slow").user_attrs
    assert answer(program, "audit", "--study", "slow")["points"]["accepted"] == left["accepted"] + 2


def test_a_stop_that_says_no_is_none(begin: Begin, program: Program, url: str, tmp_path: Path) -> None:
    file = write_grid(tmp_path, "width: [1, 2, 3, 4, 5, 6]", seconds=1)
    worker = begin("run", "grid", "--study", "slow", "--file", file, "--workers", 1)
    until(lambda: "slow" in optuna.get_all_study_names(url))
    stock(url, "slow").set_user_attr("stop", False)
    output, _ = worker.communicate(timeout=60)
    assert worker.returncode == 0 and "told to stop" not in output
    assert answer(program, "audit", "--study", "slow")["points"]["accepted"] == 6
