"""Each trial against its point and its attempts: what was planned, what was accepted, and how it stands now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from samplers.searches.plan import Point
from storage.digests import accepted_digest, planned_digest
from storage.records import AttemptRow, FailureKind, Json, TrialRow
from studies.audit.evidence import Evidence
from studies.history.trials import taken

STATES = {"completed": "COMPLETE", "pruned": "PRUNED"}
"""The state that an accepted attempt leads to, by its outcome; every other outcome leads to FAIL."""
OVER = ("COMPLETE", "PRUNED", "FAIL")


def state_problems(evidence: Evidence) -> list[str]:
    """A line for each trial that is not as its point and its attempts say."""
    versions = {row.worker_id: row.versions for row in evidence.workers}
    by_id = {row.trial_id: row for row in evidence.points}
    found = []
    for row in evidence.points:
        problems = [
            *_point_problems(row, evidence.params.get(row.trial_id, ()), by_id),
            *_attempt_problems(row, evidence.attempts_of.get(row.trial_id, ()), evidence.digests.key, versions),
        ]
        found += [f"trial {row.number}: {problem}" for problem in problems]
    return found


def _point_problems(
    row: TrialRow, params: Sequence[tuple[str, float, str]], by_id: Mapping[int, TrialRow]
) -> Iterator[str]:
    """Whether the point is the one that was planned."""
    if Point(row.config, row.seed).hash != row.hash:
        yield "its configuration and seed do not give its hash"
    elif planned_digest(row, params) != row.digest:
        yield "its point was changed after it was planned: hash, purpose, or the parameters that Optuna shows"
    if row.retry_of is not None:
        failed = by_id.get(row.retry_of)
        if failed is None or failed.hash != row.hash or not failed.retired:
            yield "it stands in for a trial that is not a failed one of its point"
    if taken(row):
        if not row.retired or row.state not in OVER:
            yield f"taken by another Optuna program, but {row.state} and {'' if row.retired else 'not '}set aside"
        return
    if row.set_aside is not None and not row.retired:
        yield f"it was {row.set_aside.value}, and counts"
    if row.retired and row.state != "FAIL" and row.set_aside is None:
        yield f"it was set aside, and is {row.state}"
    if (row.failure is None) != (row.state != "FAIL"):
        yield f"{row.state}, and its kind of failure is {row.failure.value if row.failure else 'missing'}"
    elif row.failure is FailureKind.WITHDRAWN and not row.retired:
        yield "withdrawn, and not set aside"


def _attempt_problems(
    row: TrialRow, attempts: Sequence[AttemptRow], key: str, versions: Mapping[int, Json]
) -> Iterator[str]:
    """Whether the state is the one that its attempts led to. Two accepted attempts are found elsewhere."""
    numbers = [each.attempt for each in attempts]
    if numbers != list(range(1, row.attempt + 1)):
        yield f"it counts {row.attempt} attempts, and has {', '.join(map(str, numbers)) or 'none'}"
    accepted = [each for each in attempts if each.accepted]
    if len(accepted) == 1:
        yield from _result_problems(row, accepted[0], key, versions)
    elif not accepted:
        yield from _open_problems(row, attempts)


def _result_problems(row: TrialRow, attempt: AttemptRow, key: str, versions: Mapping[int, Json]) -> Iterator[str]:
    state = STATES.get(attempt.outcome or "", "FAIL")
    if attempt.attempt != row.attempt:
        yield f"attempt {attempt.attempt} was accepted, and attempt {row.attempt} came after it"
    if row.state != state:
        yield f"{row.state}, but attempt {attempt.attempt} was accepted as {state}"
    elif attempt.digest is None:
        yield f"attempt {attempt.attempt} was accepted without a digest"
    elif accepted_digest(key, row, attempt, versions) != attempt.digest:
        yield (
            f"the result of attempt {attempt.attempt} was changed after it was accepted: "
            "metrics, reason, configuration, seed, or the versions it ran with"
        )
    if row.state == "FAIL" and row.failure is not None and row.failure is not FailureKind.FAILED:
        yield f"{row.failure.value}, but attempt {attempt.attempt} was accepted"


def _open_problems(row: TrialRow, attempts: Sequence[AttemptRow]) -> Iterator[str]:
    """A trial without an accepted attempt: it waits, runs, or failed without running to an end."""
    runs = bool(attempts) and attempts[-1].outcome is None
    if row.metrics:
        yield f"it has metrics, and no attempt was accepted: {', '.join(row.metrics)}"
    if row.state == "RUNNING" and not runs:
        yield "RUNNING without an attempt that runs"
    elif row.state != "RUNNING" and runs:
        yield f"{row.state}, and its attempt {attempts[-1].attempt} has not ended"
    if row.state == "FAIL" and row.reason and row.failure is FailureKind.FAILED:
        yield "FAIL without an accepted attempt"
    if row.state == "FAIL" and row.failure is FailureKind.REFUSED and attempts:
        yield "refused by its objective, and yet it ran"
