"""What `run` prints while it works: which lines, and how far it is."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest

from studies.definition.units import rate_text
from studies.engine.progress import Progress as WorkerProgress
from studies.settings.leaders import Leaders
from studies.status.progress import Progress, Verbosity
from studies.tables.log import Tone


def shown(
    progress: WorkerProgress, running: int = 0, leaders: Leaders | None = None, connected: bool = True
) -> Progress:
    slots = [SimpleNamespace(name=f"cpu{number}") for number in range(2)]
    trials = {f"cpu{number}": SimpleNamespace(begun=0.0) for number in range(running)}
    ledger = SimpleNamespace(session=SimpleNamespace(closed=not connected))
    worker: Any = SimpleNamespace(
        progress=progress, slots=slots, running=trials, leaders=leaders, connected=True, ledger=ledger
    )
    return Progress(lambda clock, line, tone: None, worker=worker)


@pytest.mark.parametrize(
    ("verbosity", "tones"),
    [
        (Verbosity.of(True, False), {Tone.FAILURE}),
        (Verbosity.of(False, False), {Tone.PLAIN, Tone.BEST, Tone.TROUBLE, Tone.FAILURE}),
        (Verbosity.of(False, True), set(Tone)),
    ],
)
def test_quiet_prints_failures_alone_and_verbose_everything(verbosity: Verbosity, tones: set[Tone]) -> None:
    lines: list[Tone] = []
    progress = Progress(lambda clock, line, tone: lines.append(tone), verbosity)
    for tone in Tone:
        progress.log("a line", tone)
    assert set(lines) == tones


def test_what_happens_has_the_time_and_a_closing_line_has_none() -> None:
    lines: list[str] = []
    progress = Progress(lambda clock, line, tone: lines.append(clock + line))
    progress.log("it begins")
    progress.say("it has ended")
    assert re.fullmatch(r"\d\d:\d\d:\d\d it begins", lines[0]) and lines[1] == "it has ended"


def test_nothing_is_said_of_rate_and_time_left_before_a_trial_has_ended() -> None:
    progress = WorkerProgress(unit="round 1", round=1, total=14)
    assert shown(progress, running=2).summary() == "round 1: 0/14 trials, 2 running"


def test_trials_of_other_workers_are_running_elsewhere() -> None:
    assert shown(WorkerProgress(total=18, done=16, running=2)).summary() == "16/18 trials, 2 running elsewhere"
    both = shown(WorkerProgress(total=18, done=15, running=3), running=1)
    assert both.summary() == "15/18 trials, 1 running, 2 running elsewhere"


def test_a_worker_without_its_database_says_so() -> None:
    progress = WorkerProgress(total=18, done=16)
    assert shown(progress, connected=False).summary() == "16/18 trials, 0 running, the database does not answer"


def test_the_progress_has_done_rate_time_left_and_the_best_so_far() -> None:
    progress = WorkerProgress(total=60, done=12, later=[4.0, 6.0])
    leaders = Leaders("minimize", 1, 0)
    leaders.add({"lr": 0.1}, 0, 0.25)
    assert (
        shown(progress, leaders=leaders).summary() == "12/60 trials, 0 running, 24/min, ~2 min left, best 0.25 (lr 0.1)"
    )
    assert shown(WorkerProgress(total=1)).summary() == "0/1 trial, 0 running"
    assert shown(WorkerProgress(here=1)).summary() == "1 trial done, 0 running"


@pytest.mark.parametrize(("rate", "text"), [(2.5, "2.5/s"), (0.2, "12/min"), (1 / 7200, "0.5/h")])
def test_a_rate_is_in_the_unit_that_makes_it_at_least_one(rate: float, text: str) -> None:
    assert rate_text(rate) == text


def test_the_last_seconds_are_not_counted_down_to_a_zero_that_stands() -> None:
    progress = WorkerProgress(total=60, done=58, later=[4.0, 6.0])
    assert "a few seconds left" in shown(progress, running=2).summary(), "both run longer than the mean"
