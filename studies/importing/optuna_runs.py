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
    if list(other.directions) != [each.direction for each in scores]:
        theirs = " and ".join(other.directions)
        ours = " and ".join(f"{each.direction} {each.metric}" for each in scores)
        raise UsageError(f"study {other.name!r} is to {theirs}, and this one to {ours}", "import")
    runs = [
        Run(
            f"trial {each.number}",
            {**each.user_attributes, **each.params, "state": each.state}
            | dict(zip([score.metric for score in scores], each.values, strict=False)),
            {},
        )
        for each in other.trials
    ]
    kept = [[run.where, dict(run.values)] for run in runs]
    return runs, hashlib.sha256(json.dumps(kept, sort_keys=True, default=str).encode()).hexdigest()
