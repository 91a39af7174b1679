"""The engine's side of the database: plan, claim, report, finish, give back, recover. Each is one statement or one
transaction, so that a process may be killed between any two of them.

A trial's states, and who moves it:

    (planned) ──► WAITING ──claim──► RUNNING ──finish──► COMPLETE | PRUNED | FAIL      never changed again
                     ▲                  │
                     └── release (its worker), recover (anyone, once its lock is free): attempt + 1 at the next claim
    WAITING ──withdraw──► FAIL ("withdrawn: …")
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any

from storage.digests import DecisionFacts, ResultFacts, UsedTrial, point_digest
from storage.locks import TRIAL_LOCKS
from storage.reader import failure_of, metrics_of
from storage.records import FailureKind
from storage.session import Session


class Verdict(Enum):
    """What the database said to a result."""

    ACCEPTED = "accepted"
    REFUSED = "refused"  # the trial had been taken from this attempt


@dataclass(frozen=True)
class Claim:
    """A trial that this session now runs, alone."""

    trial_id: int
    number: int
    attempt: int
    hash: str
    config: Mapping[str, Any]
    seed: int
    role: Mapping[str, Any]
    outcomes: tuple[str, ...]
    """How its earlier attempts ended, first to last."""
    study: str
    """The study's key."""
    code: Mapping[str, Any]
    """Versions of the worker that runs it."""
    backend: int
    """The server process that answered: another than the session's own means a transaction-pooling proxy."""


@dataclass(frozen=True)
class NextPoint:
    """A point that waits: what its trial will be given."""

    number: int
    config: Mapping[str, Any]
    alone: bool
    """Whether it ran out of memory, and needs a device that nobody else is on."""


@dataclass(frozen=True)
class End:
    """How an attempt ended, as the ledger keeps it."""

    outcome: str
    message: str = ""
    tail: str = ""


@dataclass(frozen=True)
class NewPoint:
    """A point to plan. `params` are (name, internal value, distribution as Optuna's JSON)."""

    hash: str
    config: Mapping[str, Any]
    seed: int
    role: Mapping[str, Any]
    params: Sequence[tuple[str, float, str]]
    refusal: str | None = None
    failure: FailureKind | None = None
    """What kind a refusal is."""


@dataclass(frozen=True)
class Known:
    """A point that is in the study, finished or not."""

    trial_id: int
    number: int
    state: str
    reason: str | None
    failure: FailureKind | None
    metrics: Mapping[str, float]
    outcome: str | None
    """How the attempt that ended it ended; None if none did."""


@dataclass(frozen=True)
class Renewed:
    """A failed trial, by its id and number, and the number of the one that tries its point again."""

    trial_id: int
    old: int
    new: int


@dataclass(frozen=True)
class Adopted:
    """What became of an enqueued trial; with a reason it failed at once."""

    reason: str | None


@dataclass(frozen=True)
class OpenPoints:
    """How many points wait or run; `current` counts those that the next decision waits for."""

    waiting: int
    running: int
    current: int


AHEAD = -2
"""The round of points that were planned ahead of the decision that may want them; -1 is that of enqueued ones."""


class Ledger:
    """Verbs on one study's points over one session."""

    def __init__(self, session: Session, study_id: int) -> None:
        self.session = session
        self.study_id = study_id

    # Running trials

    def next_points(self, most: int) -> list[NextPoint]:
        """The first points that could be claimed now, at most so many, in the order of claims. Takes nothing."""
        rows = self.session.run("next_points", {"study_id": self.study_id, "most": most})
        return [NextPoint(row.number, row.config, row.alone) for row in rows]

    def claim_trial(self, worker_id: int, slot: str, alone: bool = True, number: int | None = None) -> Claim | None:
        """Take the first WAITING point, with its lock; None when there is none to take.

        With a `number`: that trial or none. `alone` says that nothing else runs on the slot's device: only then a
        point that ran out of memory is taken.
        """
        values = {"study_id": self.study_id, "space": TRIAL_LOCKS, "worker_id": worker_id, "slot": slot}
        row = self.session.one("claim_trial", {**values, "alone": alone, "number": number})
        if row is None:
            return None
        return Claim(
            row.trial_id,
            row.number,
            row.attempt,
            row.hash,
            row.config,
            row.seed,
            row.role,
            tuple(row.outcomes),
            row.study,
            row.code,
            row.backend,
        )

    def report_steps(self, claim: Claim, reports: Iterable[tuple[int, Mapping[str, float], float | None]]) -> bool:
        """Write what a trial said: (step, metrics, the one that Optuna shows). False: no longer this attempt's."""
        rows = [
            {
                "step": step,
                "names": list(metrics),
                "figures": [_number(value) for value in metrics.values()],
                "shown": None if shown is None else _number(shown),
            }
            for step, metrics, shown in reports
        ]
        values = {"trial_id": claim.trial_id, "attempt": claim.attempt, "reports": json.dumps(rows)}
        return bool(self.session.run("report_steps", values))

    def finish_trial(
        self, claim: Claim, state: str, end: End, score: float | None, metrics: Mapping[str, float], reason: str | None
    ) -> Verdict:
        """End a trial in `state` (COMPLETE, PRUNED or FAIL): accepted once, from the attempt that holds it.

        May be called again after a lost session: an end that had taken effect is found, not repeated.
        """
        reason = None if reason is None else _text(reason)
        facts = ResultFacts(
            claim.study,
            claim.number,
            claim.attempt,
            claim.hash,
            claim.config,
            claim.seed,
            state,
            end.outcome,
            reason,
            metrics,
            claim.code,
        )
        values = {
            **self._fence(claim, end),
            "state": state,
            "score": score,
            "names": list(metrics),
            "figures": list(metrics.values()),
            "reason": reason,
            "digest": facts.digest,
        }
        if self.session.run("finish_trial", values):
            return Verdict.ACCEPTED
        row = self.session.one("mark_refused", {"trial_id": claim.trial_id, "attempt": claim.attempt})
        return Verdict.ACCEPTED if row is not None and row.accepted else Verdict.REFUSED

    def release_trial(self, claim: Claim, end: End) -> bool:
        """Back to WAITING for a further attempt. False: it was no longer ours."""
        return bool(self.session.run("release_trial", self._fence(claim, end)))

    def recover_orphans(self) -> list[int]:
        """Trials that nobody runs any more go back to WAITING: their numbers.

        A trial is locked first and looked at again in a later statement: between the two it can neither be
        claimed nor have a living worker, whatever happened before.
        """
        values = {"study_id": self.study_id, "space": TRIAL_LOCKS}
        with self.session.transaction():
            orphans = [row.trial_id for row in self.session.run("lock_orphans", values)]
            if not orphans:
                return []
            return [row.number for row in self.session.run("recover_orphans", {"trial_ids": orphans})]

    def _fence(self, claim: Claim, end: End) -> dict[str, Any]:
        return {
            "trial_id": claim.trial_id,
            "attempt": claim.attempt,
            "space": TRIAL_LOCKS,
            "outcome": end.outcome,
            "message": _text(end.message),
            "tail": _text(end.tail),
        }

    # Planning

    @contextmanager
    def planning(self) -> Iterator[None]:
        """A transaction that holds Optuna's own lock on the study: one planner at a time, all of it or nothing."""
        with self.session.transaction():
            self.session.run("lock_study", {"study_id": self.study_id})
            yield

    def last_decision(self) -> tuple[int, Mapping[str, Any]] | None:
        """Number and state of the last decision; None before the first."""
        row = self.session.one("last_decision", {"study_id": self.study_id})
        return None if row is None else (row.number, row.state)

    def results(self, hashes: Sequence[str]) -> dict[str, Known]:
        """What is known of these points, by hash; a hash that is missing was never planned."""
        rows = self.session.run("read_results", {"study_id": self.study_id, "hashes": list(hashes)})
        return {
            row.hash: Known(
                row.trial_id,
                row.number,
                row.state,
                row.reason,
                failure_of(row.failure),
                metrics_of(row.metrics),
                row.outcome,
            )
            for row in rows
        }

    def plan_points(self, points: Sequence[NewPoint], round_number: int) -> int:
        """Write points as WAITING trials with their parameters set, in this order; how many were new."""
        rows = [
            {
                "hash": point.hash,
                "config": point.config,
                "seed": point.seed,
                "role": point.role,
                "refusal": point.refusal,
                "digest": point_digest(point.hash, point.role, point.params),
                "params": [
                    {"name": name, "internal": _number(value), "distribution": distribution}
                    for name, value, distribution in point.params
                ],
            }
            for point in points
        ]
        values = {"study_id": self.study_id, "round": round_number, "points": json.dumps(rows)}
        return int(self.session.one("insert_points", values).planned)

    def record_decision(
        self,
        number: int,
        kind: str,
        record: Mapping[str, Any],
        state: Mapping[str, Any],
        trials: Sequence[int],
        code: str,
    ) -> None:
        """Keep a decision with what it was made from, once the points of its round are planned."""
        of = {"study_id": self.study_id, "number": number, "trials": list(trials)}
        given = self.session.one("decision_inputs", of)
        facts = DecisionFacts(
            given.key,
            given.before,
            given.origin,
            number,
            kind,
            record,
            state,
            [UsedTrial(*each) for each in given.used or ()],
            given.plan,
            given.definition,
            code,
        )
        self.session.run(
            "insert_decision",
            {
                **of,
                "kind": kind,
                "record": json.dumps(record, allow_nan=False),
                "state": json.dumps(state, allow_nan=False),
                "definition": given.definition,
                "code": code,
                "origin": given.origin,
                "digest": facts.digest,
            },
        )

    def waiting_points(self) -> list[str]:
        """Hashes of the points that wait."""
        return [row.hash for row in self.session.run("waiting_points", {"study_id": self.study_id})]

    def withdraw_points(self, hashes: Sequence[str], reason: str) -> int:
        """Those of these points that wait become FAIL with that reason; how many."""
        values = {"study_id": self.study_id, "hashes": list(hashes), "reason": reason}
        return int(self.session.one("withdraw_points", values).withdrawn)

    def retry_points(self, numbers: Sequence[int] | None) -> list[Renewed]:
        """Failed points get a new trial each. None: all that failed."""
        values = {"study_id": self.study_id, "numbers": None if numbers is None else list(numbers)}
        return [Renewed(row.trial_id, row.old, row.new) for row in self.session.run("retry_points", values)]

    def settle_guesses(self, wanted: Sequence[str], round_number: int) -> int:
        """Points that were begun ahead: those wanted are of this round now, of the others those that wait are
        withdrawn. How many were."""
        values = {"study_id": self.study_id, "round": round_number, "wanted": list(wanted), "ahead": AHEAD}
        self.session.run("adopt_points", values)
        unwanted = [row.hash for row in self.session.run("read_guesses", values)]
        return self.withdraw_points(unwanted, "withdrawn: begun ahead, and not wanted") if unwanted else 0

    def adopt_trial(self, trial_id: int, point: NewPoint) -> Adopted | None:
        """Make an enqueued trial a point. None: somebody else has, or it is gone. The caller plans."""
        rows = [{"name": name, "internal": value, "distribution": text} for name, value, text in point.params]
        values = {
            "trial_id": trial_id,
            "hash": point.hash,
            "config": json.dumps(point.config),
            "seed": point.seed,
            "role": json.dumps(point.role),
            "refusal": point.refusal,
            "failure": None if point.failure is None else point.failure.value,
            "digest": point_digest(point.hash, point.role, ()),  # its parameters are the other program's
            "params": json.dumps(rows),
        }
        row = self.session.one("adopt_trial", values)
        return None if row is None else Adopted(row.reason)

    def open_points(self) -> OpenPoints:
        """What waits and what runs, as of now."""
        row = self.session.one("open_points", {"study_id": self.study_id})
        return OpenPoints(row.waiting, row.running, row.current)


def _text(text: str) -> str:
    """PostgreSQL's text holds no NUL, and no half of a surrogate pair."""
    return text.replace("\x00", "\\0").encode("utf-8", "replace").decode()


def _number(value: float) -> float | str:
    """A number as JSON that PostgreSQL reads exactly, NaN and infinities too."""
    number = float(value)
    return number if number - number == 0 else str(number)
