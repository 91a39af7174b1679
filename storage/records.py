"""Rows of the database as frozen values. Rows leave storage/ in no other form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Literal, NamedTuple


class FailureKind(Enum):
    """Why a trial is in state FAIL, or set aside."""

    REFUSED = "refused"
    """Its objective refused the configuration; it never ran."""
    WITHDRAWN = "withdrawn"
    """The plan dropped it before it ran."""
    FAILED = "failed"
    """Its last attempt failed."""
    TAKEN = "taken"
    """Another Optuna program ended it, in any state, before the storage prevented that. Its point was planned again."""


class SetAside(Enum):
    """How a finished result came to count no more."""

    REDONE = "redone"
    """Its point was planned again."""
    DROPPED = "dropped"
    """Its point is not planned again; to a search it has failed."""


class EndKind(Enum):
    """Why a search ended."""

    ANSWERED = "answered"
    """It found its answer."""
    STALLED = "stalled"
    """A growth: no candidate improves the score."""
    STEPS = "steps"
    """A growth: it took all its steps. `--steps` adds more."""
    FAILED = "failed"
    """A failure keeps it from going on."""
    ALIKE = "alike"
    """Its first trials failed alike. It goes on once the cause is mended."""

    @property
    def failed(self) -> bool:
        return self in (EndKind.FAILED, EndKind.ALIKE)


IMPORTED_SLOT = "imported"
"""The slot of attempts that ran elsewhere: their results were imported."""

TrialState = Literal["WAITING", "RUNNING", "COMPLETE", "PRUNED", "FAIL"]
"""Optuna's states by name."""

Json = Mapping[str, Any]
"""A JSON object whose keys the user or a search defines."""


class Score(NamedTuple):
    """A metric that a study improves, and which way."""

    metric: str
    direction: str
    """`maximize` or `minimize`."""


def scores_of(origin: Json) -> list[Score]:
    """The scores of a definition as it is stored: a mapping, or a list of them where it has several."""
    given = origin["score"]
    return [
        Score(str(each["metric"]), str(each["direction"])) for each in (given if isinstance(given, list) else [given])
    ]


@dataclass(frozen=True)
class StudyRow:
    """A study: its definition, its budget and its state."""

    study_id: int
    name: str
    folder: str
    """The name of its folder on every host: the study's first name."""
    search: str
    origin: Json
    """The definition at the search's start, with what the command line set."""
    definition: Json
    """The file's definition that is in force now."""
    definitions: Sequence[str]
    """Hashes of every definition that has been in force, oldest first."""
    fingerprint: Mapping[str, str]
    code: Json
    """The version of the objective's code, as studies/definition/code_version.py writes it."""
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
    tags: Mapping[str, str] = field(default_factory=dict)
    """The user's own, by key."""

    @property
    def on_laptop(self) -> bool:
        """Whether it was begun with `--laptop`."""
        return bool(self.origin.get("on_laptop"))

    @property
    def scores(self) -> list[Score]:
        """The metrics that are improved: one, but for a `tune` of several."""
        return scores_of(self.origin)

    @property
    def score(self) -> str:
        """The metric that is ranked; of several, the first."""
        return self.scores[0].metric

    @property
    def direction(self) -> str:
        """`maximize` or `minimize`; of several scores, the first one's."""
        return self.scores[0].direction

    @property
    def cost(self) -> str | None:
        """The metric that a growth weighs gains against."""
        cost: str | None = self.origin.get("cost")
        return cost


@dataclass(frozen=True)
class StudyCounts:
    """A study in a list: its state, and its trials counted by state."""

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
    """Trials in state FAIL that were not withdrawn."""
    withdrawn: int
    set_aside: int = 0
    """Finished trials that count no more, in none of the other counts."""
    on_laptop: bool = False
    """Whether it was begun with `--laptop`."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """The user's own, by key."""


@dataclass(frozen=True)
class Achieved:
    """What a study has achieved, and when anything last happened."""

    metric: str  # of several scores, the first
    objective: str
    best: float | None
    """The best mean of a setting whose seeds all have a score; of a growth, the score of its path. None while there is
    none."""
    plain: bool
    """Whether `best` is what `show` calls the best: not of several scores, constraints, a changed grid, or a depth."""
    active_at: datetime
    """Of its last decision, or of the last begin or end of an attempt."""
    idle: float
    """Seconds since then, by the database's clock."""


@dataclass(frozen=True)
class StudyGlance:
    """A study in a watched list: its state, and its open work counted."""

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
    """Whether the study has a living worker."""


@dataclass(frozen=True)
class TrialRow:
    """A trial that a search planned: its point, its end and its metrics."""

    trial_id: int
    number: int
    state: TrialState
    hash: str
    config: Json
    seed: int
    role: Json
    """The trial's purpose; studies/history/purpose.py reads it."""
    round: int
    """The number of the next decision when it was planned; -1: enqueued by another program; -2: speculative."""
    attempt: int
    """The number of the last attempt; 0 before the first."""
    reason: str | None
    failure: FailureKind | None
    """None in every state but FAIL, except of a trial that was taken."""
    retired: bool
    """Whether it was retried, withdrawn, taken or set aside."""
    retry_of: int | None
    """The trial_id of the trial that it retries."""
    datetime_start: datetime | None
    datetime_complete: datetime | None
    seconds: float | None
    metrics: Mapping[str, float]
    outcome: str | None
    """How the attempt that ended it ended; None if none did."""
    digest: str
    """Of the point as it was planned."""
    code: str | None = None
    """The version of the user's code that its accepted attempt ran; None: not recorded, or it has none."""
    set_aside: SetAside | None = None
    """How it came to count no more, if it did."""
    last_report: tuple[int, float] | None = None
    """Of a pruned trial: the last step at which it reported a finite score, and that score."""


@dataclass(frozen=True)
class OpenTrial:
    """A trial that waits or runs."""

    number: int
    state: TrialState
    attempt: int | None
    """None: another Optuna program enqueued the trial."""


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
    """The log's last lines if the attempt failed."""
    accepted: bool
    """Whether it ended the trial."""
    refused: bool
    """Whether its result was refused, since another attempt held the trial."""
    state: TrialState
    """Of the trial."""
    digest: str | None
    """Of an accepted result."""
    code: str | None = None
    """The version of the user's code that it ran; None: not recorded."""


@dataclass(frozen=True)
class DecisionRow:
    """A decision of the search, with the results that it was made from."""

    number: int
    kind: str
    record: Json
    state: Json
    """The search's state after the decision."""
    trials: Sequence[int]
    """trial_ids of the results that it was made from."""
    definition: str
    code: str
    decided_at: datetime
    origin: str
    """Digest of what the search started from, as it was then."""
    digest: str


@dataclass(frozen=True)
class WorkerRow:
    """A worker of a study, alive or not."""

    worker_id: int
    host: str
    pid: int
    account: str
    slots: Sequence[str]
    versions: Mapping[str, str]
    started_at: datetime
    ended_at: datetime | None
    alive: bool
    """Whether the worker holds its lock."""


@dataclass(frozen=True)
class RunningTrial:
    """A running trial: where it runs, since when, and its last report."""

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
    """A trial's report at a step."""

    number: int
    """Of the trial."""
    attempt: int
    step: int
    metrics: Mapping[str, float]
    reported_at: datetime


@dataclass(frozen=True)
class Extent:
    """The size of a study."""

    trials: int
    decisions: int


@dataclass(frozen=True)
class Ends:
    """How many trials have an accepted end, and how many failed for good."""

    accepted: int
    failed: int


@dataclass(frozen=True)
class Trace:
    """What a started trial has left to look at: its log, its files, its reports."""

    trial_id: int
    number: int
    folder: str
    """Of the study."""
    created_at: datetime
    """Of the study."""
    attempt: int
    reported: bool
    host: str | None
    tail: str


@dataclass(frozen=True)
class Budget:
    """Limits of a study; None keeps the limit that is stored."""

    steps: int | None = None
    max_trials: int | None = None
    seconds: float | None = None
    keep_going: bool = False
    """Whether to go on where the first trials fail alike, from now on."""
