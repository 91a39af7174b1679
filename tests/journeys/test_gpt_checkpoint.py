"""Trainings of the objective gpt in processes of their own, killed and given back."""

from __future__ import annotations

import os
import random
import select
import signal
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from objectives.outcome import Kind, Outcome, Report
from objectives.process.attempt import Assignment, Attempt
from objectives.process.warm import WarmServer
from tests.support.cases import usual
from tests.support.gpt_training import config, folder, saved_iterations, untimed

__all__ = ["config", "folder"]  # fixtures

PATIENCE = 60.0


@pytest.fixture(scope="module")
def warm() -> Iterator[WarmServer]:
    server = WarmServer("gpt")
    yield server
    server.close()


Start = Callable[..., Attempt]


@pytest.fixture
def start(warm: WarmServer, config: dict[str, Any], tmp_path: Path) -> Start:
    numbers = count(1)

    def begin(checkpoints: Path, **changes: Any) -> Attempt:
        number = next(numbers)
        checkpoints.mkdir(exist_ok=True)
        settings = {"seed": 7, "number": 0, "attempt": number, "device": "cpu", "threads": 1, "env": {}}
        places = {"log": tmp_path / f"log-{number}", "lock": checkpoints / "lock", "run_dir": tmp_path}
        return warm.start(Assignment({**config, **changes}, checkpoint_dir=checkpoints, **settings, **places))

    return begin


def follow(attempt: Attempt, reports: dict[int, Any], at: Callable[[Report], object] = lambda report: None) -> Outcome:
    """To the end of an attempt; what it reports goes to `reports`, by step, and to `at` as it comes."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        select.select([attempt], [], [], 0.5)
        for message in attempt.receive():
            if isinstance(message, Outcome):
                return message
            reports[message.step] = untimed(message.metrics)
            at(message)
    raise AssertionError("waited in vain for the end")


@pytest.mark.parametrize(
    "changes",
    usual(
        [
            {"checkpoint_interval": 1},  # it is saving most of the time
            {"checkpoint_interval": 7, "family": "hlb", "initial_block_size": 4, "block_size_doubles_every": 50},
            {"checkpoint_interval": 13, "family": "gpt2", "max_tokens_per_batch": 48, "eval_interval": 5},
        ],
        count=1,
    ),
    ids=str,
)
def test_a_training_killed_ten_times_ends_as_one_that_was_left_alone(start, tmp_path, changes):
    alone: dict[int, Any] = {}
    undisturbed = follow(start(tmp_path / "alone", **changes), alone)
    assert undisturbed.kind is Kind.COMPLETED

    disturbed: dict[int, Any] = {}
    draws = random.Random(str(changes))
    for _ in range(10):
        step = draws.randrange(200)
        attempt = start(tmp_path / "killed", **changes)

        def kill(report: Report, attempt: Attempt = attempt, step: int = step) -> None:
            if report.step >= step:
                os.kill(attempt.pid, signal.SIGKILL)

        assert follow(attempt, disturbed, kill).kind is Kind.KILLED
    assert (tmp_path / "killed" / "training.pt").exists()
    final = follow(start(tmp_path / "killed", **changes), disturbed)
    assert final.kind is Kind.COMPLETED
    assert untimed(final.metrics) == untimed(undisturbed.metrics)
    assert disturbed == alone


def test_a_training_that_is_given_back_saves_first_and_ends_at_once(start, tmp_path):
    alone: dict[int, Any] = {}
    undisturbed = follow(start(tmp_path / "alone"), alone)

    disturbed: dict[int, Any] = {}
    for step in (40, 120):
        attempt = start(tmp_path / "given", checkpoint_interval=100_000)
        given = follow(attempt, disturbed, lambda said, a=attempt, s=step: said.step == s and a.give_back(PATIENCE))
        assert given.kind is Kind.GIVEN_BACK
        assert given.seconds < PATIENCE / 2  # it did not wait to be killed
        assert saved_iterations(tmp_path / "given") >= step
    final = follow(start(tmp_path / "given", checkpoint_interval=100_000), disturbed)
    assert untimed(final.metrics) == untimed(undisturbed.metrics)
    assert disturbed == alone


def test_a_long_evaluation_does_not_keep_a_training_that_is_given_back(start, tmp_path, config):
    Path(config["dataset"], "val.bin").write_bytes(bytes(2 * 2_000_000))
    changes = {"eval_interval": 5, "max_iters": 10, "eval_iters": 100_000}  # a minute of evaluation
    attempt, reports = start(tmp_path / "given", **changes), dict[int, Any]()
    while not attempt.pid:
        select.select([attempt], [], [], 0.5)
        assert attempt.receive() == []
    until_training(attempt.pid)
    attempt.give_back(PATIENCE)
    assert follow(attempt, reports).kind is Kind.GIVEN_BACK
    assert reports == {}
    assert saved_iterations(tmp_path / "given") <= 5


def until_training(pid: int) -> None:
    """Until a process holds SIGTERM back."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        [caught] = [each for each in Path(f"/proc/{pid}/status").read_text().splitlines() if each.startswith("SigCgt")]
        if int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1:
            return
    raise AssertionError("it never began to train")
