"""SHA-256 digests of what a study holds: written with it, computed again by `audit`.

A digest is taken over JSON that keeps the order of keys, with floats by their exact hexadecimal form. It names a study
by its key and a trial by its number, so that it is the same after a rename, a move, a backup and a restore.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from storage.records import AttemptRow, DecisionRow, FailureKind, Json, TrialRow

Params = Iterable[tuple[str, float, str]]
"""A trial's parameters as Optuna keeps them: name, internal value, distribution as JSON."""

SHARE_DIGITS = 15
"""Hexadecimal digits of a point's share in its study's sum: 60 bits, a bigint of PostgreSQL's."""


def digest_of(kind: str, *parts: object) -> str:
    """SHA-256 of JSON values, in hexadecimal; `kind` keeps digests of different things apart."""
    return hashlib.sha256(json.dumps([kind, *parts], separators=(",", ":")).encode()).hexdigest()


def origin_digest(key: str, search: str, origin: Json, fingerprint: Json, code: Json, metrics: Sequence[str]) -> str:
    """Of what a search starts from: its definition with direction and metric, its data, its objective's code."""
    return digest_of("origin", key, search, origin, dict(fingerprint), dict(code), list(metrics))


def point_digest(hash_: str, role: Json, params: Params) -> str:
    """Of a point as it was planned, with the parameters that Optuna shows."""
    shown = sorted([name, _exact(value), distribution] for name, value, distribution in params)
    return digest_of("point", hash_, role, shown)


def share(number: int, digest: str) -> int:
    """What a point adds to its study's sum of points; `queries/` computes the same."""
    return int(hashlib.sha256(f"{number} {digest}".encode()).hexdigest()[:SHARE_DIGITS], 16)


@dataclass(frozen=True)
class ResultFacts:
    """What the digest of an accepted attempt is taken over."""

    study: str
    """The study's key."""
    number: int
    attempt: int
    hash: str
    config: Json
    seed: int
    state: str
    outcome: str | None
    reason: str | None
    metrics: Mapping[str, float]
    code: Json
    """Versions of the worker that ran it."""
    user_code: str | None = None
    """The version of the user's code that it ran; None of a result from before versions were recorded."""

    @property
    def digest(self) -> str:
        code = dict(self.code) if self.user_code is None else {**self.code, "user_code": self.user_code}
        metrics = sorted([name, _exact(value)] for name, value in self.metrics.items())
        point = [self.hash, self.config, self.seed]
        end = [self.state, self.outcome, self.reason, metrics]
        return digest_of("result", self.study, self.number, self.attempt, point, end, code)


@dataclass(frozen=True)
class UsedTrial:
    """A trial that a decision was made from."""

    number: int
    hash: str
    state: str
    reason: str | None
    failure: str | None
    digest: str | None
    """Of its accepted attempt; None of a point that its objective refused."""


@dataclass(frozen=True)
class DecisionFacts:
    """What the digest of a decision is taken over."""

    study: str
    """The study's key."""
    before: str | None
    """Digest of the decision before; None of the first."""
    origin: str
    """Digest of what the search started from, as it was then."""
    number: int
    kind: str
    record: Json
    state: Json
    used: Sequence[UsedTrial]
    plan: Sequence[str]
    """Hashes of the points of its round, in the order of their trials; retries are none of them."""
    definition: str
    code: str

    @property
    def digest(self) -> str:
        used = [[each.number, each.hash, each.state, each.reason, each.failure, each.digest] for each in self.used]
        made = [self.number, self.kind, self.record, self.state, used, list(self.plan)]
        return digest_of("decision", self.study, self.before, self.origin, made, self.definition, self.code)


ENQUEUED = -1
"""The round of points that another program enqueued: their parameters are that program's."""


def planned_digest(row: TrialRow, params: Params) -> str:
    """The digest that a point as it is now should carry."""
    return point_digest(row.hash, row.role, () if row.round == ENQUEUED else params)


def accepted_digest(key: str, row: TrialRow, attempt: AttemptRow, versions: Mapping[int, Json]) -> str:
    """The digest that an accepted attempt as it is now should carry; `versions` of the workers, by id."""
    code = {} if attempt.worker_id is None else versions.get(attempt.worker_id, {})
    end = (row.state, attempt.outcome, row.reason, row.metrics)
    facts = (key, row.number, attempt.attempt, row.hash, row.config, row.seed, *end, code, attempt.code)
    return ResultFacts(*facts).digest


def plans_of(points: Iterable[TrialRow]) -> dict[int, list[str]]:
    """Hashes of the points of each round, in the order of their trials."""
    plans: dict[int, list[str]] = {}
    for row in points:
        if row.retry_of is None:
            plans.setdefault(row.round, []).append(row.hash)
    return plans


def used_trials(points: Iterable[TrialRow], digests: Mapping[int, str | None]) -> dict[int, UsedTrial]:
    """Trials as decisions use them, by id; `digests` of their accepted attempts, by trial_id.

    A trial that another program had taken was used before anybody knew that: it had no reason and no kind then.
    """
    return {
        row.trial_id: UsedTrial(
            row.number,
            row.hash,
            row.state,
            *((None, None) if row.failure is FailureKind.TAKEN else (row.reason, row.failure and row.failure.value)),
            digests.get(row.trial_id),
        )
        for row in points
    }


def made_digest(
    key: str,
    before: str | None,
    origin: str,
    row: DecisionRow,
    trials: Mapping[int, UsedTrial],
    plans: Mapping[int, Sequence[str]],
) -> str:
    """The digest that a decision as it is now should carry."""
    used = [trials[trial_id] for trial_id in row.trials if trial_id in trials]
    made = (row.number, row.kind, row.record, row.state, used, plans.get(row.number, []))
    return DecisionFacts(key, before, origin, *made, row.definition, row.code).digest


def _exact(value: float) -> str:
    """Every bit of a float; `nan` and `inf` have one form each."""
    return float(value).hex()
