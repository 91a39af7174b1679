"""What a stock Optuna client can ask of a study of ours: one trial more, and that it stops."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
from optuna.trial import FrozenTrial, TrialState

from tests.support.growth_trace import write_definition
from tests.support.program import Begin, Program, answer, until
from tests.support.stock import stock, write_grid


@pytest.fixture
def grown(program: Program, tmp_path: Path) -> Program:
    told = program("run", "grow", "--study", "trace", "--file", write_definition(tmp_path, steps=1))
    assert told.returncode == 0, told.stderr
    return program


def test_an_enqueued_trial_runs_as_an_extra_point_with_its_params_over_the_config(grown: Program, url: str) -> None:
    before = answer(grown, "show", "--study", "trace")
    stock(url, "trace").enqueue_trial({"n_embd": 96, "n_head": 3, "seed": 7})
    told = grown("run", "grow", "--study", "trace")
    assert told.returncode == 0 and "enqueued by another program: adopted" in told.stderr
    trial = stock(url, "trace").trials[-1]
    assert trial.state is TrialState.COMPLETE and trial.params["n_embd"] == 96 and trial.params["n_head"] == 3
    story = answer(grown, "show", "--study", "trace", "--trial", trial.number)
    assert story["config"]["n_embd"] == 96 and story["seed"] == 7
    assert story["config"]["mlp_size"] == 64, "the configuration is that of the study now, not that of its start"
    assert answer(grown, "show", "--study", "trace") == before, "no decision is made from it"
    assert answer(grown, "audit", "--study", "trace")["holds"] and answer(grown, "replay", "--study", "trace")["agrees"]


def test_what_cannot_be_taken_up_fails_at_once_and_says_why(grown: Program, url: str) -> None:
    study = stock(url, "trace")
    enqueued: list[tuple[dict[str, Any], str]] = [
        ({"n_haed": 2}, "did you mean 'n_head'?"),
        ({"n_head": 10**9}, "lies outside the study's distribution"),
        ({"n_head": "two"}, "lies outside the study's distribution"),
        ({"seed": -1}, "is not a whole number"),
        ({"mlp_size": 64, "seed": study.trials[0].params["seed"]}, "the same as trial"),
        ({"n_head": float("nan")}, "is not a number that a configuration can hold"),
        ({"max_iters": float("inf")}, "is not a number that a configuration can hold"),
    ]
    first = len(study.trials)
    for fixed, _ in enqueued:
        study.enqueue_trial(fixed)
    told = grown("run", "grow", "--study", "trace")
    assert told.returncode == 0
    for number, (fixed, why) in enumerate(enqueued, first):
        assert stock(url, "trace").trials[number].state is TrialState.FAIL, fixed
        [line] = [line for line in told.stderr.splitlines() if f" trial {number}, enqueued by" in line]
        assert why in line, fixed
    certificate = answer(grown, "audit", "--study", "trace")
    assert certificate["holds"] and certificate["points"]["withdrawn"] == len(enqueued)


TUNE = """
search: tune
objective: slow.py:objective
score: {metric: score, direction: maximize}
tune:
  space: {width: {range: [1, 40]}, depth: {range: [1, 4]}}
  derive: {area: width * depth}
  where: [area <= 120]
  settings: 6
  ahead: 2
config: {width: 1, depth: 1, area: 1, seconds: 0}
"""


def test_a_setting_that_is_enqueued_in_a_tune_is_told_to_its_sampler(
    program: Program, url: str, tmp_path: Path
) -> None:
    write_grid(tmp_path, "width: [1]")
    (tmp_path / "widths.yaml").write_text(TUNE)
    run = ("run", "tune", "--study", "widths", "--file", tmp_path / "widths.yaml")
    assert program(*run).returncode == 0
    study = stock(url, "widths")
    study.enqueue_trial({"width": 40, "depth": 3})
    study.enqueue_trial({"width": 40, "depth": 4})
    study.enqueue_trial({"width": 2.0, "seed": 7})
    told = program(*run)
    assert "1 more was imported; the best is setting 6: 120" in told.stderr, told.stderr
    trials = stock(url, "widths").trials[6:]
    assert [trial.state for trial in trials] == [TrialState.COMPLETE] * 3
    assert trials[0].params == {"width": 40, "depth": 3, "seed": 1337}
    shown = answer(program, "show", "--study", "widths")
    assert [each["trials"] for each in shown["results"] if each["number"] == 6] == [[6]] and len(shown["results"]) == 7
    story = answer(program, "show", "--study", "widths", "--trial", 6)
    assert story["config"] == {"width": 40, "depth": 3, "area": 120, "seconds": 0}
    assert answer(program, "audit", "--study", "widths")["holds"]
    assert answer(program, "replay", "--study", "widths")["agrees"]
    again = program(*run, "--set", "tune.settings=8")
    assert "8 settings × 1 seed are done, 1 more was imported" in again.stderr, again.stderr
    assert answer(program, "replay", "--study", "widths")["agrees"]


def test_a_running_worker_takes_an_enqueued_trial_up_within_seconds(
    begin: Begin, program: Program, url: str, tmp_path: Path
) -> None:
    """With a full queue and every slot taken, it is the next to run, with the search's first seed."""
    file = write_grid(tmp_path, f"width: {list(range(1, 41))}", seconds=0.7)
    worker = begin("run", "grid", "--study", "slow", "--file", file, "--workers", 1)
    study = until(
        lambda: any(trial.state is TrialState.RUNNING for trial in trials_of(url, "slow")) and stock(url, "slow")
    )
    study.enqueue_trial({"width": 50})
    enqueued = until(lambda: (trial := study.trials[-1]).state is TrialState.COMPLETE and trial, seconds=20)
    assert enqueued.params == {"width": 50, "seed": 1337} and enqueued.value == 50.0
    assert sum(trial.state is TrialState.WAITING for trial in study.trials) > 20
    worker.send_signal(signal.SIGINT)
    worker.communicate(timeout=30)
    assert answer(program, "audit", "--study", "slow")["holds"]


def trials_of(url: str, name: str) -> list[FrozenTrial]:
    try:
        return stock(url, name).trials
    except KeyError:  # the study is not made yet
        return []
