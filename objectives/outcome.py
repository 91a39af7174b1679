"""How an attempt ended, as one value, and the reports that came before."""

from __future__ import annotations

from collections.abc import Mapping
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


MAX_METRIC_NAME_CHARACTERS = 200


def check_metric_name(name: str) -> None:
    """Check that a metric's name can be stored and shown.

    Raises:
        AttemptError: It is too long, or holds characters that cannot be printed.
    """
    if not name.isprintable() or len(name) > MAX_METRIC_NAME_CHARACTERS:
        raise AttemptError(Kind.INVALID, f"{name[:MAX_METRIC_NAME_CHARACTERS]!r} cannot be the name of a metric")


@dataclass(frozen=True)
class Report:
    """The metrics that an objective reported at one step."""

    step: int
    metrics: Mapping[str, float]
