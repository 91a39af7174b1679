"""The progress of the current round, as one worker knows it without a query: from its plans and its trials' ends."""

from __future__ import annotations

from dataclasses import dataclass, field

from studies.history.pace import mean_seconds


@dataclass
class RoundProgress:
    """Kept by the worker as it plans and as trials end. Other workers' trials count from its next planning on."""

    round: int | None = None
    """The number of the next decision; None before the first planning."""
    total: int = 0
    done: int = 0
    here: int = 0
    """Trials that ended at this worker, in all rounds."""
    times: list[float] = field(default_factory=list)
    """Seconds of each that completed here."""

    def planned(self, number: int, left: int) -> None:
        """The next decision waits for `left` points."""
        if number != self.round:
            self.round, self.total, self.done = number, 0, 0
        self.total = max(self.total, self.done + left)
        self.done = self.total - left

    def ended(self, seconds: float | None) -> None:
        """A trial has ended here; `seconds` if it completed."""
        self.here += 1
        self.done = min(self.total, self.done + 1)
        if seconds is not None:
            self.times.append(seconds)

    @property
    def mean(self) -> float | None:
        """Seconds of a completed trial; None while too few have completed."""
        return mean_seconds(self.times)
