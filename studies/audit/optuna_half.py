"""What Optuna's tables say of a study against what ours say."""

from __future__ import annotations

import json
from itertools import zip_longest

from storage.other_programs import OtherTrial
from storage.shown import shown_name, shown_value
from studies.audit.evidence import Evidence
from studies.history.trials import taken


def optuna_problems(evidence: Evidence) -> list[str]:
    """A line for each direction, name, value or trial that is not ours."""
    return [*_study_problems(evidence), *_value_problems(evidence), *_trial_problems(evidence)]


def _study_problems(evidence: Evidence) -> list[str]:
    study, found = evidence.study, []
    directions = [each.lower() for each in evidence.digests.directions]
    wanted = [each.direction for each in study.scores]
    if directions != wanted:
        theirs, ours = (" and ".join(each) or "missing" for each in (directions, wanted))
        found.append(f"study: Optuna's direction is {theirs}, ours {ours}")
    names = evidence.digests.metric_names
    metrics = json.dumps([shown_name(study.search, each.metric) for each in study.scores])
    if names != metrics:
        found.append(f"study: Optuna's metric names are {names or 'missing'}, ours {metrics}")
    return found


def _value_problems(evidence: Evidence) -> list[str]:
    """What Optuna shows has to be what was accepted."""
    study, names, found = evidence.study, [each.metric for each in evidence.study.scores], []
    for each in evidence.misshown:
        found.append(
            f"trial {each.number}: Optuna's user attribute {each.name} is {each.shown}, accepted was {each.accepted}"
        )
    for row in evidence.points:
        values = evidence.scores.get(row.trial_id, [])
        if taken(row):
            continue
        if row.state != "COMPLETE":
            found += [f"trial {row.number}: {row.state}, and Optuna's value is {value}" for value in values]
            continue
        for name, value in zip_longest(names, values):
            accepted = row.metrics.get(name)
            if accepted is None or value != shown_value(study.search, study.origin, accepted):
                found.append(f"trial {row.number}: Optuna's value is {value}, the accepted {name} is {accepted}")
    return found


def _trial_problems(evidence: Evidence) -> list[str]:
    return [
        f"trial {row.number}: {row.state}, no search planned it, and it is not as Optuna makes or enqueues trials"
        for row in evidence.others
        if not _made_by_optuna(row)
    ]


def _made_by_optuna(row: OtherTrial) -> bool:
    """Whether it has what every Optuna program leaves: who invents a trial by SQL can leave the same."""
    match row.state:
        case "WAITING":
            return row.enqueued
        case "RUNNING":
            return row.started
        case "COMPLETE":
            return row.started and row.ended and row.valued
        case _:
            return row.started and row.ended
