"""How long a training takes: all of it, and an iteration in the mean."""

from __future__ import annotations

import time
from collections.abc import Mapping

import torch

_UNTIMED = 10  # first iterations of a process, which allocate, compile and tune


class Clock:
    """Seconds between `resume` and `pause`, over all attempts of a training.

    `total` has all of them. `seconds`, `iterations` and `tokens` leave out the first iterations of each attempt, unless
    it has no others.
    """

    def __init__(self, is_cuda: bool, iterations: int | None) -> None:
        """`iterations` that the whole training has; None: nobody knows."""
        self.is_cuda = is_cuda
        self.total, self.seconds, self.iterations, self.tokens = 0.0, 0.0, 0, 0
        self.untimed = _UNTIMED if iterations is None or iterations > _UNTIMED else 0
        self.earlier, self.since = (0.0, 0, 0), 0.0

    def to_dict(self) -> Mapping[str, float]:
        """To be saved; the clock has to stand."""
        return {name: getattr(self, name) for name in ("total", "seconds", "iterations", "tokens")}

    def load(self, state: Mapping[str, float]) -> None:
        """Go on from an earlier attempt's `to_dict`."""
        self.total, self.seconds = state["total"], state["seconds"]
        self.iterations, self.tokens = int(state["iterations"]), int(state["tokens"])
        self.earlier = self.seconds, self.iterations, self.tokens

    @property
    def per_iteration(self) -> float:
        """Mean seconds."""
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
        """An iteration over so many tokens is over."""
        self.iterations += 1
        self.tokens += tokens
        if self.untimed:
            self.untimed -= 1
            if not self.untimed:
                self.pause()
                self.seconds, self.iterations, self.tokens = self.earlier
                self.resume()

    def running_total(self) -> float:
        """`total` now, between `resume` and `pause`. Does not wait for the device."""
        return self.total + time.perf_counter() - self.since

    def _now(self) -> float:
        if self.is_cuda:
            torch.cuda.synchronize()
        return time.perf_counter()
