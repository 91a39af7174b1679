"""The certificate: the ledger alone shows that each result counts once and that each decision can be reproduced."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from storage.reader import Reader
from storage.records import AttemptRow, LedgerFacts, StudyRow, TrialRow
from storage.session import Session
from studies.audit.replay import replay
from studies.definition.searches import search_without_budget
from studies.history.counts import Counts
from studies.history.trials import withdrawn
from studies.tables.table import Document


@dataclass(frozen=True)
class Certificate:
    """What `audit` prints; the field names are those of `audit --json`."""

    study: str
    holds: bool
    points: Mapping[str, int]
    attempts: int
    extra_attempts: Mapping[str, int]
    """Attempts beyond the one that ended its trial, by how they ended."""
    duplicates: int
    holes: int
    refused: int
    decisions: Mapping[str, int]
    code: Sequence[str]
    libraries: Sequence[str]
    device_hours: Mapping[str, float]
    violations: Sequence[str]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def document(self) -> Document:
        """The certificate as lines, then what is wrong; the last line is the verdict."""
        points, retried = self.points, sum(self.extra_attempts.values())
        why = f": {_counts(self.extra_attempts)}" if retried else ""
        started = points["accepted"] + points["failed"] + points["running"]
        lines = [
            f"study: {self.study}",
            f"points: {_counts(points)}",
            f"attempts: {self.attempts} for {started} trials ({retried} retried{why})",
            f"results counted twice: {self.duplicates}",
            f"results rejected from workers that had lost their trial: {self.refused}",
            f"trials missing: {self.holes}",
            f"decisions reproduced: {self.decisions['rederived']} of {self.decisions['made']}",
            f"code: {', '.join(self.code) or 'none yet'}",
            f"libraries: {', '.join(self.libraries) or 'none yet'}",
            f"device hours: {self.device_hours['used']:.4g} used, {self.device_hours['lost']:.4g} lost",
        ]
        verdict = f"audit failed: {len(self.violations)} violations"
        if self.holds:
            results = f"{points['accepted']} of {points['accepted']} results counted once"
            made = self.decisions["made"]
            verdict = f"audit passed: {results}, {made} of {made} decisions reproduced"
        return Document(notes=[*lines, *self.violations, verdict])


def _counts(named: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in named.items())


def audit(session: Session, study: StudyRow) -> Certificate:
    """Read the ledger in one snapshot and judge it."""
    reader, study_id = Reader(session), study.study_id
    with session.snapshot():
        points, attempts = reader.trials(study_id), reader.attempts(study_id)
        decisions, workers = reader.decisions(study_id), reader.workers(study_id)
        facts, scores = reader.facts(study_id), reader.scores(study_id)
    derived = replay(search_without_budget(study), decisions, points)
    accepted = Counter(row.trial_id for row in attempts if row.accepted)
    duplicates = _duplicates(points, accepted)
    corrected = max((row.number for row in decisions if "corrected" in row.record), default=-1)
    holes = _holes(points, accepted, facts, corrected)
    counts = Counts.of_trials(points)
    wrong = [f"decision {each.number}: {each.problem}" for each in derived if each.problem]
    violations = [*duplicates, *holes, *wrong, *_score_problems(points, scores, study)]
    return Certificate(
        study=study.name,
        holds=not violations,
        points={
            "planned": len(points),
            "accepted": counts.complete + counts.pruned,
            "failed": counts.failed,
            "withdrawn": counts.withdrawn,
            "waiting": counts.waiting,
            "running": counts.running,
        },
        attempts=len(attempts),
        extra_attempts=dict(Counter(row.outcome for row in attempts if row.outcome and not row.accepted)),
        duplicates=len(duplicates),
        holes=len(holes),
        refused=sum(row.refused for row in attempts),
        decisions={"made": len(derived), "rederived": len(derived) - len(wrong)},
        code=sorted({row.code for row in decisions} | {row.versions["studyhall"] for row in workers}),
        libraries=sorted(
            {f"{name} {version}" for row in workers for name, version in row.versions.items() if name != "studyhall"}
        ),
        device_hours={
            "used": _hours(row for row in attempts if row.accepted),
            "lost": _hours(row for row in attempts if not row.accepted),
        },
        violations=violations,
    )


def _hours(attempts: Iterable[AttemptRow]) -> float:
    return round(sum(row.seconds or 0.0 for row in attempts) / 3600, 6)


def _duplicates(points: Sequence[TrialRow], accepted: Counter[int]) -> list[str]:
    """Points that took effect twice: two accepted ends of one trial, or two trials of one point that completed."""
    ended = Counter(row.hash for row in points if row.state == "COMPLETE")
    twice = [
        f"trial {row.number}: {accepted[row.trial_id]} results accepted" for row in points if accepted[row.trial_id] > 1
    ]
    return twice + [f"point {hash_[:12]}: completed by {count} trials" for hash_, count in ended.items() if count > 1]


def _holes(points: Sequence[TrialRow], accepted: Counter[int], facts: LedgerFacts, corrected: int) -> list[str]:
    """Trials that are neither accepted nor accounted for. A trial planned before the decision `corrected` had another
    objective: if it failed, no other trial has to stand in its place."""
    holes = [f"trial number {number} is missing" for number in facts.missing]
    standing = {row.hash for row in points if not row.retired}
    fell = _withdrawn_retries(points)
    for row in points:
        if row.state in ("COMPLETE", "PRUNED") and accepted[row.trial_id] == 0:
            holes.append(f"trial {row.number}: {row.state} without an accepted attempt")
        elif row.state == "FAIL" and accepted[row.trial_id] == 0 and not row.reason:
            holes.append(f"trial {row.number}: FAIL without an attempt or a reason")
        elif row.retired and not withdrawn(row) and row.round > corrected and row.hash not in standing | fell:
            holes.append(f"trial {row.number}: retired without a trial in its place")
    return holes


def _withdrawn_retries(points: Sequence[TrialRow]) -> set[str]:
    """Hashes of points whose last retry was withdrawn."""
    retries = {row.retry_of for row in points if row.retry_of is not None}
    return {row.hash for row in points if row.retry_of is not None and row.trial_id not in retries and withdrawn(row)}


def _score_problems(points: Sequence[TrialRow], shown: Mapping[int, float], study: StudyRow) -> list[str]:
    """Trials whose value in Optuna is not the accepted score."""
    score = study.definition["score"]["metric"]
    return [
        f"trial {row.number}: Optuna's value is {shown.get(row.trial_id)}, the accepted {score} is "
        f"{row.metrics.get(score)}"
        for row in points
        if row.state == "COMPLETE" and shown.get(row.trial_id) != row.metrics.get(score)
    ]
