"""The state of a training: everything that changes while it runs and that the next attempt needs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from objectives.gpt.clock import Clock

_SAVED_NUMBERS = ("done", "evaluated", "best", "best_iter")


class State:
    """`done` is also the position in the data, since batches are drawn by seed and iteration.

    Attributes:
        done: The number of finished iterations.
        evaluated: The value of `done` at the last evaluation.
        best, best_iter: The lowest validation loss and its iteration; the NaN or inf of a training that diverged.
        total: The sum of the training losses since the last evaluation.
        norm: The norm of the last gradient, before clipping.
        reports: Every report, with the iterations done.
    """

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer, clock: Clock, device: str) -> None:
        self.model, self.optimizer, self.clock, self.is_cuda = model, optimizer, clock, device == "cuda"
        self.done = self.evaluated = self.best_iter = 0
        self.best = math.inf
        self.total = torch.zeros((), dtype=torch.float64, device=device)
        self.norm = torch.zeros((), device=device)
        self.reports: list[tuple[int, dict[str, float]]] = []

    def to_dict(self) -> Mapping[str, Any]:
        """The state to save between two iterations; the clock must be paused."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "random": torch.get_rng_state(),
            "cuda_random": torch.cuda.get_rng_state() if self.is_cuda else None,
            "clock": self.clock.to_dict(),
            "total": self.total.item(),
            "norm": self.norm.item(),
            "reports": self.reports,
            **{name: getattr(self, name) for name in _SAVED_NUMBERS},
        }

    def load(self, saved: Mapping[str, Any]) -> None:
        """Restore the state `saved`."""
        self.model.load_state_dict(saved["model"])
        self.optimizer.load_state_dict(saved["optimizer"])
        torch.set_rng_state(saved["random"].cpu())
        if self.is_cuda and saved["cuda_random"] is not None:
            torch.cuda.set_rng_state(saved["cuda_random"].cpu())
        self.clock.load(saved["clock"])
        self.total.fill_(saved["total"])
        self.norm.fill_(saved["norm"])
        self.reports = list(saved["reports"])
        for name in _SAVED_NUMBERS:
            setattr(self, name, saved[name])
