"""One real training step at a model's size: does it run on this device, in how much memory and time?"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Protocol

import torch

from objectives.meters import memory_meter
from objectives.parameters.source import Source
from storage.checks import whole
from storage.errors import UsageError


class Trial(Protocol):
    """What a training step asks of the trial that it runs for."""

    @property
    def seed(self) -> int: ...

    @property
    def device(self) -> str: ...


def training_step(source: Source, config: Mapping[str, Any], trial: Trial) -> dict[str, float]:
    """Forwards, backwards and an AdamW update on random tokens (batch_size, seq_length).

    Returns:
        peak_memory: MiB: what tensors took on CUDA; by how much the process grew on a CPU.
        memory_fraction: Of the device's memory.
        seconds: Of the step, without the making of the model.

    Raises:
        UsageError: There is no vocabulary to draw tokens from, or a size is wrong.
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
    return whole(config.get(key, default), f"config: {key}", 1, 2**31 - 1)
