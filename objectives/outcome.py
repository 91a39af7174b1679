"""How an attempt ended, as one value, and the reports that came before."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum


class Kind(Enum):
    """Every way in which an attempt ends. studies/engine/policy.py says what each leads to."""

    COMPLETED = "completed"
    PRUNED = "pruned"
    DIVERGED = "diverged"  # NaN or inf where the study needs a number
    OUT_OF_MEMORY = "out_of_memory"  # the device's, the host's, or the definition's memory_limit
    TIMED_OUT = "timed_out"
    INVALID = "invalid"  # the objective refused the config, or left out a metric the study needs
    ERROR = "error"  # an exception, or an exit without a result
    KILLED = "killed"  # by a signal that we did not send
    GIVEN_BACK = "given_back"  # by its worker, on purpose: free of charge
    LOST = "lost"  # a process of Studyhall above the trial was killed: free of charge, as with a lost worker


class AttemptError(Exception):
    """Ends an attempt with a kind and a message of its own."""

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(message)
        self.kind, self.message = kind, message


@dataclass(frozen=True)
class Outcome:
    """The end of an attempt."""

    kind: Kind
    metrics: Mapping[str, float] = field(default_factory=dict)
    message: str = ""  # one line, such as "ValueError: n_head must divide n_embd"
    tail: str = ""  # the log's last lines (at most 4,000 characters), empty when completed
    seconds: float = 0.0  # from start to end, by the worker's monotonic clock


UNREAD = "exited with 0, but"
"""Begins the message of a command that ended well, without a metric that could be read."""
MAX_METRIC_NAME_CHARACTERS = 200


def can_name_metric(name: str) -> bool:
    """Whether a metric's name can be stored and shown: not too long, and without what cannot be printed."""
    return name.isprintable() and len(name) <= MAX_METRIC_NAME_CHARACTERS


def named(metrics: Mapping[str, float]) -> dict[str, float]:
    """The metrics whose names can be kept. The others are left out, with a line in the trial's log."""
    for name in metrics:
        if not can_name_metric(name):
            with suppress(OSError, ValueError, AttributeError):  # the objective has closed its output
                sys.stdout.write(f"[studyhall] {name[:80]!r} cannot be the name of a metric: left out\n")
    return {name: value for name, value in metrics.items() if can_name_metric(name)}


@dataclass(frozen=True)
class Report:
    """The metrics that an objective reported at one step."""

    step: int
    metrics: Mapping[str, float]
