"""The training loop of the objective gpt: it learns, repeats itself to the bit, and says when it diverged."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from objectives import gpt
from objectives.gpt.config import GptConfig
from objectives.gpt.data import open_data, val_batch
from objectives.gpt.model import Decoder
from objectives.gpt.schedule import Schedule
from objectives.gpt.training import make_optimizer
from tests.support.recorder import Recorder

REPORTED = {
    *("train_loss", "val_loss", "train_acc", "val_acc", "train_pplx", "val_pplx", "next_token_probability"),
    *("learning_rate", "weight_decay", "grad_norm", "tokens", "tokens_seen", "epoch"),
    *("batch_size", "sequence_length", "cumulative_time"),
}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def config(tmp_path: Path) -> dict[str, Any]:
    """A small model on a text of 12 tokens, each mostly followed by the next."""
    draws = np.random.Generator(np.random.PCG64(0))
    steps = draws.choice([1, 2], p=[0.9, 0.1], size=24_000)
    tokens = (np.cumsum(steps) % 12).astype(np.uint16)
    (tmp_path / "train.bin").write_bytes(tokens[:20_000].tobytes())
    (tmp_path / "val.bin").write_bytes(tokens[20_000:].tobytes())
    return {
        "dataset": str(tmp_path),
        "vocab_size": 12,
        "batch_size": 8,
        "block_size": 16,
        "n_embd": 16,
        "n_head": 2,
        "use_flash_lobo": True,
        "use_flash_lobo_per_head": True,
        "max_iters": 150,
        "eval_interval": 60,
        "eval_iters": 10,
        "learning_rate": 1e-2,
    }


@pytest.mark.parametrize("family", ["lobo", "gpt2", "hlb", "llama"])
def test_it_learns_what_there_is_to_learn(config, family):
    trial = Recorder()
    metrics = gpt.objective({**config, "family": family}, trial)
    entropy = -(0.9 * math.log(0.9) + 0.1 * math.log(0.1))
    assert entropy - 0.05 < metrics["val_loss"] < entropy + 0.1
    assert trial.reports[0][1]["train_loss"] > trial.reports[-1][1]["train_loss"]


def test_it_returns_the_metrics_that_it_announces(config):
    trial = Recorder()
    metrics = gpt.objective(config, trial)
    assert tuple(metrics) == gpt.METRICS
    assert metrics["next_token_probability"] == math.exp(-metrics["val_loss"])
    cost = gpt.cost(config)
    assert metrics["params"] == cost["params"]
    assert metrics["non_embedding_params"] == cost["non_embedding_params"]
    assert metrics["iter"] > 0
    assert metrics["tokens_per_second"] == pytest.approx(8 * 16 / metrics["iter"] * 1e3)
    assert all(type(value) is float for value in metrics.values())


def test_it_reports_at_every_evaluation_and_at_the_end(config):
    trial = Recorder()
    metrics = gpt.objective(config, trial)
    schedule = Schedule(GptConfig.parse(config), 20_000)
    assert [step for step, _ in trial.reports] == [60, 120, 150]
    for step, report in trial.reports:
        assert set(report) == REPORTED
        assert report["tokens"] == step * 8 * 16
        assert report["tokens_seen"] == report["tokens"]
        assert report["epoch"] == report["tokens"] / 20_000
        assert (report["batch_size"], report["sequence_length"]) == (8, 16)
        assert report["learning_rate"] == schedule.learning_rate(step - 1)
        assert report["weight_decay"] == 0.1
        assert report["grad_norm"] > 0
        assert report["next_token_probability"] == math.exp(-report["val_loss"])
        assert report["train_pplx"] == math.exp(report["train_loss"])
        assert report["val_pplx"] == math.exp(report["val_loss"])
        assert 0 <= report["train_acc"] <= 1
    times = [report["cumulative_time"] for _, report in trial.reports]
    assert 0 < times[0] < times[1] < times[2]
    last = trial.reports[-1][1]
    assert 0.8 < last["val_acc"] < 0.95  # nine of ten can be known
    assert metrics["last_val_loss"] == last["val_loss"]
    shared = set(metrics) & REPORTED - {"val_loss", "next_token_probability"}
    assert shared == REPORTED & set(gpt.METRICS) - {"val_loss", "next_token_probability"}
    assert {name: metrics[name] for name in shared} == {name: last[name] for name in shared}
    losses = {step: report["val_loss"] for step, report in trial.reports}
    assert metrics["val_loss"] == min(losses.values()) == losses[metrics["best_iter"]]


def test_an_interval_beyond_the_end_still_gives_the_last_evaluation(config):
    trial = Recorder()
    gpt.objective({**config, "max_iters": 3, "eval_interval": 5000}, trial)
    assert [step for step, _ in trial.reports] == [3]


def test_the_best_evaluation_counts_not_the_last(config):
    val = Path(config["dataset"], "val.bin")
    val.write_bytes(np.fromfile(val, dtype=np.uint16)[::-1].tobytes())  # what is learnt misleads here
    trial = Recorder()
    metrics = gpt.objective({**config, "eval_interval": 1, "max_iters": 100}, trial)
    losses = [report["val_loss"] for _, report in trial.reports]
    assert losses[-1] > min(losses) + 0.5
    assert metrics["val_loss"] == min(losses)
    assert metrics["best_iter"] == losses.index(min(losses)) + 1


@pytest.mark.parametrize("changes", [{}, {"dropout": 0.2}, {"family": "gpt2", "bias": True}], ids=str)
def test_the_same_seed_gives_the_same_numbers_to_the_bit(config, changes):
    def numbers(seed: int) -> list[Any]:
        trial = Recorder(seed)
        metrics = gpt.objective({**config, **changes, "max_iters": 40, "eval_interval": 10}, trial)
        return [trial.figures, metrics["val_loss"], metrics["best_iter"]]

    first = numbers(5)
    torch.rand(7)  # whatever else the process drew
    assert numbers(5) == first
    assert numbers(6) != first


def test_how_often_it_is_evaluated_does_not_change_what_it_learns(config):
    def last(eval_interval: int) -> float:
        trial = Recorder()
        gpt.objective({**config, "max_iters": 40, "eval_interval": eval_interval}, trial)
        return trial.reports[-1][1]["val_loss"]

    assert last(7) == last(40)


def test_val_loss_is_the_mean_over_the_fixed_batches(config):
    config = {**config, "max_iters": 1, "learning_rate": 0.0, "min_lr": 0.0}
    metrics = gpt.objective(config, Recorder(seed=3))
    parsed = GptConfig.parse(config)
    torch.manual_seed(3)
    model, data = Decoder(parsed, 12), open_data(parsed)  # with a rate of zero, still as it started
    losses = [model(*val_batch(data, parsed, index)).item() for index in range(10)]
    assert metrics["val_loss"] == pytest.approx(sum(losses) / 10, rel=1e-6)


def test_a_loss_that_is_no_number_ends_the_training_and_is_returned_as_it_is(config):
    trial = Recorder()
    config = {**config, "learning_rate": 1e30, "warmup_iters": 0, "grad_clip": 0, "eval_interval": 100_000}
    metrics = gpt.objective({**config, "max_iters": 10_000_000}, trial)  # hours, if it did not stop
    assert not math.isfinite(metrics["val_loss"])
    assert math.isnan(metrics["next_token_probability"])
    assert tuple(metrics) == gpt.METRICS
    assert trial.reports == []


def test_the_gradient_s_norm_is_limited_and_reported_as_it_was_before(config):
    losses = {}
    for limit in (1e-12, 0):  # so low that AdamW's epsilon swallows what is left; and none
        trial = Recorder()
        losses[limit] = gpt.objective({**config, "grad_clip": limit}, trial)["val_loss"]
        assert trial.reports[0][1]["grad_norm"] > 1e-3
    assert losses[1e-12] > 2.4
    assert losses[0] < 0.6


def test_a_batch_in_pieces_teaches_the_same(config):
    def told(most: int | None) -> list[tuple[int, dict[str, float]]]:
        trial = Recorder()
        gpt.objective({**config, "max_iters": 20, "eval_interval": 5, "max_tokens_per_batch": most}, trial)
        return trial.figures

    whole = told(None)
    assert told(8 * 16) == whole  # it fits
    for most in (3 * 16 + 1, 16):  # three, three and two sequences; one at a time
        for (step, pieces), (wanted_step, wanted) in zip(told(most), whole, strict=True):
            assert step == wanted_step
            assert pieces == pytest.approx(wanted, rel=1e-3)
            assert pieces["batch_size"] == 8


def test_no_more_tokens_pass_through_the_model_at_once_than_are_allowed(config, monkeypatch):
    seen = []
    hidden = Decoder.hidden

    def watched(self: Decoder, tokens: torch.Tensor) -> torch.Tensor:
        seen.append(tokens.numel())
        return hidden(self, tokens)

    monkeypatch.setattr(Decoder, "hidden", watched)
    growing = {"initial_block_size": 4, "block_size_doubles_every": 3, "max_tokens_per_batch": 50}
    gpt.objective({**config, **growing, "max_iters": 12}, Recorder())
    assert set(seen) == {48, 32}  # of 128: as many whole sequences as fit into 50, and what is left


def test_sequences_grow_and_more_of_them_keep_the_tokens(config):
    trial = Recorder()
    growing = {"initial_block_size": 4, "block_size_doubles_every": 10, "gpu_capacity_scalar": 0.5}
    gpt.objective({**config, **growing, "family": "hlb", "max_iters": 30, "eval_interval": 10}, trial)
    shapes = [(each["sequence_length"], each["batch_size"], each["tokens"]) for _, each in trial.reports]
    assert shapes == [(4, 16, 640), (8, 8, 1280), (16, 4, 1920)]


def test_epochs_limit_a_training_and_call_for_evaluations(config):
    trial = Recorder()
    changes = {"max_iters": None, "max_epochs": 0.5, "max_epochs_between_evals": 0.25}
    metrics = gpt.objective({**config, **changes, "eval_interval": 1000}, trial)
    assert [step for step, _ in trial.reports] == [40, 79]  # 20,000 tokens, 128 an iteration
    assert metrics["epoch"] == 79 * 128 / 20_000
    assert metrics["tokens_seen"] == 79 * 128
    assert gpt.cost({**config, **changes})["flops"] == 6 * metrics["non_embedding_params"] * 79 * 128


def test_time_limits_a_training_and_it_is_evaluated_once_more(config):
    trial = Recorder()
    metrics = gpt.objective({**config, "max_iters": None, "max_time_seconds": 0.3, "eval_interval": 10**6}, trial)
    [(step, report)] = trial.reports
    assert step > 1
    assert report["cumulative_time"] >= 0.3
    assert metrics["tokens_seen"] == step * 128
    assert "flops" not in gpt.cost({**config, "max_iters": None, "max_time_seconds": 1})


def test_however_little_time_there_is_one_iteration_is_done(config):
    trial = Recorder()
    gpt.objective({**config, "max_time_seconds": 1e-9}, trial)
    assert [step for step, _ in trial.reports] == [1]


def test_a_memory_fraction_is_of_no_use_on_a_cpu(config):
    limited, free = ({**config, "max_iters": 1, **more} for more in ({"memory_fraction": 0.5}, {}))
    assert gpt.objective(limited, Recorder())["val_loss"] == gpt.objective(free, Recorder())["val_loss"]


def test_weight_decay_is_on_matrices_only():
    config = GptConfig.parse(
        {"use_flash_lobo": True, "flash_lobo_log_const": 0.5, "learning_rate": 0.1, "weight_decay": 5.0}
    )
    model = Decoder(config, 12)
    before = [each.detach().clone() for each in model.parameters()]
    for each in model.parameters():
        each.grad = torch.zeros_like(each)
    make_optimizer(model, config).step()
    for old, new in zip(before, model.parameters(), strict=True):
        torch.testing.assert_close(new.detach(), old / 2 if old.dim() > 1 else old)


@pytest.mark.gpu
def test_on_cuda_it_learns_too_and_tells_its_peak_memory(config):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    metrics = gpt.objective({**config, "compile": True}, Recorder(device="cuda"))
    assert tuple(metrics) == (*gpt.METRICS, *gpt.CUDA_METRICS)
    assert metrics["val_loss"] < 0.5
    assert metrics["vram"] > 0


def test_it_tells_the_memory_that_it_took_and_how_busy_it_was(config: dict[str, Any]) -> None:
    """Each in a process of its own, below a shell: a peak is a process's, and a started process begins with the peak of
    the one that started it."""
    script = (
        "import json, sys; from objectives import gpt; from tests.support.recorder import Recorder\n"
        "for each in sys.argv[1:]: print(json.dumps(gpt.objective(json.loads(each), Recorder())))"
    )
    asked = [json.dumps({**config, "max_iters": 2, "batch_size": batch}, default=str) for batch in (8, 2048)]
    command = ["sh", "-c", '"$@"; exit $?', "sh", sys.executable, "-c", script, *asked]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    small, large = map(json.loads, ended.stdout.splitlines())
    assert 0 <= small["peak_memory"] < large["peak_memory"] < 4000
    assert 0 < large["memory_fraction"] < 1 and 0 < large["utilization"] <= 1


def test_a_profile_is_attached_and_changes_no_figure(config: dict[str, Any], tmp_path: Path) -> None:
    trial = Recorder()
    trial.run_dir, attached = tmp_path, []
    trial.attach = attached.append
    told = gpt.objective({**config, "max_iters": 5, "profile": True}, trial)
    plain = gpt.objective({**config, "max_iters": 5}, Recorder())
    assert told["last_val_loss"] == plain["last_val_loss"]
    assert attached == [tmp_path / "trace.json"]
    names = {event.get("name") for event in json.loads(attached[0].read_text())["traceEvents"]}
    assert any("addmm" in str(name) or "mm" in str(name) for name in names)
