"""What the database holds of studies, as frozen values: the only form in which rows leave storage/."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Literal


class FailureKind(Enum):
    """What kind of FAIL a trial is."""

    REFUSED = "refused"
    """Its objective refused it: it never ran."""
    WITHDRAWN = "withdrawn"
    """It fell out of the plan before it ran."""
    FAILED = "failed"
    """Its last attempt failed."""


class EndKind(Enum):
    """Why a search has ended."""

    ANSWERED = "answered"
    """It has its answer."""
    STALLED = "stalled"
    """A growth: no candidate helps."""
    STEPS = "steps"
    """A growth: as many steps as were asked for are done. More can be asked for."""
    FAILED = "failed"
    """It cannot go on."""


TrialState = Literal["WAITING", "RUNNING", "COMPLETE", "PRUNED", "FAIL"]
"""Optuna's states, by their names in the database."""

Json = Mapping[str, Any]
"""A JSON object of the user's or of a search's: its keys are theirs."""


@dataclass(frozen=True)
class StudyRow:
    """A study's row: what was asked, and how far it may go."""

    study_id: int
    name: str
    search: str
    origin: Json
    """The definition that the search started from."""
    definition: Json
    """The file's that is in force now."""
    definitions: Sequence[str]
    """Hashes of every definition that was in force, oldest first."""
    fingerprint: Mapping[str, str]
    code: Json
    """Of the objective, as studies/definition/code_version.py writes it."""
    metrics: Sequence[str]
    steps: int | None
    max_trials: int | None
    deadline: datetime | None
    draining: bool
    outcome: str | None
    outcome_kind: EndKind | None
    failed: bool
    created_at: datetime
    late: bool
    """Whether the deadline has passed."""
    now: datetime
    """The database's clock."""

    @property
    def score(self) -> str:
        """The metric that is ranked."""
        return str(self.origin["score"]["metric"])

    @property
    def direction(self) -> str:
        """`maximize` or `minimize`."""
        return str(self.origin["score"]["direction"])

    @property
    def cost(self) -> str | None:
        """The metric that a growth weighs gains against."""
        cost: str | None = self.origin.get("cost")
        return cost


@dataclass(frozen=True)
class StudyCounts:
    """A study in a list: where it stands, with its trials counted by state."""

    study_id: int
    name: str
    search: str
    outcome: str | None
    outcome_kind: EndKind | None
    failed: bool
    draining: bool
    late: bool
    created_at: datetime
    steps: int | None
    max_trials: int | None
    waiting: int
    running: int
    complete: int
    pruned: int
    failures: int
    """FAIL, without the withdrawn ones."""
    withdrawn: int


@dataclass(frozen=True)
class StudyGlance:
    """A study as a watcher of many sees it: its open work counted, the rest not."""

    name: str
    search: str
    outcome: str | None
    outcome_kind: EndKind | None
    failed: bool
    draining: bool
    late: bool
    max_trials: int | None
    trials: int
    waiting: int
    running: int
    alive: bool
    """Whether a worker of it lives."""


@dataclass(frozen=True)
class TrialRow:
    """A trial that a search planned: its point, its end, its metrics."""

    trial_id: int
    number: int
    state: TrialState
    hash: str
    config: Json
    seed: int
    role: Json
    """What it is for: studies/history/purpose.py reads it."""
    round: int
    """Decisions made before it was planned; -1: enqueued by another program; -2: planned ahead."""
    attempt: int
    """The last one; 0 before the first."""
    reason: str | None
    failure: FailureKind | None
    """None of any state but FAIL."""
    retired: bool
    """Whether a retry stands in its place, or it was withdrawn."""
    retry_of: int | None
    """The trial_id of the trial that it stands in for."""
    datetime_start: datetime | None
    datetime_complete: datetime | None
    seconds: float | None
    metrics: Mapping[str, float]
    outcome: str | None
    """How the attempt that ended it ended; None if none did."""
    digest: str
    """Of the point as it was planned."""


@dataclass(frozen=True)
class OpenTrial:
    """A trial that waits or runs."""

    number: int
    state: TrialState
    attempt: int | None
    """None: another Optuna program's."""


@dataclass(frozen=True)
class AttemptRow:
    """One execution of a trial by a worker."""

    number: int
    """Of the trial."""
    trial_id: int
    attempt: int
    worker_id: int | None
    host: str | None
    pid: int | None
    slot: str
    started_at: datetime
    ended_at: datetime | None
    seconds: float | None
    outcome: str | None
    """None while it runs."""
    message: str
    tail: str
    """The log's last lines, of an attempt that failed."""
    accepted: bool
    """Whether it ended the trial."""
    refused: bool
    """Whether it came with a result after the trial had been taken from it."""
    state: TrialState
    """Of the trial."""
    digest: str | None
    """Of an accepted result."""


@dataclass(frozen=True)
class DecisionRow:
    """A decision of the search, with what it was made from."""

    number: int
    kind: str
    record: Json
    state: Json
    """The search's after it."""
    trials: Sequence[int]
    """trial_ids of those whose results it was made from."""
    definition: str
    code: str
    decided_at: datetime
    origin: str
    """Digest of what the search started from, as it was then."""
    digest: str


@dataclass(frozen=True)
class WorkerRow:
    """A worker of a study, living or not."""

    worker_id: int
    host: str
    pid: int
    account: str
    slots: Sequence[str]
    versions: Mapping[str, str]
    started_at: datetime
    ended_at: datetime | None
    alive: bool
    """Whether it holds its lock."""


@dataclass(frozen=True)
class RunningTrial:
    """A trial that runs: where, since when, and what it reported last."""

    number: int
    role: Json
    attempt: int
    worker_id: int | None
    slot: str
    host: str | None
    pid: int | None
    started_at: datetime
    seconds: float
    step: int | None
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class ReportRow:
    """What a trial reported at a step."""

    number: int
    """Of the trial."""
    attempt: int
    step: int
    metrics: Mapping[str, float]
    reported_at: datetime


@dataclass(frozen=True)
class Extent:
    """How much of a study there is."""

    trials: int
    decisions: int


@dataclass(frozen=True)
class LedgerFacts:
    """What only the database can tell."""

    missing: Sequence[int]
    """Numbers that no trial has."""
    orphans: Sequence[int]
    """Numbers of RUNNING trials whose lock nobody holds."""


@dataclass(frozen=True)
class Ends:
    """How many trials came to an accepted end, and how many failed for good."""

    accepted: int
    failed: int


@dataclass(frozen=True)
class Trace:
    """What a trial that was begun has left to look at."""

    trial_id: int
    number: int
    study: str
    created_at: datetime
    """Of the study."""
    attempt: int
    reported: bool
    host: str | None
    tail: str


@dataclass(frozen=True)
class EnqueuedTrial:
    """A trial that another Optuna program enqueued."""

    trial_id: int
    number: int
    fixed: str | None
    """What it fixed, as JSON."""


@dataclass(frozen=True)
class Budget:
    """How far a study may go; None leaves what stands."""

    steps: int | None = None
    max_trials: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class StudyDigests:
    """A study's own digests and sums, beside what Optuna says of its direction and metric."""

    key: str
    """The study in its digests: stays when it is renamed or moved."""
    digest: str
    """Of what the search starts from."""
    head: str | None
    """Of the last decision."""
    planned: int
    plan: int
    """The sum of the points' shares: storage/digests.py."""
    upgraded: int
    """Results whose digests `storage upgrade` computed."""
    directions: Sequence[str]
    metric_names: str | None
    """As JSON."""


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
class TrialDigest:
    """A digest of what Optuna shows of a finished trial and of what it reported."""

    number: int
    state: TrialState
    digest: str
