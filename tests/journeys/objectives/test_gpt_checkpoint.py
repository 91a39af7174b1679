"""Checkpoints of the objective gpt: what a training keeps, and what it does with what it finds."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import optuna
import pytest
import torch

from objectives import gpt
from objectives.gpt import checkpoint
from objectives.gpt.checkpoint import Checkpoints
from objectives.gpt.termination import Termination
from tests.support.gpt_training import config, folder, saved_iterations, untimed
from tests.support.recorder import Recorder

__all__ = ["config", "folder"]  # fixtures


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


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
