"""A trial's value in Optuna, which ranks trials by it: the score.

A depth study's score is a count, and no count is better than another: the value is its distance to the nearest target
that the search began with.
"""

from __future__ import annotations

from storage.records import Json, scores_of


def shown_value(search: str, origin: Json, score: float) -> float:
    """The value of a completed trial.

    >>> origin = {"score": {"metric": "params", "direction": "minimize"}, "depth": {"targets": [100, 250]}}
    >>> shown_value("depth", origin, 240.0)
    10.0
    """
    if search != "depth":
        return score
    targets = origin["depth"]["targets"]
    distance: float = min(abs(score - target) for target in (targets if isinstance(targets, list) else [targets]))
    return -distance if scores_of(origin)[0].direction == "maximize" else distance


def shown_name(search: str, score: str) -> str:
    """The name of that value."""
    return f"{score}: distance to target" if search == "depth" else score
