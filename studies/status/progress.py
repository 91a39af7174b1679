"""`run` on standard error: a line with a clock for whatever happens, and the progress: on a terminal a few lines below,
else a line now and then.

It shows what the worker knows: it does not read the database, and the worker does not wait for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from threading import Event, Thread

from rich.console import Console
from rich.live import Live
from rich.text import Text

from samplers.searches.plural import counted
from studies.definition.units import rate_text
from studies.engine.running import Running
from studies.engine.worker import Worker
from studies.history.pace import left_text, seconds_left
from studies.history.purpose import purpose
from studies.status.pace import RUNNING, Pace, running_row, shown_metric
from studies.tables.log import Tone
from studies.tables.table import Cell, Table
from studies.tables.terminal import cut, escaped, one_line, table_lines

SUMMARY_SECONDS = 30.0
"""Between two lines without a terminal; a line that repeats the last one is not printed."""
REFRESHES_PER_SECOND = 2
MAX_NAMED_TRIALS = 8


class Verbosity(Enum):
    """How much `run` prints."""

    QUIET = frozenset({Tone.FAILURE})
    """`--quiet`: failures, and the result."""
    NORMAL = frozenset(Tone) - {Tone.DETAIL}
    VERBOSE = frozenset(Tone)
    """`--verbose`: the beginning of each trial too, and each count of a depth search."""

    @staticmethod
    def of(quiet: bool, verbose: bool) -> Verbosity:
        """As the options say."""
        return Verbosity.QUIET if quiet else Verbosity.VERBOSE if verbose else Verbosity.NORMAL


@dataclass
class Progress:
    """What `run` prints: its lines, and the progress of one worker once that has started."""

    write: Callable[[str, str, Tone], None]
    """Writes a clock, or nothing in its place, and a line."""
    verbosity: Verbosity = Verbosity.NORMAL
    worker: Worker | None = None
    began: float = field(default_factory=time.monotonic)

    def log(self, line: str, tone: Tone = Tone.PLAIN) -> None:
        """Print what has just happened, if it is asked for."""
        if tone in self.verbosity.value:
            self.write(f"{datetime.now():%H:%M:%S} ", line, tone)

    def say(self, line: str, tone: Tone = Tone.PLAIN) -> None:
        """Print a line of no hour, if it is asked for."""
        if tone in self.verbosity.value:
            self.write("", line, tone)

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self.began

    @property
    def here(self) -> int | None:
        """Trials that ended here; None without a worker."""
        return None if self.worker is None else self.worker.progress.here

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
        progress, running, slots = self.worker.progress, self._running(), len(self.worker.slots)
        done = f"{counted(progress.here, 'trial')} done"
        if progress.total:
            done = f"{progress.unit}{': ' * bool(progress.unit)}{progress.done}/{counted(progress.total, 'trial')}"
        elsewhere = max(0, (progress.running or 0) - len(running)) if progress.total > progress.done else 0
        parts = [done, *([f"{len(running)} running"] if running or not elsewhere else [])]
        parts += [f"{elsewhere} running elsewhere"] if elsewhere else []
        parts += ["the database does not answer"] if self.worker.connected and self.worker.ledger.session.closed else []
        if progress.mean is not None and progress.total > progress.done:
            waiting = max(0, progress.total - progress.done - len(running) - elsewhere)
            now = time.monotonic()
            left = seconds_left(progress.mean, waiting, (now - each.begun for each in running), slots)
            parts += [rate_text(slots / max(progress.mean, 1e-3)), left_text(left or 0.0)]
        leaders = self.worker.leaders
        return ", ".join([*parts, *([leaders.text] if leaders is not None and leaders.text else [])])

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
def progress(log: Callable[[str], None], verbosity: Verbosity = Verbosity.NORMAL) -> Iterator[Progress]:
    """Shows a worker's progress while it works; lines printed through its `log` stay above it. `log` writes a line of
    standard error where that is no terminal."""
    console = Console(stderr=True, markup=False, highlight=False)
    if not console.is_terminal or console.is_dumb_terminal or verbosity is Verbosity.QUIET:

        def plain(clock: str, line: str, _: Tone) -> None:
            log(clock + line)

        with _summaries(Progress(plain, verbosity)) as shown:
            yield shown
        return

    def above(clock: str, line: str, tone: Tone) -> None:
        with suppress(OSError):
            console.print(Text.assemble((clock, "dim"), (escaped(line), tone.value)), soft_wrap=True)

    shown = Progress(above, verbosity)
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
