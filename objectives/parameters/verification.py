"""One real training step of a model: whether it runs on this device, in how much memory and time."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Protocol

import torch

from objectives.meters import memory_meter
from objectives.parameters.source import Source
from storage.checks import check_whole
from storage.errors import UsageError


class Trial(Protocol):
    """The part of a trial that a training step uses."""

    @property
    def seed(self) -> int: ...

    @property
    def device(self) -> str: ...


def training_step(source: Source, config: Mapping[str, Any], trial: Trial) -> dict[str, float]:
    """Run forwards, backwards and an AdamW update on random tokens of shape (batch_size, seq_length).

    Returns:
        peak_memory: MiB: the memory of tensors on CUDA, the growth of the process on a CPU.
        memory_fraction: The same as a share of the device's memory.
        seconds: The duration of the step, without the building of the model.

    Raises:
        UsageError: The config gives no vocabulary to draw tokens from, or a size is wrong.
    """
    sizes = source.sizes
    if sizes is None:
        raise UsageError("config: verify: needs vocab_size, n_layer and n_embd in the config")
    batch_size = _size(config, "batch_size", 1)
    length = _size(config, "seq_length", sizes.positions)
    if length > sizes.positions:
        raise UsageError(f"config: seq_length {length} is above the model's {sizes.positions} positions")
    torch.manual_seed(trial.seed)
    device = torch.device(trial.device)
    memory = memory_meter(trial.device)
    model = source.make().to(device).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    tokens = torch.randint(sizes.vocab_size, (batch_size, length), device=device)
    started = time.perf_counter()
    torch.autograd.backward(source.loss(model, tokens, tokens.roll(-1, dims=1)))
    optimizer.step()
    peak = memory.peak()  # waits for the device
    return {
        "peak_memory": peak / 2**20,
        "memory_fraction": peak / memory.total,
        "seconds": time.perf_counter() - started,
    }


def _size(config: Mapping[str, Any], key: str, default: int) -> int:
    return check_whole(config.get(key, default), f"config: {key}", 1, 2**31 - 1)
