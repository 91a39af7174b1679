"""How far the round at hand is, as far as one worker knows without asking: from what it planned and what ended here."""

from __future__ import annotations

from dataclasses import dataclass

GROUND = 2
"""Trials that completed here before their mean time means anything."""


@dataclass
class Tally:
    """Kept by the worker as it plans and as trials end. Others' trials count from the next time that it plans."""

    round: int | None = None
    """The number of the next decision; None: it has not planned yet."""
    total: int = 0
    done: int = 0
    here: int = 0
    """Trials that ended at this worker, in all rounds."""
    completed: int = 0
    seconds: float = 0.0
    """What the completed ones took together."""

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
            self.completed += 1
            self.seconds += seconds

    @property
    def mean(self) -> float | None:
        """Seconds of a completed trial; None before there is ground."""
        return self.seconds / self.completed if self.completed >= GROUND else None
