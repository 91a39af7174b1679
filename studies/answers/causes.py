"""Why trials of a study failed, and what to do about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from samplers.searches.fit.fit import FATAL_OUTCOMES
from storage.records import StudyRow, TrialRow
from studies.definition.definition import SEEK_LIMITS
from studies.figures.labels import shortened
from studies.history.counts import counted_state
from studies.history.state import Standing, next_command

MAX_CAUSES = 5
MAX_CAUSE = 300
"""Characters."""


def cause_lines(points: Sequence[TrialRow], search: str) -> list[str]:
    """A line for each cause, the most frequent first: how many trials failed of it. To a search for a limit, a failure
    that says no is an answer."""
    failed = [row for row in points if counted_state(row) == "FAIL" and not row.retired]
    if search in SEEK_LIMITS:
        failed = [row for row in failed if row.outcome in FATAL_OUTCOMES]
    causes = Counter(shortened(row.reason or "no reason kept", MAX_CAUSE) for row in failed)
    lines = [f"{count} trial{'s' * (count != 1)} failed: {cause}" for cause, count in causes.most_common(MAX_CAUSES)]
    more = len(causes) - MAX_CAUSES
    return [
        *lines,
        *([f"{more} more cause{'s' * (more != 1)} of failure: show --failures lists all"] if more > 0 else []),
    ]


def help_line(study: StudyRow, standing: Standing) -> str | None:
    """What to do where the study does not go on by itself, with the command."""
    kind, steps, trials = study.outcome_kind, study.steps, study.max_trials
    return next_command(study.search, study.name, standing, kind, steps, trials)
