"""Rows of trials that other Optuna programs enqueued, made, ended or changed, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from storage.records import TrialState


@dataclass(frozen=True)
class EnqueuedTrial:
    """A trial that another Optuna program enqueued."""

    trial_id: int
    number: int
    fixed: str | None
    """The parameters that the program fixed, as JSON."""


@dataclass(frozen=True)
class EndedTrial:
    """A trial that another Optuna program enqueued, and that has ended."""

    number: int
    config: Mapping[str, Any]
    seed: int
    setting: Mapping[str, Any]
    """The values of its axes, of a search that has axes; else empty."""


@dataclass(frozen=True)
class OtherTrial:
    """A trial that no search of ours planned."""

    number: int
    state: TrialState
    started: bool
    ended: bool
    valued: bool
    enqueued: bool


@dataclass(frozen=True)
class CopiedStudy:
    """A study that another Optuna program made of the trials of one of ours, as a stock dashboard does to rename it."""

    name: str
    was: str
    """The name of ours when it was copied."""
    original: str | None
    """The name of ours now; None: it was deleted."""

    @property
    def text(self) -> str:
        """What it is, and what to do."""
        made = f"{self.name!r} was made by another Optuna program of the trials of {self.was!r} alone"
        if self.original is not None:
            return (
                f"{made}; {self.original!r} is whole and goes on: `rename {self.original} NEW` gives it another name, "
                f"`copy {self.original} NEW` copies it whole"
            )
        return (
            f"{made}, and {self.was!r} was deleted with its decisions, as a stock dashboard does to rename a study: it "
            "cannot go on; restore a backup (`storage restore`), or begin anew under another name; `rename` and our "
            "`dashboard` rename a study whole"
        )


@dataclass(frozen=True)
class MisshownMetric:
    """A metric whose user attribute in Optuna is another than the accepted one; both as texts."""

    number: int
    """Of the trial."""
    name: str
    shown: str
    accepted: str


@dataclass(frozen=True)
class TakenTrial:
    """A planned trial that another Optuna program ended."""

    number: int
    again: int | None
    """The number of the trial that runs its point now; None until a worker plans it again."""


@dataclass(frozen=True)
class OtherCount:
    """How many trials of a study no search of ours planned, beside the last trial's number: it only grows."""

    others: int
    last: int
