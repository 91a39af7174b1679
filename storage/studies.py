"""Writes to a study's row: its making, budget, definition, outcome and deletion; its workers. One statement each."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from storage.digests import origin_digest
from storage.locks import WORKER_LOCKS
from storage.records import Budget, EndKind, Json, Score
from storage.session import Session
from storage.shown import shown_name

TAG = "tag:"
"""Begins the user attributes that are tags; read_study.sql and list_studies.sql know it too."""


@dataclass(frozen=True)
class NewStudy:
    """The contents of a new study."""

    name: str
    search: str
    scores: Sequence[Score]
    origin: Json
    """The definition at the search's start: the file's, with what the command line set."""
    definition: Json
    """The file's definition."""
    hash: str
    fingerprint: Mapping[str, str]
    code: Json
    metrics: Sequence[str]


def create_study(session: Session, new: NewStudy) -> bool:
    """Make a study; False if another process has just made one of that name."""
    key = secrets.token_hex(16)
    row = session.one(
        "create_study",
        {
            **_columns(new, key, new.search),
            "key": key,
            "name": new.name,
            "search": new.search,
            "definition": json.dumps(new.definition, allow_nan=False),
            "hash": new.hash,
        },
    )
    return row is not None


@dataclass(frozen=True)
class Correction:
    """A new objective, score, cost or dataset, allowed before the first accepted result."""

    origin: Json
    scores: Sequence[Score]
    fingerprint: Mapping[str, str]
    code: Json
    metrics: Sequence[str]


def correct_study(session: Session, study_id: int, correction: Correction) -> None:
    """Put a correction into force, and retire the points that have failed. The caller holds the study's row."""
    study = session.one("read_key", {"study_id": study_id})
    session.run("correct_study", {**_columns(correction, study.key, study.search), "study_id": study_id})


def _columns(given: NewStudy | Correction, key: str, search: str) -> dict[str, object]:
    return {
        "directions": [each.direction.upper() for each in given.scores],
        "metric_names": json.dumps([shown_name(search, each.metric) for each in given.scores]),
        "origin": json.dumps(given.origin, allow_nan=False),
        "fingerprint": json.dumps(dict(given.fingerprint)),
        "code": json.dumps(dict(given.code)),
        "metrics": list(given.metrics),
        "digest": origin_digest(key, search, given.origin, given.fingerprint, given.code, given.metrics),
    }


def set_definition(session: Session, study_id: int, definition: Json, hash_: str) -> None:
    """Put the file's definition into force."""
    document = json.dumps(definition, allow_nan=False)
    session.run("set_definition", {"study_id": study_id, "definition": document, "hash": hash_})


def set_budget(session: Session, study_id: int, budget: Budget) -> None:
    """Set the given limits for all workers; a stopped study goes on."""
    session.run("set_budget", {"study_id": study_id, **asdict(budget)})


def set_outcome(session: Session, study_id: int, outcome: str | None = None, kind: EndKind | None = None) -> None:
    """Store why the search ended; None: it goes on."""
    kept = None if kind is None else kind.value
    session.run("set_outcome", {"study_id": study_id, "outcome": outcome, "kind": kept})


def drain_study(session: Session, study_id: int) -> None:
    """Ask every worker to finish its running trials and leave."""
    session.run("drain_study", {"study_id": study_id})


def heed_stop(session: Session, study_id: int) -> None:
    """Drain the study if another Optuna program asked for it with `study.set_user_attr("stop", True)`."""
    session.run("heed_stop", {"study_id": study_id})


def set_tags(session: Session, study_id: int, tags: Mapping[str, str], gone: Sequence[str]) -> None:
    """Set tags of a study by key, and remove those of other keys."""
    rows = [{"key": f"{TAG}{key}", "value": json.dumps(value)} for key, value in tags.items()]
    values = {"study_id": study_id, "tags": json.dumps(rows), "gone": [f"{TAG}{key}" for key in gone]}
    session.run("set_tags", values)


def claim_notice(session: Session, study_id: int, reason: str, worker_id: int | None, alone: bool) -> bool:
    """Whether this command gives notice of a study's end; of all that ask, one is told so.

    Args:
        session: Any.
        study_id: The study's.
        reason: Why it ended.
        worker_id: Of the worker that asks; None: a command that follows other workers.
        alone: Whether the study ends only where no worker is left.
    """
    values = {"study_id": study_id, "reason": reason, "worker_id": worker_id, "alone": alone, "space": WORKER_LOCKS}
    return bool(session.run("claim_notice", values))


def delete_study(session: Session, study_id: int) -> None:
    """Delete a study with all its rows. The caller holds the study's row."""
    session.run("delete_study", {"study_id": study_id})


def keep_launch(session: Session, study_id: int, key: str, launch: Mapping[str, object]) -> None:
    """Store with the study that a scheduler was asked for workers; once for each key."""
    session.run("insert_launch", {"study_id": study_id, "key": key, "value": json.dumps(launch)})


def keep_code(session: Session, study_id: int, version: str, details: Json) -> None:
    """Store a version of the user's code with the study; once for each version."""
    session.run("keep_code", {"study_id": study_id, "version": version, "details": json.dumps(dict(details))})


@dataclass(frozen=True)
class NewWorker:
    """The contents of a worker's row."""

    host: str
    pid: int
    account: str
    slots: Sequence[str]
    versions: Mapping[str, str]


def sign_in(session: Session, study_id: int, worker: NewWorker) -> int:
    """Write a worker's row and take its lock, which this session then holds; returns the worker's id."""
    own = {**asdict(worker), "slots": list(worker.slots), "versions": json.dumps(dict(worker.versions))}
    return int(session.one("start_worker", {**own, "study_id": study_id, "space": WORKER_LOCKS}).worker_id)


def sign_out(session: Session, worker_id: int) -> None:
    """Store that a worker has left by itself."""
    session.run("end_worker", {"worker_id": worker_id})
