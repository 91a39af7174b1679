"""Rows of a grid study."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any


def row(number: int, setting: Mapping[str, Any], seed: int = 1, **more: Any) -> Any:
    """A row as queries/read_points.sql gives it."""
    given: dict[str, Any] = {
        "trial_id": 100 + number,
        "number": number,
        "state": "COMPLETE",
        "config": {**setting, "dataset": "d"},
        "seed": seed,
        "role": {"role": "cell", "setting": dict(setting)},
        "attempt": 1,
        "seconds": 1.5,
        "reason": None,
        "retired": False,
        "set_aside": None,
        "retry_of": None,
        "metrics": {},
        "outcome": "completed",
        "code": None,
    }
    return SimpleNamespace(**{**given, **more})


def scored(number: int, setting: Mapping[str, Any], seed: int, score: float, **more: Any) -> Any:
    return row(number, setting, seed, metrics={"score": score}, **more)
