"""A study as it stands in the database, read over one session: for people and for verbs that change nothing much."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage.errors import UsageError, nearest
from storage.session import Session


@dataclass(frozen=True)
class StudyRow:
    """A study's row: what was asked, and how far it may go."""

    study_id: int
    name: str
    search: str
    origin: Mapping[str, Any]
    definition: Mapping[str, Any]
    definitions: Sequence[str]
    fingerprint: Mapping[str, str]
    code: Mapping[str, Any]
    """Of the objective, as studies/definition/code_version.py tells it."""
    metrics: Sequence[str]
    steps: int | None
    max_trials: int | None
    deadline: datetime | None
    draining: bool
    outcome: str | None
    failed: bool
    created_at: datetime
    late: bool
    now: datetime


def find_study(session: Session, name: str) -> StudyRow | None:
    """The study of this name, or None if there is none.

    Raises:
        UsageError: The name belongs to a study that stock Optuna made: it has no plan.
    """
    if not name.isprintable():
        raise UsageError(f"--study: {name!r} cannot be a study's name")
    row = session.one("read_study", {"name": name})
    if row is not None and row.search is None:
        raise UsageError(f"--study: {name!r} was made by another Optuna program; choose another name")
    return None if row is None else StudyRow(**row._asdict())


def need_study(session: Session, name: str) -> StudyRow:
    """The study of this name.

    Raises:
        UsageError: There is none; the message names the nearest.
    """
    study = find_study(session, name)
    if study is None:
        names = [row.name for row in session.run("list_studies", {"name": None})]
        raise UsageError(f"--study: there is no study {name!r} in this storage{nearest(name, names)}")
    return study


@dataclass(frozen=True)
class NewStudy:
    """What a study is made from."""

    name: str
    direction: str
    search: str
    score: str
    origin: Mapping[str, Any]
    """The definition that the search starts from: the file's, with what was set on the command line."""
    definition: Mapping[str, Any]
    """The file's."""
    hash: str
    fingerprint: Mapping[str, str]
    code: Mapping[str, Any]
    metrics: Sequence[str]


def create_study(session: Session, new: NewStudy) -> bool:
    """Make a study; False if somebody else just made one of that name."""
    row = session.one(
        "create_study",
        {
            "name": new.name,
            "direction": new.direction.upper(),
            "metric_names": json.dumps([new.score]),
            "search": new.search,
            "origin": json.dumps(new.origin, allow_nan=False),
            "definition": json.dumps(new.definition, allow_nan=False),
            "hash": new.hash,
            "fingerprint": json.dumps(dict(new.fingerprint)),
            "code": json.dumps(dict(new.code)),
            "metrics": list(new.metrics),
        },
    )
    return row is not None


@dataclass(frozen=True)
class Budget:
    """How far a study may go; None leaves what stands."""

    steps: int | None = None
    max_trials: int | None = None
    seconds: float | None = None


def set_budget(session: Session, study: StudyRow, budget: Budget) -> None:
    """Set what is given, for all workers; a study that was told to stop goes on."""
    session.run(
        "set_budget",
        {
            "study_id": study.study_id,
            "steps": budget.steps,
            "max_trials": budget.max_trials,
            "seconds": budget.seconds,
        },
    )
