"""Digests of everything that a study holds, as of now: for `storage upgrade` from version 2 of our tables, and for a
copy, which has a key of its own."""

from __future__ import annotations

from storage.digests import accepted_digest, made_digest, origin_digest, planned_digest, plans_of, share, used_trials
from storage.evidence_records import StudyDigests
from storage.reader import Reader
from storage.records import StudyRow
from storage.session import Session


def add_digests(session: Session) -> None:
    """Compute every digest, in the caller's transaction. What was changed before then, they cannot show."""
    reader = Reader(session)
    for counted in reader.studies():
        study = reader.find_study(counted.name)
        assert study is not None, "one transaction"
        compute_digests(session, study)
    session.run("require_digests")


def compute_digests(session: Session, study: StudyRow, copied: StudyDigests | None = None) -> None:
    """Compute every digest of one study, in the caller's transaction; of a copy, `copied` are the original's own.

    Decisions from before a correction keep the digest of what the search started from then: it is no longer there.
    """
    reader, study_id = Reader(session), study.study_id
    key = reader.digests(study_id).key
    points, params = reader.trials(study_id), reader.params(study_id)
    versions = {row.worker_id: row.versions for row in reader.workers(study_id)}
    accepted = {row.trial_id: row for row in reader.attempts(study_id) if row.accepted}
    planned = {row.trial_id: planned_digest(row, params.get(row.trial_id, ())) for row in points}
    results = {
        row.trial_id: accepted_digest(key, row, accepted[row.trial_id], versions)
        for row in points
        if row.trial_id in accepted
    }
    digests = {
        "trials": list(planned),
        "digests": list(planned.values()),
        "accepted": list(results),
        "results": list(results.values()),
    }
    session.run("set_point_digests", digests)
    origin = origin_digest(key, study.search, study.origin, study.fingerprint, study.code, study.metrics)
    trials, plans, head = used_trials(points, results), plans_of(points), None
    for row in reader.decisions(study_id):
        then = origin if copied is None or row.origin == copied.digest else row.origin
        head = made_digest(key, head, then, row, trials, plans)
        made = {"study_id": study_id, "number": row.number, "origin": then, "digest": head}
        session.run("set_decision_digest", made)
    whole = {
        "study_id": study_id,
        "digest": origin,
        "head": head,
        "planned": len(points),
        "plan": str(sum(share(row.number, planned[row.trial_id]) for row in points)),
        "upgraded": len(results) if copied is None else copied.upgraded,
    }
    session.run("set_study_digests", whole)
