"""A small training of the objective gpt, and its metrics without times."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

TIMES = {"iter", "tokens_per_second", "cumulative_time", "peak_memory", "memory_fraction", "utilization"}


def untimed(metrics: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if name not in TIMES}


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


def saved_iterations(folder: Path) -> int:
    content = (folder / "training.pt").read_bytes()
    (folder / "payload").write_bytes(content[32:])
    return torch.load(folder / "payload", weights_only=True)["done"]
