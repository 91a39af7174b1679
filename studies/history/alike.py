"""Trials that fail alike before any has succeeded: a misspelt score, or a bug on the first line, fails every trial.

The rule is a function of what is in the ledger, so that each worker, and the audit, comes to the same answer.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from storage.records import DecisionRow, FailureKind, TrialRow

ALIKE_FAILURES = 3
"""Failed trials that stop a study in which none has succeeded."""
DIGITS = re.compile(r"\d+")


def failed_alike(reasons: Iterable[str]) -> str | None:
    """The outcome of a study without a success whose trials failed for these reasons, in the order of their numbers;
    None: it goes on. A reason holds the kind and the message; digits may differ.

    >>> failed_alike(["error: no file 1.csv", "error: no file 2.csv", "error: no file 13.csv"])
    'the first 3 trials failed alike: error: no file 1.csv'
    >>> failed_alike(["error: a", "error: b", "diverged: a"])
    """
    alike: dict[str, list[str]] = defaultdict(list)
    for reason in reasons:
        same = alike[DIGITS.sub("0", reason)]
        same.append(reason)
        if len(same) == ALIKE_FAILURES:
            return f"the first {ALIKE_FAILURES} trials failed alike: {same[0]}"
    return None


def failed_reasons(rows: Sequence[TrialRow], decisions: Sequence[DecisionRow]) -> list[str]:
    """Why trials failed for good since the definition was last changed, as `queries/first_failures.sql` reads it."""
    changed = max((row.number for row in decisions if row.kind == "override"), default=-3)
    return [
        row.reason or ""
        for row in rows
        if row.failure is FailureKind.FAILED and not row.retired and row.round > changed
    ]
