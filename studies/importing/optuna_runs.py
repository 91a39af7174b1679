"""Another Optuna study as finished runs: its parameters and user attributes, and its values as the scores."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from storage.errors import UsageError
from storage.other_storage import OtherStudy
from storage.records import Score
from studies.importing.runs import Run


def runs_of(other: OtherStudy, scores: Sequence[Score]) -> tuple[list[Run], str]:
    """Its trials as runs, and the SHA-256 of what they are.

    Raises:
        UsageError: It optimizes something else.
    """
    metrics = [score.metric for score in scores]
    order = _order(other, metrics)
    if [other.directions[place] for place in order] != [each.direction for each in scores]:
        theirs = " and ".join(other.directions)
        ours = " and ".join(f"{each.direction} {each.metric}" for each in scores)
        raise UsageError(f"study {other.name!r} is to {theirs}, and this one to {ours}", "import")
    runs = [
        Run(
            f"trial {each.number}",
            {**each.user_attributes, **each.params, "state": each.state}
            | (dict(zip(metrics, [each.values[place] for place in order], strict=True)) if each.values else {}),
            {},
        )
        for each in other.trials
    ]
    kept = [[run.where, dict(run.values)] for run in runs]
    return runs, hashlib.sha256(json.dumps(kept, sort_keys=True, default=str).encode()).hexdigest()


def _order(other: OtherStudy, metrics: Sequence[str]) -> Sequence[int]:
    """The place in the other study of each of our scores: by its name, or the same place where that study has no
    names. A single score may have another name there.

    Raises:
        UsageError: Several scores, and their names are others.
    """
    names = other.metric_names
    if not names or len(metrics) == 1:
        return range(len(other.directions))
    if sorted(names) != sorted(metrics):
        theirs, ours = " and ".join(names), " and ".join(metrics)
        what = (
            f"study {other.name!r} has the scores {theirs}, and this one {ours}; `set_metric_names` renames them there"
        )
        raise UsageError(what, "import")
    return [names.index(metric) for metric in metrics]
