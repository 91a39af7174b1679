"""Checkpoints of the objective gpt: a training that is killed, however often, ends as one that was left alone."""

from __future__ import annotations

import os
import random
import select
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
import torch

from objectives import gpt
from objectives.gpt import checkpoint
from objectives.gpt.checkpoint import Checkpoints
from objectives.gpt.termination import Termination
from objectives.outcome import Kind, Outcome, Report
from objectives.process.attempt import Assignment, Attempt
from objectives.process.warm import WarmServer
from tests.support.recorder import Recorder

TIMES = {"iter", "tokens_per_second", "cumulative_time", "peak_memory", "memory_fraction", "utilization"}
PATIENCE = 60.0


def untimed(metrics: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if name not in TIMES}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def config(tmp_path: Path) -> dict[str, Any]:
    folder = tmp_path / "data"
    folder.mkdir()
    draws = np.random.Generator(np.random.PCG64(0))
    for name in ("train.bin", "val.bin"):
        (folder / name).write_bytes(draws.integers(12, size=4000, dtype=np.uint16).tobytes())
    return {
        "dataset": str(folder),
        "vocab_size": 12,
        "batch_size": 8,
        "block_size": 16,
        "n_embd": 16,
        "n_head": 2,
        "dropout": 0.2,
        "max_iters": 240,
        "eval_interval": 8,
        "eval_iters": 3,
        "learning_rate": 1e-2,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "checkpoint").mkdir()
    return tmp_path / "checkpoint"


# Real processes


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
    [
        {"checkpoint_interval": 1},  # it is saving most of the time
        {"checkpoint_interval": 7, "family": "hlb", "initial_block_size": 4, "block_size_doubles_every": 50},
        {"checkpoint_interval": 13, "family": "gpt2", "max_tokens_per_batch": 48, "eval_interval": 5},
    ],
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


def saved_iterations(folder: Path) -> int:
    content = (folder / "training.pt").read_bytes()
    (folder / "payload").write_bytes(content[32:])
    return torch.load(folder / "payload", weights_only=True)["done"]


# In this process


def test_being_asked_to_stop_saves_and_prunes(config, folder):
    undisturbed = Recorder()
    expected = gpt.objective(config, undisturbed)
    trial = Recorder(checkpoint_dir=folder)
    trial.stops_after = 4
    with pytest.raises(optuna.TrialPruned, match="asked to stop after 32 iterations"):
        gpt.objective(config, trial)
    assert saved_iterations(folder) == 32
    further = Recorder(checkpoint_dir=folder)
    assert untimed(gpt.objective(config, further)) == untimed(expected)
    assert further.figures == undisturbed.figures  # those of the first attempt are told again


def test_a_trial_without_a_folder_is_pruned_too(config):
    trial = Recorder()
    trial.stops_after = 1
    with pytest.raises(optuna.TrialPruned):
        gpt.objective(config, trial)


@pytest.mark.parametrize("damage", ["cut", "bit", "empty", "text"])
def test_a_damaged_checkpoint_is_told_and_not_used(config, folder, damage):
    config = {**config, "max_iters": 16, "checkpoint_interval": 3}
    expected = untimed(gpt.objective(config, Recorder(checkpoint_dir=folder)))
    path = folder / "training.pt"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes({"cut": content[:-100], "bit": content, "empty": b"", "text": b"no checkpoint" * 9}[damage])
    with pytest.warns(UserWarning, match=r"training\.pt is damaged: the training starts from its beginning"):
        assert untimed(gpt.objective(config, Recorder(checkpoint_dir=folder))) == expected


@pytest.mark.parametrize(("changes", "seed"), [({"learning_rate": 2e-2}, 1337), ({"n_embd": 32}, 1337), ({}, 8)])
def test_the_checkpoint_of_another_training_is_told_and_not_used(config, folder, changes, seed):
    config = {**config, "max_iters": 16, "checkpoint_interval": 3}
    gpt.objective(config, Recorder(checkpoint_dir=folder))
    other = {**config, **changes}
    expected = untimed(gpt.objective(other, Recorder(seed)))
    with pytest.warns(UserWarning, match="belongs to another training"):
        assert untimed(gpt.objective(other, Recorder(seed, checkpoint_dir=folder))) == expected


def test_a_checkpoint_that_cannot_be_written_costs_no_training(config, folder):
    config = {**config, "max_iters": 16, "checkpoint_interval": 10}
    (folder / ".training.pt.aside").mkdir()  # in the way of the file
    with pytest.warns(UserWarning, match=r"training\.pt cannot be written"):
        metrics = gpt.objective(config, Recorder(checkpoint_dir=folder))
    assert untimed(metrics) == untimed(gpt.objective(config, Recorder()))


def test_a_short_training_saves_nothing_of_its_own_accord(config, folder):
    gpt.objective({**config, "max_iters": 16}, Recorder(checkpoint_dir=folder))
    assert list(folder.iterdir()) == []


def test_left_to_itself_saving_takes_a_hundredth_of_the_time(folder):
    kept = Checkpoints(folder, "this", interval=None)
    assert not kept.is_due(1_000_000)
    kept.saved_at -= checkpoint._MIN_SECONDS
    assert kept.is_due(0)
    kept.cost = 1.0
    assert not kept.is_due(0)
    kept.saved_at -= 100
    assert kept.is_due(0)
    assert not Checkpoints(None, "this", interval=1).is_due(5)


def test_a_save_replaces_the_last_one_and_leaves_nothing_beside_it(folder):
    kept = Checkpoints(folder, "this", interval=2)
    for done in (2, 4):
        assert kept.is_due(done)
        kept.save(done, {"x": torch.full((3,), float(done))})
        assert not kept.is_due(done + 1)
    assert [each.name for each in folder.iterdir()] == ["training.pt"]
    again = Checkpoints(folder, "this", interval=2)
    assert again.load("cpu")["x"].tolist() == [4.0] * 3
    assert not again.is_due(5)


def test_sigterm_takes_its_effect_once_what_held_it_back_is_left():
    came = []
    before = signal.signal(signal.SIGTERM, lambda *_: came.append("it"))
    try:
        with Termination() as termination:
            signal.raise_signal(signal.SIGTERM)
            assert termination.requested
            assert came == []
        assert came == ["it"]
    finally:
        signal.signal(signal.SIGTERM, before)
