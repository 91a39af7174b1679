"""What `status --watch` shows where a terminal has room: GPUs, the best so far, the last events, a trend a slot."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from studies.slots.devices import Device
from studies.status.events import last_events
from studies.status.gpus import MAX_LOADS, Loads, gpu_table
from studies.status.pace import RUNNING, pace, running_row
from studies.status.view import Section, View, _best
from studies.tables.table import Document, Table
from studies.tables.terminal import table_lines

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).astimezone()


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def seen(*scores: float, direction: str = "minimize") -> Any:
    """A study of one trial a score; the last one runs again."""
    study = SimpleNamespace(score="val_loss", direction=direction, cost=None, origin={"objective": "gpt"})
    points, attempts = {}, {}
    for number, score in enumerate(scores):
        points[number] = SimpleNamespace(
            number=number,
            state="COMPLETE",
            retired=False,
            role={"setting": {"lr": number}},
            metrics={"val_loss": score},
            datetime_complete=at(number),
        )
        common = {"attempt": 1, "started_at": at(number - 1), "message": ""}
        attempts[number] = [SimpleNamespace(**common, ended_at=at(number), outcome="completed", accepted=True)]
    failed = {"outcome": "error", "message": "no room"}
    attempts[len(scores)] = [
        SimpleNamespace(attempt=1, started_at=at(8), ended_at=at(9), **failed, accepted=False),
        SimpleNamespace(attempt=2, started_at=at(10), ended_at=None, **{**failed, "outcome": None}, accepted=False),
    ]
    made = SimpleNamespace(number=0, decided_at=at(0.5), record={"told": "2 settings planned"})
    return SimpleNamespace(study=study, points=points, attempts=attempts, decisions=[made])


def test_the_last_events_are_in_their_order_with_score_cause_and_attempt() -> None:
    shown = [line.partition(" ")[2] for line in last_events(seen(3.0, 2.5), 5)]
    assert shown == [
        "trial 0 (lr 0): val_loss 3 nats",
        "decision 0: 2 settings planned",
        "trial 1 (lr 1): val_loss 2.5 nats",
        "trial 2: error: no room",
        "trial 2 runs, attempt 2",
    ]
    assert last_events(seen(), 9)[0].startswith(f"{at(0.5):%H:%M:%S} ")


def test_the_best_trial_so_far_is_drawn_in_the_scores_direction() -> None:
    [line] = _best(seen(3.0, math.nan, 2.0, 2.5, 1.0)).document.notes  # type: ignore[union-attr]
    assert line == "█▅▅▁  val_loss 1 nats, of 4 trials with a score"
    [line] = _best(seen(3.0, 2.0, 4.0, direction="maximize")).document.notes  # type: ignore[union-attr]
    assert line.startswith("▁▁█  val_loss 4 nats")
    assert _best(seen(3.0, 2.0)) is None, "two are no line"


def test_a_gpu_has_its_memory_its_load_and_how_the_load_went() -> None:
    loads = Loads()
    device = Device("0", "GPU-1", "NVIDIA A100", 80 << 30, 20 << 30, utilization=0)
    for load in (0, 50, 100):
        now = loads.seen(Device(**{**vars(device), "utilization": load}))
    assert table_lines(gpu_table([now]), 100)[1].split() == [
        *("gpu0", "NVIDIA", "A100", "60", "GiB", "/", "80", "GiB", "75%", "100", "%", "▁▅█"),
    ]
    without = loads.seen(Device("1:0", "MIG-1", "MIG", 8 << 30, 8 << 30))
    assert "load" not in table_lines(gpu_table([without]), 100)[0], "NVML has no load of a part of a GPU"
    for _ in range(2 * MAX_LOADS):
        now = loads.seen(device)
    assert len(now.loads) == MAX_LOADS


def test_a_narrow_terminal_and_a_pipe_have_what_they_had() -> None:
    view = View(["head"], [Section("a", Document(notes=["1"])), Section("b", Document(notes=["2"]), wide=True)])
    assert view.lines(100) == ["head", "", "a", "1", "", "b", "2"] and view.titles(100) == {2, 5}
    assert view.lines(99) == view.lines(None) == ["head", "", "a", "1"] and view.titles(99) == {2}


def test_the_trend_of_a_running_trial_is_the_first_column_to_go() -> None:
    reports: Any = [SimpleNamespace(step=10 * each, reported_at=at(each), metrics={"loss": each}) for each in (3, 2, 1)]
    known = pace(reports, "score")
    assert known.trend == "▁▅█"
    table = Table(RUNNING, [running_row("gpu0", 3, "n_head → 2", 90.0, 30, known, None)])
    assert "▁▅█" in table_lines(table, 120)[1]
    narrow = table_lines(table, 70)[0]
    assert "trend" not in narrow and "slope" in narrow
