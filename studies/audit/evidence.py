"""Everything that the certificate judges, read in one snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from storage.evidence_records import LedgerFacts, StudyDigests, TrialDigest
from storage.other_programs import MisshownMetric, OtherTrial
from storage.reader import Reader
from storage.records import (
    AttemptRow,
    DecisionRow,
    Json,
    StudyRow,
    TrialRow,
    WorkerRow,
)
from storage.session import Session


@dataclass(frozen=True)
class Evidence:
    """A study's rows at one moment."""

    study: StudyRow
    digests: StudyDigests
    points: Sequence[TrialRow]
    attempts: Sequence[AttemptRow]
    decisions: Sequence[DecisionRow]
    workers: Sequence[WorkerRow]
    facts: LedgerFacts
    scores: Mapping[int, Sequence[float]]
    """The values that Optuna shows, a score each, by trial_id."""
    params: Mapping[int, Sequence[tuple[str, float, str]]]
    """The parameters that Optuna shows, by trial_id: name, internal value, distribution."""
    misshown: Sequence[MisshownMetric]
    """Metrics that Optuna's user attributes show otherwise than they were accepted."""
    others: Sequence[OtherTrial]
    shown: Sequence[TrialDigest]
    """Of each finished trial a digest of what Optuna shows of it."""
    codes: Mapping[str, Json]
    """What each version of the user's code is taken over."""

    @cached_property
    def attempts_of(self) -> Mapping[int, Sequence[AttemptRow]]:
        """Attempts by trial_id, first to last."""
        found: dict[int, list[AttemptRow]] = {}
        for row in sorted(self.attempts, key=lambda row: row.attempt):
            found.setdefault(row.trial_id, []).append(row)
        return found

    @cached_property
    def accepted(self) -> Mapping[int, AttemptRow]:
        """The accepted attempt of each trial that has one, by trial_id."""
        return {trial_id: row for trial_id, rows in self.attempts_of.items() for row in rows if row.accepted}


def read_evidence(session: Session, name: str) -> Evidence:
    """Read a study as it is at this moment: its row too, since a worker may have gone on."""
    with session.snapshot():
        return evidence_held(session, name)


def evidence_held(session: Session, name: str) -> Evidence:
    """The same inside a transaction that holds the study."""
    reader = Reader(session)
    study = reader.study(name)
    study_id = study.study_id
    return Evidence(
        study=study,
        digests=reader.digests(study_id),
        points=reader.trials(study_id),
        attempts=reader.attempts(study_id),
        decisions=reader.decisions(study_id),
        workers=reader.workers(study_id),
        facts=reader.facts(study_id),
        scores=reader.scores(study_id),
        params=reader.params(study_id),
        misshown=reader.misshown_metrics(study_id),
        others=reader.other_trials(study_id),
        shown=reader.trial_digests(study_id),
        codes={row.version: row.details for row in reader.codes(study_id)},
    )
