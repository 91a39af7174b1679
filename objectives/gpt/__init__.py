"""The objective `gpt`: train a decoder-only transformer on text. This module holds the functions that a study calls.

objective(config, trial)   train once, return METRICS (and CUDA_METRICS on CUDA)
validate(config)           why a config cannot run, or None
cost(config)               parameters and FLOPs, without training
fingerprint(config)        a hash of the data
preload()                  what all trials share, once, before the first
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping
from typing import Any

import torch

from objectives.gpt.config import GptConfig
from objectives.gpt.data import check_data, fingerprint_data, open_data
from objectives.gpt.memory import keep_freed_memory, limit_gpu_memory
from objectives.gpt.model import (
    Decoder,
    build_on_meta,
    count_multiplied_params,
    count_non_embedding_params,
    count_params,
    count_parts,
)
from objectives.gpt.nested_start import normal_quantiles
from objectives.gpt.profiling import write_trace
from objectives.gpt.schedule import Schedule
from objectives.gpt.termination import Termination
from objectives.gpt.training import Training, Trial
from objectives.meters import BusyMeter, memory_meter
from storage.errors import UsageError

__all__ = ["CUDA_METRICS", "METRICS", "cost", "fingerprint", "objective", "preload", "validate"]


_LAST_REPORTED = (  # by the last evaluation; NaN if training diverged
    "train_loss",
    "train_acc",
    "train_pplx",
    "val_acc",
    "val_pplx",
    "grad_norm",
    "tokens_seen",
    "epoch",
    "cumulative_time",
)
METRICS = (
    "val_loss",  # nats per token, the best of all evaluations
    "next_token_probability",  # exp(-val_loss)
    "best_iter",  # iterations done at the best evaluation
    "last_val_loss",  # at the last evaluation
    *_LAST_REPORTED,
    "params",
    "non_embedding_params",
    "params_embedding",  # this and the next two are parts of params, without norms
    "params_attention",
    "params_mlp",
    "iter",  # mean milliseconds per iteration, after warm-up, without evaluations
    "tokens_per_second",
    "peak_memory",  # MiB: the memory of tensors on CUDA, the growth of the process on a CPU
    "memory_fraction",  # peak_memory as a share of the device's memory
    "utilization",  # share of the time that the device was busy; on CUDA only with NVML
)
CUDA_METRICS = ("vram",)  # MiB: the peak memory of tensors


def preload() -> None:
    """Import what the first optimizer of a process would import, which takes a second; make nested starts' table."""
    importlib.import_module("torch._dynamo")
    normal_quantiles()


def objective(config: Mapping[str, Any], trial: Trial) -> Mapping[str, float]:
    """Train one model, from the trial's checkpoint if there is one. Returns METRICS, and CUDA_METRICS on CUDA.

    `val_loss` is NaN or inf if training diverged.

    Raises:
        UsageError: The config or its data cannot be used.
        optuna.TrialPruned: The trial was asked to stop.
    """
    parsed = GptConfig.parse(config)
    keep_freed_memory()
    if trial.device == "cuda":
        limit_gpu_memory(parsed.memory_fraction)
    data = open_data(parsed)
    memory = memory_meter(trial.device)
    torch.manual_seed(trial.seed)
    model = Decoder(parsed, data.vocab_size, trial.seed).to(trial.device)  # from the CPU: the same start on any device
    if parsed.init == "nested":
        torch.manual_seed(trial.seed)  # dropout draws the same whatever the model's size
    with Termination() as termination, BusyMeter(trial.device) as busy:
        training = Training(parsed, data, trial, model, termination)
        state = training.run()
    peak = memory.peak()
    if parsed.profile and trial.run_dir is not None:
        write_trace(training, trial.run_dir)
    diverged = not math.isfinite(state.best)
    last = {} if diverged else state.reports[-1][1]
    metrics = {
        "val_loss": state.best,
        "next_token_probability": math.nan if diverged else math.exp(-state.best),
        "best_iter": float(state.best_iter),
        "last_val_loss": last.get("val_loss", math.nan),
        **{name: last.get(name, math.nan) for name in _LAST_REPORTED},
        "params": float(count_params(model)),
        "non_embedding_params": float(count_non_embedding_params(model)),
        **{f"params_{part}": float(count) for part, count in count_parts(model).items()},
        "iter": state.clock.per_iteration * 1e3,
        "tokens_per_second": state.clock.tokens_per_second,
        "peak_memory": peak / 2**20,
        "memory_fraction": peak / memory.total,
    }
    if busy.share is not None:
        metrics["utilization"] = busy.share
    if trial.device == "cuda":
        metrics["vram"] = peak / 2**20
    return metrics


def validate(config: Mapping[str, Any]) -> str | None:
    """Why this config cannot run, in one line, or None. Builds no model and reads no tokens."""
    try:
        check_data(GptConfig.parse(config))
    except UsageError as error:
        return str(error)
    return None


def cost(config: Mapping[str, Any]) -> Mapping[str, float]:
    """Parameters, counted on the model itself (on torch's meta device, without memory), and training FLOPs.

    `flops` is 6·N·tokens (Kaplan et al., 2020), where N counts the parameters that each token is multiplied with: all
    but learned positions and an untied embedding. Attention scores and evaluations are left out. A training that only
    time limits has no `flops`.
    """
    parsed = GptConfig.parse(config)
    model = build_on_meta(parsed, check_data(parsed))
    known = {"params": float(count_params(model)), "non_embedding_params": float(count_non_embedding_params(model))}
    train_tokens = len(open_data(parsed).train) if parsed.max_epochs is not None else 1  # unused without max_epochs
    schedule = Schedule(parsed, train_tokens)
    if schedule.iterations is not None:
        known["flops"] = 6.0 * count_multiplied_params(model) * schedule.tokens(schedule.iterations)
    return known


def fingerprint(config: Mapping[str, Any]) -> Mapping[str, str]:
    """SHA-256 of the data's files: a worker with other files would measure something else."""
    return {"data": fingerprint_data(GptConfig.parse(config))}
