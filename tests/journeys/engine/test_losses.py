"""Trials whose keeper dies, and what trials leave on the disk of a host."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from objectives.outcome import Kind, Outcome
from studies.engine.policy import MAX_LOSSES_IN_A_ROW, Finish, Requirements, consequence
from tests.support.program import Program, answer, growth_of

NEEDS = Requirements(("score",), None, 1)
LOST = Outcome(Kind.LOST, message="its keeper process was killed")


def test_a_loss_is_free_until_it_has_come_too_often_in_a_row() -> None:
    almost = ["lost"] * (MAX_LOSSES_IN_A_ROW - 2)
    assert consequence(LOST, almost, NEEDS) is None
    ended = consequence(LOST, [*almost, "lost"], NEEDS)
    assert isinstance(ended, Finish) and ended.state == "FAIL" and "10 losses in a row" in str(ended.reason)
    assert consequence(LOST, [*almost, "given_back", "lost"], NEEDS) is None


def test_an_objective_that_always_kills_its_keeper_fails_its_trial(program: Program, tmp_path: Path) -> None:
    body = "def own(config):\n    os.kill(os.getppid(), signal.SIGKILL)\n    time.sleep(600)\n"
    told = program("run", "grow", "--study", "own", "--file", growth_of(tmp_path, body))
    assert told.returncode == 1 and "10 losses in a row" in told.stderr
    certificate = answer(program, "audit", "--study", "own")
    assert certificate["holds"] and certificate["attempts"] == MAX_LOSSES_IN_A_ROW


RETURN = "    return {'score': config['a'], 'params': config['a']}\n"
QUIET = f"def own(config):\n{RETURN}"
LOUD = f"def own(config, trial):\n    print('hello')\n    (trial.run_dir / 'kept').touch()\n{RETURN}"


@pytest.fixture
def runs(environment: dict[str, str]) -> Path:
    return Path(environment["STUDYHALL_HOME"]) / "runs"


def test_a_trial_that_wrote_nothing_leaves_nothing(program: Program, tmp_path: Path, runs: Path) -> None:
    assert program("run", "grow", "--study", "own", "--file", growth_of(tmp_path, QUIET)).returncode == 0
    assert [*runs.glob("*/*")] == []
    assert "it printed nothing" in program("show", "--study", "own", "--trial", "0", "--log").stdout


def test_a_trial_that_wrote_something_leaves_that_alone(program: Program, tmp_path: Path, runs: Path) -> None:
    assert program("run", "grow", "--study", "own", "--file", growth_of(tmp_path, LOUD)).returncode == 0
    left = sorted(each.name for each in next(runs.glob("*/trial-0")).rglob("*"))
    assert left == ["attempt-1", "attempt-1.log", "files", "kept"]


def test_a_worker_clears_its_home_of_trials_that_ended_elsewhere_and_keeps_what_others_need(
    program: Program, tmp_path: Path, runs: Path
) -> None:
    grow = "increments: {a: 1}, repeats: 2, steps: 1"
    run = ["run", "grow", "--study", "own", "--file", growth_of(tmp_path, LOUD, grow=grow), "--workers", 1]
    program(*run, "--max-trials", 1)
    done = next(runs.glob("*/trial-0"))
    waits = done.with_name("trial-1")
    for folder in (done, waits):
        (folder / "checkpoint").mkdir(parents=True)
        (folder / "checkpoint" / "weights").write_text("large")
        (folder / "lock-other").touch()
    program(*run, "--max-trials", 1)
    assert sorted(each.name for each in done.iterdir()) == ["attempt-1.log", "files"]
    assert (waits / "checkpoint" / "weights").exists()
    (done / "checkpoint").mkdir()
    with (done / "lock-other").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        program(*run, "--max-trials", 1)
        assert (done / "checkpoint").exists()
    assert program(*run, "--max-trials", 100).returncode == 0
    assert not [*runs.glob("*/*/checkpoint")] and not [*runs.glob("*/*/lock-*")]
