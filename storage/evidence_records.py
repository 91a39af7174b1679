"""Rows that the certificate and the comparison of code read, as frozen values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.records import Json, TrialState


@dataclass(frozen=True)
class LedgerFacts:
    """Facts of the audit that only the database knows."""

    missing: Sequence[int]
    """Numbers below the last one without a trial."""
    orphans: Sequence[int]
    """Numbers of RUNNING trials whose lock is free."""


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
    copy_of: str | None
    """The seal of the study that it was copied from."""


@dataclass(frozen=True)
class TrialDigest:
    """A digest of what Optuna shows of a finished trial and of what it reported."""

    number: int
    state: TrialState
    digest: str


@dataclass(frozen=True)
class CodeRow:
    """A version of the user's code."""

    version: str
    details: Json
    seen_at: datetime


@dataclass(frozen=True)
class CodeResults:
    """The accepted results that ran one version of the user's code."""

    code: str | None
    """None: not recorded."""
    results: int
    numbers: Sequence[int]
