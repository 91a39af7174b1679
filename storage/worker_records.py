"""Rows that a worker alone reads, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from storage.records import EndKind, Json, TrialState


@dataclass(frozen=True)
class SeedRow:
    """A trial that has begun, as a pruner of settings sees it."""

    trial_id: int
    number: int
    state: TrialState
    setting: str
    """The same for the trials of one configuration."""
    first: int
    """The number of its setting's first trial."""
    steps: Mapping[int, float]
    """The values that Optuna shows of its reports."""
    rungs: Json
    """What Optuna's successive halving has kept of it, by the attribute's name."""


@dataclass(frozen=True)
class FirstFailures:
    """A study as it is before its first success."""

    keep_going: bool
    """Whether `run --keep-going` was given."""
    outcome: str | None
    outcome_kind: EndKind | None
    succeeded: bool
    """Whether a trial was completed or pruned."""
    waiting: bool
    """Whether a point waits."""
    reasons: Sequence[str]
    """Why trials failed for good since the definition was last changed, by number."""


@dataclass(frozen=True)
class KeptTrial:
    """A trial that was set aside since it lacked a metric, with those that it returned."""

    hash: str
    number: int
    attempt: int
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class LeadingSetting:
    """One of a study's best settings."""

    setting: Json
    scores: Mapping[int, float]
    """By seed."""


@dataclass(frozen=True)
class Leading:
    """How far a study of settings is, and which settings lead."""

    done: int
    """Planned trials that have ended."""
    planned: int
    running: int
    """Of all workers."""
    best: Sequence[LeadingSetting]
    """By the mean over seeds, the best first; none while no setting has all of them."""
