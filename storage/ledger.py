"""The engine's writes: plan, claim, report, finish, give back, recover. Each is one statement or one transaction, so a
process may be killed between any two of them.

A trial's states, and what moves a trial from one to the next:

    (planned) ──► WAITING ──claim──► RUNNING ──finish──► COMPLETE | PRUNED | FAIL      final
                     ▲                  │
                     └── release (by its worker), recover (by any, once its lock is free): the next claim is attempt + 1
    WAITING ──withdraw──► FAIL ("withdrawn: …")

A finished trial stays as it is. It is retired once it was retried, or set aside by `redo` or `drop`.
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
from storage.reader import fields_of
from storage.records import FailureKind, SetAside
from storage.session import Session


class Verdict(Enum):
    """Whether the database accepted a result."""

    ACCEPTED = "accepted"
    REFUSED = "refused"  # another attempt holds the trial


@dataclass(frozen=True)
class Claim:
    """A trial that this session alone runs now."""

    trial_id: int
    number: int
    attempt: int
    hash: str
    config: Mapping[str, Any]
    seed: int
    role: Mapping[str, Any]
    outcomes: Sequence[str]
    """How the earlier attempts ended, in their order."""
    study: str
    """The study's key."""
    code: Mapping[str, Any]
    """Versions of the worker that runs it."""
    user_code: str | None
    """The version of the user's code that it runs; None: not known."""
    backend: int
    """The server process that answered. One that is not the session's reveals a proxy that pools by transaction."""


@dataclass(frozen=True)
class NextPoint:
    """A point that waits, with its trial's configuration."""

    number: int
    config: Mapping[str, Any]
    alone: bool
    """Whether it ran out of memory, and needs a device to itself."""


@dataclass(frozen=True)
class End:
    """How an attempt ended, as it is stored."""

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
    """The kind of the refusal."""


@dataclass(frozen=True)
class Known:
    """A point that is in the study, finished or not."""

    hash: str
    trial_id: int
    number: int
    state: str
    reason: str | None
    failure: FailureKind | None
    metrics: Mapping[str, float]
    outcome: str | None
    """How the attempt that ended it ended; None if none did."""
    set_aside: SetAside | None = None
    """`DROPPED`, or None."""
    last_report: tuple[int, float] | None = None
    """As a trial's row has it."""


@dataclass(frozen=True)
class Renewed:
    """A failed trial, by id and number, and the number of the trial that retries its point."""

    trial_id: int
    old: int
    new: int


@dataclass(frozen=True)
class Adopted:
    """An enqueued trial that is a point now; with a reason if it failed at once."""

    reason: str | None


@dataclass(frozen=True)
class OpenPoints:
    """How many points wait and run, and how many of both the next decision waits for."""

    waiting: int
    running: int
    current: int


AHEAD = -2
"""The round of speculative points, planned before the decision that may want them; enqueued points have -1."""


class Ledger:
    """Writes to one study's points over one session."""

    def __init__(self, session: Session, study_id: int) -> None:
        self.session = session
        self.study_id = study_id

    # Running trials

    def next_points(self, most: int, numbers: Sequence[int] | None = None) -> list[NextPoint]:
        """At most `most` points that could be claimed now, in the order of claims; claims nothing. With `numbers`: of
        these trials."""
        values = {"study_id": self.study_id, "most": most, "numbers": None if numbers is None else list(numbers)}
        rows = self.session.run("next_points", values)
        return [NextPoint(**row._asdict()) for row in rows]

    def claim_trial(
        self, worker_id: int, slot: str, alone: bool = True, number: int | None = None, code: str | None = None
    ) -> Claim | None:
        """Claim the first WAITING point, with its lock; None if no point can be claimed.

        With a `number`, claim that trial or none. Without `alone`, other trials use the slot's device, and a point that
        ran out of memory is not claimed. `code` is the version of the user's code that will run.
        """
        values = {"study_id": self.study_id, "space": TRIAL_LOCKS, "worker_id": worker_id, "slot": slot}
        row = self.session.one("claim_trial", {**values, "alone": alone, "number": number, "user_code": code})
        return None if row is None else Claim(**row._asdict())

    def report_steps(self, claim: Claim, reports: Iterable[tuple[int, Mapping[str, float], float | None]]) -> bool:
        """Write reports: (step, metrics, the value that Optuna shows). False: the trial is no longer this attempt's."""
        rows = [
            {
                "step": step,
                "names": list(metrics),
                "figures": [_json_number(value) for value in metrics.values()],
                "shown": None if shown is None else _json_number(shown),
            }
            for step, metrics, shown in reports
        ]
        values = {"trial_id": claim.trial_id, "attempt": claim.attempt, "reports": json.dumps(rows)}
        return bool(self.session.run("report_steps", values))

    def keep_rung(self, trial_id: int, name: str, value: float) -> None:
        """Keep what Optuna's successive halving wants to remember of a running trial."""
        self.session.run("keep_rung", {"trial_id": trial_id, "key": name, "value": json.dumps(value)})

    def finish_trial(
        self,
        claim: Claim,
        state: str,
        end: End,
        scores: Sequence[float],
        metrics: Mapping[str, float],
        reason: str | None,
    ) -> Verdict:
        """End a trial in `state` (COMPLETE, PRUNED or FAIL): one end is accepted, the holding attempt's. `scores` are
        the values that Optuna shows; none but of a COMPLETE trial.

        May be called again after a lost session: an end that was accepted before is found, not repeated.
        """
        reason = None if reason is None else _storable_text(reason)
        point = (claim.number, claim.attempt, claim.hash, claim.config, claim.seed)
        facts = ResultFacts(claim.study, *point, state, end.outcome, reason, metrics, claim.code, claim.user_code)
        values = {
            **self._fence(claim, end),
            "state": state,
            "scores": list(scores),
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
        """Give a trial back to WAITING for a further attempt. False: it was no longer this attempt's."""
        return bool(self.session.run("release_trial", self._fence(claim, end)))

    def recover_orphans(self) -> list[int]:
        """Turn trials whose worker is gone back to WAITING; returns their numbers.

        The first statement locks a trial, the second one reads it again: from then on it can neither be claimed nor
        have a living worker.
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
            "message": _storable_text(end.message),
            "tail": _storable_text(end.tail),
        }

    # Planning

    @contextmanager
    def planning(self) -> Iterator[None]:
        """A transaction that holds Optuna's own lock on the study, so that one process plans at a time."""
        with self.session.transaction():
            self.session.run("lock_study", {"study_id": self.study_id})
            yield

    def last_decision(self) -> tuple[int, Mapping[str, Any]] | None:
        """The number of the last decision and the search's state after it; None before the first."""
        row = self.session.one("last_decision", {"study_id": self.study_id})
        return None if row is None else (row.number, row.state)

    def results(self, hashes: Sequence[str]) -> dict[str, Known]:
        """The points with these hashes that are in the study, by hash."""
        rows = self.session.run("read_results", {"study_id": self.study_id, "hashes": list(hashes)})
        return {row.hash: Known(**fields_of(row)) for row in rows}

    def plan_points(self, points: Sequence[NewPoint], round_number: int) -> int:
        """Write points as WAITING trials with their parameters, in this order; returns how many were new."""
        rows = [
            {
                "hash": point.hash,
                "config": point.config,
                "seed": point.seed,
                "role": point.role,
                "refusal": point.refusal,
                "digest": point_digest(point.hash, point.role, point.params),
                "params": [
                    {"name": name, "internal": _json_number(value), "distribution": distribution}
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
        """Store a decision with the trials that it was made from, once the points of its round are planned."""
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
        """Turn those of the points that wait to FAIL with the reason; returns how many."""
        values = {"study_id": self.study_id, "hashes": list(hashes), "reason": reason}
        return int(self.session.one("withdraw_points", values).withdrawn)

    def retry_points(self, numbers: Sequence[int] | None) -> list[Renewed]:
        """Give each failed point a new trial: those with these numbers, or all."""
        return self._renew(None if numbers is None else list(numbers), None)

    def redo_points(self, numbers: Sequence[int]) -> list[Renewed]:
        """Set the finished trials with these numbers aside, and give each point a new trial."""
        return self._renew(list(numbers), SetAside.REDONE.value)

    def drop_points(self, numbers: Sequence[int]) -> list[int]:
        """Set the finished trials with these numbers aside; returns those that were."""
        rows = self.session.run("drop_points", {"study_id": self.study_id, "numbers": list(numbers)})
        return sorted(row.number for row in rows)

    def _renew(self, numbers: list[int] | None, set_aside: str | None) -> list[Renewed]:
        values = {"study_id": self.study_id, "numbers": numbers, "set_aside": set_aside}
        return [Renewed(row.trial_id, row.old, row.new) for row in self.session.run("retry_points", values)]

    def renew_taken(self) -> list[Renewed]:
        """Give each point whose trial another Optuna program ended a new trial, inside `planning()`."""
        taken = [row.number for row in self.session.run("set_aside_taken", {"study_id": self.study_id})]
        return self.retry_points(taken) if taken else []

    def settle_guesses(self, wanted: Sequence[str], round_number: int) -> int:
        """Settle speculative points: wanted ones join this round, unwanted ones that wait are withdrawn. Returns how
        many were withdrawn."""
        values = {"study_id": self.study_id, "round": round_number, "wanted": list(wanted), "ahead": AHEAD}
        self.session.run("adopt_points", values)
        unwanted = [row.hash for row in self.session.run("read_guesses", values)]
        return self.withdraw_points(unwanted, "withdrawn: begun ahead, and not needed") if unwanted else 0

    def adopt_trial(self, trial_id: int, point: NewPoint) -> Adopted | None:
        """Make an enqueued trial a point, inside `planning()`. None: it no longer waits, or is a point already."""
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
        """Count the points that wait and run."""
        row = self.session.one("open_points", {"study_id": self.study_id})
        return OpenPoints(**row._asdict())


def _storable_text(text: str) -> str:
    """The text without NUL and half surrogate pairs, which PostgreSQL cannot store."""
    return text.replace("\x00", "\\0").encode("utf-8", "replace").decode()


def _json_number(value: float) -> float | str:
    """A number in JSON that PostgreSQL reads exactly; NaN and infinities as texts."""
    number = float(value)
    return number if number - number == 0 else str(number)
