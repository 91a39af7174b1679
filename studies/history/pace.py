"""How long a trial takes and how long is left: one rule for a worker and for the database."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from storage.records import IMPORTED_SLOT, AttemptRow
from studies.definition.units import duration_text

MIN_TRIALS = 2
"""Completed trials before their mean time means anything."""
FEW_SECONDS = 3.0
"""Up to so many are not counted."""


def mean_seconds(seconds: Sequence[float]) -> float | None:
    """Mean time of completed trials; None while there are too few."""
    return sum(seconds) / len(seconds) if len(seconds) >= MIN_TRIALS else None


def seconds_left(mean: float | None, waiting: int, running: Iterable[float], slots: int) -> float | None:
    """Seconds until waiting and running trials have ended.

    Args:
        mean: Of a completed trial.
        waiting: Trials that wait.
        running: Seconds that each running trial has taken so far.
        slots: How many slots run them.

    Returns:
        None while the mean is not known, or without a slot.
    """
    if mean is None or not slots:
        return None
    return (waiting * mean + sum(max(0.0, mean - seconds) for seconds in running)) / slots


def left_text(seconds: float) -> str:
    """`~2 min left`. The last seconds are not counted: a trial may well take longer than the mean.

    >>> left_text(80.2), left_text(0.0)
    ('~81 s left', 'a few seconds left')
    """
    return f"~{duration_text(math.ceil(seconds))} left" if seconds > FEW_SECONDS else "a few seconds left"


def mean_trial_seconds(attempts: Iterable[AttemptRow]) -> float | None:
    """Mean time of the attempts that completed a trial; None while there are too few."""
    ran = (each for each in attempts if each.slot != IMPORTED_SLOT)
    return mean_seconds([each.seconds or 0.0 for each in ran if each.accepted and each.state == "COMPLETE"])
