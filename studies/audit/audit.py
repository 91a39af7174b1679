"""The certificate: the ledger alone shows that each result counts once and that each decision can be reproduced."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from storage.errors import StudyhallError
from storage.evidence_records import LedgerFacts
from storage.records import AttemptRow, SetAside, StudyRow, TrialRow
from storage.session import Session
from studies.audit.chain import aside_problems, chain_problems, origin_problems, plan_problems
from studies.audit.code import code_lines, code_problems, imported_trials, trials_by_code
from studies.audit.ending import ending_problems
from studies.audit.evidence import Evidence, read_evidence
from studies.audit.optuna_half import optuna_problems
from studies.audit.replay import Rederived, replay
from studies.audit.seal import Seal, seal_of
from studies.audit.states import state_problems
from studies.definition.searches import search_without_budget
from studies.definition.units import duration_text
from studies.history.counts import Counts
from studies.history.trials import taken, withdrawn
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
    unlocked: Sequence[int]
    """Numbers of RUNNING trials whose lock nobody holds: their worker was lost, and the next one takes them up."""
    others: Sequence[int]
    """Numbers of trials that other Optuna programs made or enqueued."""
    taken: Sequence[int]
    """Numbers of planned trials that another Optuna program ended, whose points were planned again."""
    upgraded: int
    """Results whose digests `storage upgrade` computed: what was changed before then, they do not show."""
    user_code: Mapping[str, Sequence[int]]
    """Numbers of the trials whose results ran each version of the user's code; those of which none was recorded stand
    under `not recorded`."""
    seal: str | None
    """Of what the study holds; None where something is wrong."""
    copy_of: str | None = None
    """The seal of the study that it was copied from: its results until then are that study's."""
    imported: Sequence[int] = ()
    """Numbers of the trials whose results were made elsewhere and imported."""
    code_lines: Sequence[str] = ()
    """Which trials ran which version of the objective's code."""
    unchecked: Sequence[str] = ()
    """Why decisions were not derived again, each reason once."""
    seal_problem: str | None = None
    """Why the study is not what a given seal was taken of."""
    seal_matches: bool | None = None
    """None: no seal was given."""

    @property
    def passed(self) -> bool:
        """Whether nothing is off, the given seal included."""
        return self.holds and self.seal_problem is None

    def checked_against(self, seal: Seal) -> Certificate:
        """The certificate, checked against a given seal."""
        problem = f"{len(self.violations)} violations" if self.seal is None else seal.difference(Seal.parse(self.seal))
        return replace(self, seal_problem=problem, seal_matches=problem is None)

    def to_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if name != "code_lines"}

    def document(self) -> Document:
        """The certificate as lines, then what is wrong, the verdict, and the seal or what a given one says."""
        points, retried = self.points, sum(self.extra_attempts.values())
        why = f": {_counts(self.extra_attempts)}" if retried else ""
        started = points["accepted"] + points["failed"] + points["running"] + points.get("set_aside", 0)
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
            f"time on devices: {_time(self.device_hours['used'])} used, {_time(self.device_hours['lost'])} lost",
        ]
        lines += [f"{self.decisions['unchecked']} decisions {each}" for each in self.unchecked[:1]]
        lines += self.code_lines
        if self.upgraded:
            lines.append(f"digests of {self.upgraded} results were computed on upgrade")
        if self.imported:
            count = f"{len(self.imported)} of {points['accepted']} results"
            lines.append(f"imported, not run by this program: {count}, {_trials(self.imported)}")
        if self.copy_of:
            lines.append(f"copied from a study that passed its audit; the seal of that: {self.copy_of}")
        if self.unlocked:
            lines.append(f"running without a worker: {_trials(self.unlocked)}; the next worker runs them again")
        if self.others:
            lines.append(f"trials of other Optuna programs: {_trials(self.others)}")
        if self.taken:
            lines.append(f"ended by another Optuna program, and planned again: {_trials(self.taken)}")
        verdict = f"audit failed: {len(self.violations)} violations"
        if self.holds:
            results = f"{points['accepted']} of {points['accepted']} results counted once"
            reproduced, made = self.decisions["rederived"], self.decisions["made"]
            verdict = f"audit passed: {results}, {reproduced} of {made} decisions reproduced"
        last = [] if self.seal is None else [f"seal: {self.seal}"]
        if self.seal_matches is not None:
            last = ["seal matches" if self.seal_problem is None else f"seal does not match: {self.seal_problem}"]
        return Document(notes=[*lines, *self.violations, verdict, *last])


def _trials(numbers: Sequence[int]) -> str:
    """`trial 3`, `trials 3, 4 and 18 more`."""
    most = 10
    rest = f" and {len(numbers) - most} more" if len(numbers) > most else ""
    return f"trial{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers[:most]))}{rest}"


def _counts(named: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in named.items())


def audit(session: Session, study: StudyRow) -> Certificate:
    """Read the ledger in one snapshot and judge it."""
    return certificate_of(read_evidence(session, study.name))


def certificate_of(evidence: Evidence) -> Certificate:
    """Judge what was read."""
    study, points, attempts = evidence.study, evidence.points, evidence.attempts
    decisions, workers = evidence.decisions, evidence.workers
    derived, unreadable = _derived(evidence)
    wrong = [f"decision {each.number}: {each.problem}" for each in derived if each.problem]
    unchecked = [each.unchecked for each in derived if each.unchecked]
    accepted = Counter(row.trial_id for row in attempts if row.accepted)
    duplicates = _duplicates(points, accepted)
    corrected = max((row.number for row in decisions if "corrected" in row.record), default=-1)
    holes = _holes(points, accepted, evidence.facts, corrected)
    counts = Counts.of_trials(points)
    violations = list(dict.fromkeys([*duplicates, *holes, *wrong, *unreadable, *_changes(evidence)]))
    others = [row.number for row in evidence.others]
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
            **({"set_aside": counts.set_aside} if counts.set_aside else {}),
        },
        attempts=len(attempts),
        extra_attempts=dict(Counter(row.outcome for row in attempts if row.outcome and not row.accepted)),
        duplicates=len(duplicates),
        holes=len(holes),
        refused=sum(row.refused for row in attempts),
        decisions={
            "made": len(decisions),
            "rederived": len(derived) - len(wrong) - len(unchecked),
            **({"unchecked": len(unchecked)} if unchecked else {}),
        },
        unchecked=sorted(set(unchecked)),
        code=sorted({row.code for row in decisions} | {row.versions.get("studyhall", "unknown") for row in workers}),
        libraries=sorted(
            {f"{name} {version}" for row in workers for name, version in row.versions.items() if name != "studyhall"}
        ),
        device_hours={
            "used": _hours(row for row in attempts if row.accepted),
            "lost": _hours(row for row in attempts if not row.accepted),
        },
        violations=violations,
        unlocked=sorted(set(evidence.facts.orphans) - set(others)),
        others=others,
        taken=[row.number for row in points if taken(row)],
        upgraded=evidence.digests.upgraded,
        copy_of=evidence.digests.copy_of,
        imported=imported_trials(evidence),
        user_code=trials_by_code(evidence),
        code_lines=code_lines(evidence),
        seal=None if violations else seal_of(evidence).text,
    )


def _derived(evidence: Evidence) -> tuple[list[Rederived], list[str]]:
    """Every decision made again; and why none can be, where the definition was changed so that it is none any more."""
    try:
        search = search_without_budget(evidence.study)
    except StudyhallError as error:
        return [], [f"origin: it is no definition: {error}"]
    return replay(search, evidence.decisions, evidence.points), []


def _changes(evidence: Evidence) -> list[str]:
    """What was changed since it was written, by whatever it was written."""
    return [
        *state_problems(evidence),
        *plan_problems(evidence),
        *chain_problems(evidence),
        *aside_problems(evidence),
        *origin_problems(evidence),
        *optuna_problems(evidence),
        *ending_problems(evidence),
        *code_problems(evidence),
    ]


def _time(hours: float) -> str:
    return f"{hours:.4g} h" if hours >= 1 or hours == 0 else duration_text(hours * 3600)


def _hours(attempts: Iterable[AttemptRow]) -> float:
    return round(sum(row.seconds or 0.0 for row in attempts) / 3600, 6)


def _duplicates(points: Sequence[TrialRow], accepted: Counter[int]) -> list[str]:
    """Points that took effect twice: two accepted ends of one trial, or two trials of one point that completed."""
    ended = Counter(row.hash for row in points if row.state == "COMPLETE" and not taken(row) and row.set_aside is None)
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
        if row.state in ("COMPLETE", "PRUNED") and accepted[row.trial_id] == 0 and not taken(row):
            holes.append(f"trial {row.number}: {row.state} without an accepted attempt")
        elif row.state == "FAIL" and accepted[row.trial_id] == 0 and not row.reason:
            holes.append(f"trial {row.number}: FAIL without an attempt or a reason")
        elif row.retired and not _may_be_gone(row) and row.round > corrected and row.hash not in standing | fell:
            holes.append(f"trial {row.number}: retired without a trial in its place")
    return holes


def _may_be_gone(row: TrialRow) -> bool:
    """Whether no other trial has to stand in its place."""
    return withdrawn(row) or row.set_aside is SetAside.DROPPED


def _withdrawn_retries(points: Sequence[TrialRow]) -> set[str]:
    """Hashes of points whose last retry was withdrawn."""
    retries = {row.retry_of for row in points if row.retry_of is not None}
    return {row.hash for row in points if row.retry_of is not None and row.trial_id not in retries and withdrawn(row)}
