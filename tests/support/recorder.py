"""A trial that only records what a training tells it."""

from __future__ import annotations

import math
from pathlib import Path


class Recorder:
    """A trial that remembers its reports, and keeps checkpoints if it has a folder for them."""

    def __init__(self, seed: int = 1337, device: str = "cpu", checkpoint_dir: Path | None = None) -> None:
        self.seed, self.device, self.checkpoint_dir = seed, device, checkpoint_dir
        self.reports: list[tuple[int, dict[str, float]]] = []
        self.stops_after = math.inf  # reports

    def report(self, step: int, **metrics: float) -> None:
        self.reports.append((step, metrics))

    def should_stop(self) -> bool:
        return len(self.reports) >= self.stops_after

    @property
    def figures(self) -> list[tuple[int, dict[str, float]]]:
        """The reports without times."""
        return [(step, {k: v for k, v in each.items() if k != "cumulative_time"}) for step, each in self.reports]
