"""`run`'s progress on standard error: on a terminal a few lines below its messages, else a line now and then.

It shows what the worker knows: it does not ask the database, and the worker does not wait for it.
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
from studies.status.pace import shown_metric
from studies.tables.table import Cell, Column, Table
from studies.tables.terminal import cut, one_line, table_lines

SUMMARY = 30.0
"""Seconds between lines, where there is no terminal; none if nothing has changed."""
A_SECOND = 2
"""How often the lines on a terminal are made anew."""
LISTED = 8
COLUMNS = [Column("trial", right=True), Column("what"), Column("slot", spare=2), Column("for", right=True, spare=3)]
COLUMNS += [Column("step", right=True), Column("last", right=True, spare=1), Column("ETA", right=True)]


@dataclass
class Progress:
    """The progress of one worker, once it has begun."""

    say: Callable[[str], None]
    worker: Worker | None = None

    def watch(self, worker: Worker) -> None:
        """From now on, show this worker's progress."""
        self.worker = worker

    def lines(self, width: int) -> list[str]:
        """The round, and the trials that run here."""
        if self.worker is None:
            return []
        running = self._running()
        rows = [self._row(each) for each in running[:LISTED]]
        more = [f"and {len(running) - LISTED} more"] if len(running) > LISTED else []
        return [
            cut(one_line(self.summary()), width),
            *(table_lines(Table(COLUMNS, rows), width) if rows else []),
            *more,
        ]

    def summary(self) -> str:
        """How far the worker is, on one line."""
        if self.worker is None:
            return ""
        tally, running = self.worker.tally, self._running()
        parts = []
        if tally.total:
            parts.append(f"round {tally.round}: {tally.done} of {tally.total} trials done")
        else:
            parts.append(f"{tally.here} trials done here")
        parts.append(f"{len(running)} running")
        mean = tally.mean
        if mean is not None and tally.total > tally.done:
            waiting = max(0, tally.total - tally.done - len(running))
            now = time.monotonic()
            slots = len(self.worker.slots)
            left = seconds_left(mean, waiting, (now - each.begun for each in running), slots)
            parts.append(f"about {duration_text(left or 0.0)} to the end of it")
        return ", ".join(parts)

    def steps(self) -> str:
        """The running trials, on one line."""
        told = [f"trial {each.claim.number} step {each.last.step}" for each in self._running() if each.last is not None]
        return ", ".join(told[:LISTED])

    def _running(self) -> list[Running]:
        """The worker's trials, read from another thread than its own."""
        for _ in range(3):
            with suppress(RuntimeError):  # it changed meanwhile
                return [] if self.worker is None else list(self.worker.running.values())
        return []

    def _row(self, running: Running) -> list[Cell]:
        assert self.worker is not None
        claim, last, mean = running.claim, running.last, self.worker.tally.mean
        seconds = time.monotonic() - running.begun
        reported = {} if last is None else last.metrics
        name = shown_metric(reported, self.worker.definition.score_metric)
        left = "" if mean is None else duration_text(mean - seconds) if mean > seconds else "overdue"
        return [
            str(claim.number),
            purpose(claim.role),
            running.slot.name,
            duration_text(seconds),
            "" if last is None else f"{last.step:,}",
            "" if name is None else f"{name} {reported[name]:.4g}",
            left,
        ]


@contextmanager
def progress(say: Callable[[str], None]) -> Iterator[Progress]:
    """Shows a worker's progress while it works; messages printed through `say` stay above it."""
    console = Console(stderr=True, markup=False, highlight=False)
    if not console.is_terminal or console.is_dumb_terminal:
        with _summaries(Progress(say)) as shown:
            yield shown
        return

    def above(line: str) -> None:
        with suppress(OSError):
            console.print(line, soft_wrap=True)

    shown = Progress(above)
    with Live(
        console=console,
        get_renderable=lambda: Text("\n".join(shown.lines(console.width)), style="dim", no_wrap=True),
        refresh_per_second=A_SECOND,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    ):
        yield shown


@contextmanager
def _summaries(shown: Progress) -> Iterator[Progress]:
    over = Event()

    def tell() -> None:
        said = ""
        while not over.wait(SUMMARY):
            now = "; ".join(filter(None, (shown.summary(), shown.steps())))
            if now != said and shown.worker is not None:
                said = now
                shown.say(now)

    Thread(target=tell, daemon=True).start()
    try:
        yield shown
    finally:
        over.set()
