"""The chain of decisions: each carries a digest over what it was made from, its plan, and the decision before it."""

from __future__ import annotations

import hashlib
import json

from storage.digests import made_digest, origin_digest, plans_of, share, used_trials
from studies.audit.evidence import Evidence
from studies.history.decisions import set_aside_by


def chain_problems(evidence: Evidence) -> list[str]:
    """A line for each decision that was changed since it was made, and for decisions that are missing."""
    digests = evidence.digests
    accepted = {trial_id: row.digest for trial_id, row in evidence.accepted.items()}
    trials, plans = used_trials(evidence.points, accepted), plans_of(evidence.points)
    before, found = None, []
    for row in evidence.decisions:
        if made_digest(digests.key, before, row.origin, row, trials, plans) != row.digest:
            found.append(
                f"decision {row.number}: it was changed after it was made: its record, its state, its plan, "
                "the results it was made from, or the decision before it"
            )
        before = row.digest
    if digests.head != before:
        last = f"after decision {evidence.decisions[-1].number}" if evidence.decisions else "all of them"
        found.append(f"decisions: the last one made is missing ({last})")
    return found


def plan_problems(evidence: Evidence) -> list[str]:
    """Whether the points are those that were planned, none more and none less."""
    planned, there = evidence.digests.planned, len(evidence.points)
    if there != planned:
        return [f"points: {planned} were planned, {there} exist"]
    if sum(share(row.number, row.digest) for row in evidence.points) != evidence.digests.plan:
        return ["points: the stored ones are not the planned ones"]
    return []


def aside_problems(evidence: Evidence) -> list[str]:
    """Whether the results that were set aside are those of which a decision says so."""
    said, found = set_aside_by(evidence.decisions), []
    for row in evidence.points:
        if row.set_aside is not said.get(row.number):
            is_, was = (each.value if each else "not set aside" for each in (row.set_aside, said.get(row.number)))
            found.append(f"trial {row.number}: it is {is_}, but by the decisions {was}")
    return found


def origin_problems(evidence: Evidence) -> list[str]:
    """Whether the study asks what it asked when it was made, or was corrected to ask."""
    study, digests = evidence.study, evidence.digests
    found = []
    now = origin_digest(digests.key, study.search, study.origin, study.fingerprint, study.code, study.metrics)
    if now != digests.digest:
        found.append("origin: what the study started from was changed: its definition, data, code or metrics")
    corrected = max((row.number for row in evidence.decisions if "corrected" in row.record), default=-1)
    since = [row.number for row in evidence.decisions if row.number >= corrected and row.origin != digests.digest]
    if since:
        found.append(f"origin: decision {since[0]} was made from another one")
    definition = hashlib.sha256(json.dumps(study.definition).encode()).hexdigest()
    if not study.definitions or definition != study.definitions[-1]:
        found.append("definition: the one in force was changed")
    return found
