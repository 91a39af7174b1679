"""Rows of trials that other Optuna programs enqueued, made, ended or changed, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass

from storage.records import TrialState


@dataclass(frozen=True)
class EnqueuedTrial:
    """A trial that another Optuna program enqueued."""

    trial_id: int
    number: int
    fixed: str | None
    """The parameters that the program fixed, as JSON."""


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
