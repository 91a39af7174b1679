"""Measures a training's time: the total, and the mean of an iteration."""

from __future__ import annotations

import time
from collections.abc import Mapping

import torch

_WARMUP_ITERATIONS = 10  # of a process, which allocate, compile and tune: they are not timed


class Clock:
    """Sums the seconds between `resume` and `pause`, over all attempts of a training.

    `total` counts all of them. `seconds`, `iterations` and `tokens` leave out the first iterations of each attempt,
    unless the training is that short.
    """

    def __init__(self, is_cuda: bool, iterations: int | None) -> None:
        """`iterations`: of the whole training; None if only time limits it."""
        self.is_cuda = is_cuda
        self.total, self.seconds, self.iterations, self.tokens = 0.0, 0.0, 0, 0
        self.untimed = _WARMUP_ITERATIONS if iterations is None or iterations > _WARMUP_ITERATIONS else 0
        self.earlier, self.since = (0.0, 0, 0), 0.0

    def to_dict(self) -> Mapping[str, float]:
        """The times to save; the clock must be paused."""
        return {name: getattr(self, name) for name in ("total", "seconds", "iterations", "tokens")}

    def load(self, state: Mapping[str, float]) -> None:
        """Go on from the `to_dict` of an earlier attempt."""
        self.total, self.seconds = state["total"], state["seconds"]
        self.iterations, self.tokens = int(state["iterations"]), int(state["tokens"])
        self.earlier = self.seconds, self.iterations, self.tokens

    @property
    def per_iteration(self) -> float:
        """Mean seconds per iteration."""
        return self.seconds / max(1, self.iterations)

    @property
    def tokens_per_second(self) -> float:
        return self.tokens / self.seconds if self.seconds else 0.0

    def resume(self) -> None:
        self.since = self._now()

    def pause(self) -> None:
        passed = self._now() - self.since
        self.total += passed
        self.seconds += passed

    def tick(self, tokens: int) -> None:
        """Count an iteration over this many tokens."""
        self.iterations += 1
        self.tokens += tokens
        if self.untimed:
            self.untimed -= 1
            if not self.untimed:
                self.pause()
                self.seconds, self.iterations, self.tokens = self.earlier
                self.resume()

    def running_total(self) -> float:
        """`total` at this moment, between `resume` and `pause`, without waiting for the device."""
        return self.total + time.perf_counter() - self.since

    def _now(self) -> float:
        if self.is_cuda:
            torch.cuda.synchronize()
        return time.perf_counter()
