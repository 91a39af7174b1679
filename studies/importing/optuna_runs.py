"""Another Optuna study as finished runs: its parameters and user attributes, and its value as the score."""

from __future__ import annotations

import hashlib
import json

from storage.errors import UsageError
from storage.other_storage import OtherStudy
from studies.importing.runs import Run


def runs_of(other: OtherStudy, score: str, direction: str) -> tuple[list[Run], str]:
    """Its trials as runs, and the SHA-256 of what they are.

    Raises:
        UsageError: It optimizes something else.
    """
    if list(other.directions) != [direction]:
        theirs = " and ".join(other.directions)
        raise UsageError(f"study {other.name!r} is to {theirs}, and this one to {direction} {score}", "import")
    runs = [
        Run(
            f"trial {each.number}",
            {**each.user_attributes, **each.params, "state": each.state}
            | ({} if each.value is None else {score: each.value}),
            {},
        )
        for each in other.trials
    ]
    kept = [[run.where, dict(run.values)] for run in runs]
    return runs, hashlib.sha256(json.dumps(kept, sort_keys=True, default=str).encode()).hexdigest()
