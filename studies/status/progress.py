"""`run`'s progress on standard error: on a terminal a few lines below its messages, else a line now and then.

It shows what the worker knows: it does not read the database, and the worker does not wait for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Event, Thread

from rich.console import Console
from rich.live import Live
from rich.text import Text

from studies.definition.units import duration_text
from studies.engine.running import Running
from studies.engine.worker import Worker
from studies.history.pace import seconds_left
from studies.history.purpose import purpose
from studies.status.pace import RUNNING, Pace, running_row, shown_metric
from studies.tables.table import Cell, Table
from studies.tables.terminal import cut, escaped, one_line, table_lines

SUMMARY_SECONDS = 30.0
"""Between two lines without a terminal; a line that repeats the last one is not printed."""
REFRESHES_PER_SECOND = 2
MAX_NAMED_TRIALS = 8


@dataclass
class Progress:
    """The progress of one worker, once it has started."""

    log: Callable[[str], None]
    worker: Worker | None = None

    def watch(self, worker: Worker) -> None:
        """From now on, show this worker's progress."""
        self.worker = worker

    def lines(self, width: int) -> list[str]:
        """The round and this worker's trials."""
        if self.worker is None:
            return []
        running = self._running()
        rows = [self._row(each) for each in running[:MAX_NAMED_TRIALS]]
        more = [f"and {len(running) - MAX_NAMED_TRIALS} more"] if len(running) > MAX_NAMED_TRIALS else []
        table = Table(RUNNING, rows).without_empty_columns()
        return [cut(one_line(self.summary()), width), *(table_lines(table, width) if rows else []), *more]

    def summary(self) -> str:
        """How far the worker is, on one line."""
        if self.worker is None:
            return ""
        progress, running = self.worker.progress, self._running()
        done = f"{progress.here} trials done"
        if progress.total:
            done = f"round {progress.round}: {progress.done}/{progress.total} trials"
        parts = [done, f"{len(running)} running"]
        if progress.mean is not None and progress.total > progress.done:
            waiting = max(0, progress.total - progress.done - len(running))
            now, slots = time.monotonic(), len(self.worker.slots)
            left = seconds_left(progress.mean, waiting, (now - each.begun for each in running), slots)
            parts.append(f"~{duration_text(left or 0.0)} left")
        return ", ".join(parts)

    def steps(self) -> str:
        """The running trials, on one line."""
        reported = [(each.claim.number, each.last.step) for each in self._running() if each.last is not None]
        return ", ".join(f"trial {number} step {step}" for number, step in reported[:MAX_NAMED_TRIALS])

    def _running(self) -> list[Running]:
        """The worker's trials, read from another thread."""
        for _ in range(3):
            with suppress(RuntimeError):  # it changed meanwhile
                return [] if self.worker is None else list(self.worker.running.values())
        return []

    def _row(self, running: Running) -> list[Cell]:
        assert self.worker is not None
        claim, last = running.claim, running.last
        reported = {} if last is None else last.metrics
        metric = shown_metric(reported, self.worker.definition.score_metric)
        known = Pace() if metric is None else Pace(metric, reported[metric])
        seconds, step = time.monotonic() - running.begun, None if last is None else last.step
        mean = self.worker.progress.mean
        return running_row(running.slot.name, claim.number, purpose(claim.role), seconds, step, known, mean)


@contextmanager
def progress(log: Callable[[str], None]) -> Iterator[Progress]:
    """Shows a worker's progress while it works; messages printed through `log` stay above it."""
    console = Console(stderr=True, markup=False, highlight=False)
    if not console.is_terminal or console.is_dumb_terminal:
        with _summaries(Progress(log)) as shown:
            yield shown
        return

    def above(line: str) -> None:
        with suppress(OSError):
            console.print(escaped(line), soft_wrap=True)

    shown = Progress(above)
    with Live(
        console=console,
        get_renderable=lambda: Text("\n".join(shown.lines(console.width)), style="dim", no_wrap=True),
        refresh_per_second=REFRESHES_PER_SECOND,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    ):
        yield shown


@contextmanager
def _summaries(shown: Progress) -> Iterator[Progress]:
    over = Event()

    def print_changes() -> None:
        last = ""
        while not over.wait(SUMMARY_SECONDS):
            now = "; ".join(filter(None, (shown.summary(), shown.steps())))
            if now != last and shown.worker is not None:
                last = now
                shown.log(now)

    Thread(target=print_changes, daemon=True).start()
    try:
        yield shown
    finally:
        over.set()
