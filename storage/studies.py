"""What is written to a study's row: made, its budget, its definition, its outcome, its end. One statement each."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from storage.digests import origin_digest
from storage.locks import WORKER_LOCKS
from storage.records import Budget, EndKind, Json
from storage.session import Session


@dataclass(frozen=True)
class NewStudy:
    """What a study is made from."""

    name: str
    direction: str
    search: str
    score: str
    origin: Json
    """The definition that the search starts from: the file's, with what was set on the command line."""
    definition: Json
    """The file's."""
    hash: str
    fingerprint: Mapping[str, str]
    code: Json
    metrics: Sequence[str]


def create_study(session: Session, new: NewStudy) -> bool:
    """Make a study; False if somebody else just made one of that name."""
    key = secrets.token_hex(16)
    row = session.one(
        "create_study",
        {
            "name": new.name,
            "key": key,
            "digest": origin_digest(key, new.search, new.origin, new.fingerprint, new.code, new.metrics),
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
class Correction:
    """Another objective, score, cost or dataset, while no result was accepted."""

    origin: Json
    direction: str
    score: str
    fingerprint: Mapping[str, str]
    code: Json
    metrics: Sequence[str]


def correct_study(session: Session, study_id: int, correction: Correction) -> None:
    """Put it into force. What has failed so far is retired. The caller holds the study's row."""
    study = session.one("read_key", {"study_id": study_id})
    digest = origin_digest(
        study.key, study.search, correction.origin, correction.fingerprint, correction.code, correction.metrics
    )
    session.run(
        "correct_study",
        {
            "study_id": study_id,
            "direction": correction.direction.upper(),
            "metric_names": json.dumps([correction.score]),
            "origin": json.dumps(correction.origin, allow_nan=False),
            "fingerprint": json.dumps(dict(correction.fingerprint)),
            "code": json.dumps(dict(correction.code)),
            "metrics": list(correction.metrics),
            "digest": digest,
        },
    )


def set_definition(session: Session, study_id: int, definition: Json, hash_: str) -> None:
    """The file's definition that is in force from now on."""
    document = json.dumps(definition, allow_nan=False)
    session.run("set_definition", {"study_id": study_id, "definition": document, "hash": hash_})


def set_budget(session: Session, study_id: int, budget: Budget) -> None:
    """Set what is given, for all workers; a study that was told to stop goes on."""
    values = {"steps": budget.steps, "max_trials": budget.max_trials, "seconds": budget.seconds}
    session.run("set_budget", {"study_id": study_id, **values})


def set_outcome(session: Session, study_id: int, outcome: str | None = None, kind: EndKind | None = None) -> None:
    """Why the search has ended, and what kind of end that is; None: it goes on."""
    kept = None if kind is None else kind.value
    session.run("set_outcome", {"study_id": study_id, "outcome": outcome, "kind": kept})


def drain_study(session: Session, study_id: int) -> None:
    """Tell every worker to finish what runs and leave."""
    session.run("drain_study", {"study_id": study_id})


def heed_stop(session: Session, study_id: int) -> None:
    """Drain the study if another Optuna program asked for it: `study.set_user_attr("stop", True)`."""
    session.run("heed_stop", {"study_id": study_id})


def delete_study(session: Session, study_id: int) -> None:
    """Delete a study with all that hangs on it. The caller holds the study's row."""
    session.run("delete_study", {"study_id": study_id})


def keep_launch(session: Session, study_id: int, key: str, launch: Mapping[str, object]) -> None:
    """Keep with the study that workers were asked of a scheduler; once for each key."""
    session.run("insert_launch", {"study_id": study_id, "key": key, "value": json.dumps(launch)})


@dataclass(frozen=True)
class NewWorker:
    """A worker that signs in."""

    host: str
    pid: int
    account: str
    slots: Sequence[str]
    versions: Mapping[str, str]


def sign_in(session: Session, study_id: int, worker: NewWorker) -> int:
    """Write a worker's row and take its lock, for as long as this session lives; its id."""
    row = session.one(
        "start_worker",
        {
            "study_id": study_id,
            "host": worker.host,
            "pid": worker.pid,
            "account": worker.account,
            "slots": list(worker.slots),
            "versions": json.dumps(dict(worker.versions)),
            "space": WORKER_LOCKS,
        },
    )
    return int(row.worker_id)


def sign_out(session: Session, worker_id: int) -> None:
    """A worker leaves by itself."""
    session.run("end_worker", {"worker_id": worker_id})
