"""How far the round at hand is, as far as one worker knows without asking: from what it planned and what ended here."""

from __future__ import annotations

from dataclasses import dataclass, field

from studies.history.pace import mean_seconds


@dataclass
class Tally:
    """Kept by the worker as it plans and as trials end. Others' trials count from the next time that it plans."""

    round: int | None = None
    """The number of the next decision; None: it has not planned yet."""
    total: int = 0
    done: int = 0
    here: int = 0
    """Trials that ended at this worker, in all rounds."""
    times: list[float] = field(default_factory=list)
    """Seconds of each that completed here."""

    def planned(self, number: int, left: int) -> None:
        """The next decision waits for so many points."""
        if number != self.round:
            self.round, self.total, self.done = number, 0, 0
        self.total = max(self.total, self.done + left)
        self.done = self.total - left

    def ended(self, seconds: float | None) -> None:
        """A trial has ended here; `seconds` of one that completed."""
        self.here += 1
        self.done = min(self.total, self.done + 1)
        if seconds is not None:
            self.times.append(seconds)

    @property
    def mean(self) -> float | None:
        """Seconds of a completed trial; None before there is ground."""
        return mean_seconds(self.times)
