"""Attempts of an objective, without a database."""

from __future__ import annotations

import select
import time
from pathlib import Path
from typing import Any

import psutil

from objectives.outcome import Outcome
from objectives.process.attempt import Assignment, Attempt
from storage.home import CHECKOUT

NASTY = CHECKOUT / "tests" / "support" / "nasty.py"


def assignment(folder: Path, config: dict[str, Any] | None = None, **settings: Any) -> Assignment:
    return Assignment(
        **{
            "config": config or {},
            "seed": 1337,
            "number": 0,
            "attempt": 1,
            "device": "cpu",
            "threads": 1,
            "env": {},
            "log": folder / "log",
            "lock": folder / "lock",
            "checkpoint_dir": folder,
            "run_dir": folder,
            **settings,
        }
    )


def outcome(attempt: Attempt) -> Outcome:
    return until(attempt, Outcome)[-1]


def end(attempt: Attempt) -> None:
    """Kill it, if it has not ended."""
    if attempt.fileno() != -1:
        attempt.kill()
        outcome(attempt)


def gone(pids: list[int], seconds: float = 1.0) -> bool:
    deadline = time.monotonic() + seconds
    while any(map(_runs, pids)):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def _runs(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != "zombie")
    except psutil.NoSuchProcess:
        return False


def until_started(attempt: Attempt) -> None:
    end = time.monotonic() + 30
    while not attempt.pid:
        assert time.monotonic() < end and attempt.receive() == []
        select.select([attempt], [], [], 0.1)


def until(attempt: Attempt, kind: type, seconds: float = 60) -> list[Any]:
    """Everything that it says until the first message of a kind."""
    said: list[Any] = []
    end = time.monotonic() + seconds
    while not any(isinstance(each, kind) for each in said):
        assert time.monotonic() < end, f"waited in vain, it said {said}"
        select.select([attempt], [], [], 0.5)
        said += attempt.receive()
    return said
