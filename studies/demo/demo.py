"""The demonstration, in the order in which it happens."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from storage.errors import StudyhallError
from storage.home import DEFINITIONS
from storage.reader import Reader
from storage.records import RunningTrial
from storage.session import Session
from studies.audit.audit import Certificate, audit
from studies.demo.drawing import drawing
from studies.demo.narration import caption, next_lines, progress_line, step_lines, trial_name
from studies.demo.page import check_page, page, write_page
from studies.demo.path import LOSS, GrowthPath, Measured
from studies.demo.scene import Scene, WorkerProcess, scene
from studies.history.counts import Counts
from studies.history.decisions import in_force
from studies.lifecycle.open import find_study

STUDY = "lobo"
ARGUMENTS = (
    *("run", "grow", "--study", STUDY, "--file", str(DEFINITIONS / f"{STUDY}.yaml"), "--laptop"),
    *("--workers", "1", "--threads", "1"),
)
WORKERS = 2
STEPS_BEFORE_KILL = 1
"""The kill comes in the round after so many steps."""
SECONDS_INTO_TRIAL = 0.2
"""A trial that is killed has run for at least so long."""
POLL_SECONDS = 0.2
QUIET_SECONDS = 20.0
"""Without a line; then one says how far the growth is, so that it does not look hung."""


@dataclass(frozen=True)
class Killed:
    """The trial that a killed worker ran."""

    number: int
    name: str


class Demonstration:
    """One demonstration on its scene."""

    def __init__(self, scene: Scene, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self.scene, self.say, self.clock = scene, say, clock
        self.lines: list[str] = []
        self.steps = 0
        self.killed: Killed | None = None
        self.again = False
        """Whether the killed trial runs again, and the line about it was printed."""
        self.printed_at = clock()

    def narrate(self, line: str) -> None:
        """Print a line, and keep it for the page."""
        self.lines.append(line)
        self.say(line)
        self.printed_at = self.clock()

    def reassure(self, text: Callable[[], str]) -> None:
        """Print a line where none was printed for long; the page does not keep it."""
        if self.clock() - self.printed_at >= QUIET_SECONDS:
            self.say(text())
            self.printed_at = self.clock()

    def run(self) -> tuple[Certificate, str]:
        """All of it; the certificate and the page."""
        self.narrate(f"a PostgreSQL server starts in a folder of its own: {self.scene.home}")
        url = self.scene.store.start()
        for _ in range(WORKERS):
            self.narrate(f"{self.scene.start_worker(ARGUMENTS).name} begins")
        while find_study(self.scene.store, STUDY) is None:
            self.reassure(lambda: "the workers load their libraries")
            self.wait()
        with closing(Session(url)) as session:
            reader = Reader(session)
            study_id = reader.study(STUDY).study_id
            while any(worker.process.poll() is None for worker in self.scene.workers):
                self.watch(reader, study_id)
                self.reassure(lambda: progress_line(Counts.of(reader.studies(STUDY)[0])))
                self.wait()
            self.watch(reader, study_id)
            certificate = audit(session, reader.study(STUDY))
            found = GrowthPath.of([row.record for row in in_force(reader.decisions(study_id))])
            self.narrate(f"the growth is done: {len(found.path) - 1} steps of {len(found.kinds)} kinds")
            self.narrate(next(line for line in certificate.document().notes if line.startswith("audit ")))
            return certificate, self.page(reader, study_id, found)

    def wait(self) -> None:
        """Until the next look.

        Raises:
            StudyhallError: A worker failed.
        """
        for worker in self.scene.workers:
            if worker.failure is not None:
                raise StudyhallError(f"demo: worker {worker.number} failed: {worker.failure}")
        time.sleep(POLL_SECONDS)

    def watch(self, reader: Reader, study_id: int) -> None:
        """Narrate what is new; kill a worker once the first steps are taken."""
        records = [row.record for row in in_force(reader.decisions(study_id))]
        for line in step_lines(records, self.steps):
            self.narrate(line)
            self.steps += 1
        if self.killed is None and self.steps >= STEPS_BEFORE_KILL:
            self.kill(reader, study_id)
        if self.killed is not None and not self.again:
            attempts = reader.attempts(study_id, [self.killed.number])
            if len(attempts) > 1:
                self.again = True
                self.narrate(f"{self.killed.name} runs again: attempt 2; of attempt 1 nothing counts")

    def kill(self, reader: Reader, study_id: int) -> None:
        """Kill a worker in the middle of a trial, and start another one. A stopped worker's trial is certain."""
        worker = self.scene.workers[-1]
        if _trial_of(reader, study_id, worker) is None:
            return
        os.kill(worker.pid, signal.SIGSTOP)
        running = _trial_of(reader, study_id, worker)
        if running is None:
            os.kill(worker.pid, signal.SIGCONT)
            return
        os.kill(worker.pid, signal.SIGKILL)
        worker.process.wait()
        (row,) = reader.some_trials(study_id, [running.number])[0]
        self.killed = Killed(running.number, trial_name(running.number, running.role, row.seed))
        self.narrate(f"{worker.name} is killed with -9 in the middle of {self.killed.name}")
        self.narrate(f"{self.scene.start_worker(ARGUMENTS).name} takes its place")

    def page(self, reader: Reader, study_id: int, found: GrowthPath) -> str:
        """The page on what was found."""
        killed = None
        if self.killed is not None:
            (row,) = reader.some_trials(study_id, [self.killed.number])[0]
            killed = Measured(self.killed.name, "", row.metrics["params"], row.metrics[LOSS])
        title = "Which part of a small transformer should grow next?"
        return page(drawing(found, killed, title), caption(found, killed), self.lines)


def demonstrate(out: Path, say: Callable[[str], None]) -> bool:
    """Run it and write its page; whether the audit passed.

    Raises:
        UsageError: The page cannot be written there; nothing was started.
        StudyhallError: A worker failed.
    """
    check_page(out)
    with scene() as place:
        certificate, text = Demonstration(place, say).run()
    write_page(out, text)
    for line in (f"the page with the picture: {out}", *next_lines()):
        say(line)
    return certificate.passed


def _trial_of(reader: Reader, study_id: int, worker: WorkerProcess) -> RunningTrial | None:
    """The trial that a worker runs, once it has run for a moment."""
    running = (each for each in reader.running_trials(study_id) if each.pid == worker.pid)
    return next((each for each in running if each.seconds >= SECONDS_INTO_TRIAL), None)
