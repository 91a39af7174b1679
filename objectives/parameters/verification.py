"""One real training step at a model's size: does it run on this device, in how much memory and time?"""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch

from objectives.parameters.sources import Source
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
    memory = _Cuda(device) if device.type == "cuda" else _Process()
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


class _Cuda:
    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.total = torch.cuda.get_device_properties(device).total_memory
        torch.cuda.reset_peak_memory_stats(device)

    def peak(self) -> int:
        torch.cuda.synchronize(self._device)
        return torch.cuda.max_memory_allocated(self._device)


class _Process:
    """The host's memory, by the pages that this process holds: what it holds before the model is made is left out."""

    def __init__(self) -> None:
        self.total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        self._before = _resident()

    def peak(self) -> int:
        return max(0, _most_resident() - self._before)


def _resident() -> int:
    """Bytes held now; where the system does not tell, the most so far."""
    status = Path("/proc/self/statm")
    if not status.exists():
        return _most_resident()
    return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _most_resident() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _size(config: Mapping[str, Any], key: str, default: int) -> int:
    value = config.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise UsageError(f"config: {key} is {value!r}; a whole number from 1 on is needed")
    return value
