"""Where studies stand: counts, workers, what runs, what failed. Reads only, without torch or Optuna."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from storage.reader import Reader
from storage.records import AttemptRow, DecisionRow, RunningTrial, StudyCounts, WorkerRow
from storage.session import Session
from studies.definition.units import duration_text, plain
from studies.history.counts import Counts
from studies.history.pace import mean_trial_seconds, seconds_left
from studies.history.purpose import purpose
from studies.history.state import Standing, decided, decision_name, next_command, standing_of
from studies.launch.launcher import Launch, read_launches
from studies.launch.states import launch_lines, launches_json
from studies.tables.table import Column, Document, Table

LAUNCHES = 3  # the last ones are shown
DECISIONS = 3  # the last ones are shown
STUDIES = [Column(name) for name in ("study", "search")]
STUDIES += [*(Column(name, right=True) for name in Counts().to_json()), Column("outcome")]
RUNNING = [Column("trial", right=True), Column("what"), Column("slot"), Column("for", right=True)]
RUNNING += [Column("step", right=True), Column("last report")]


@dataclass(frozen=True)
class Status:
    """One study at one moment."""

    row: StudyCounts
    workers: Sequence[WorkerRow]
    running: Sequence[RunningTrial]
    attempts: Sequence[AttemptRow]
    decisions: Sequence[DecisionRow]
    launches: Sequence[Launch] = ()

    @property
    def counts(self) -> Counts:
        return Counts.of(self.row)

    @property
    def standing(self) -> Standing:
        """Where it is."""
        return standing_of(self.row, self.counts.begun, self.row.running, any(each.alive for each in self.workers))

    @property
    def mean_seconds(self) -> float | None:
        """Of the trials that completed; None while there are too few."""
        return mean_trial_seconds(self.attempts)

    @property
    def seconds_left(self) -> float | None:
        """For this round's open points; None while nothing can be said."""
        slots = sum(len(worker.slots) for worker in self.workers if worker.alive)
        if self.row.outcome is not None:
            return None
        return seconds_left(self.mean_seconds, self.row.waiting, (row.seconds for row in self.running), slots)

    @property
    def advice(self) -> list[str]:
        """What to do where the study does not go on by itself: the command."""
        row, standing = self.row, self.standing
        command = next_command(row.search, row.name, standing, row.outcome_kind, row.steps, row.max_trials)
        alive = {worker.worker_id for worker in self.workers if worker.alive}
        orphans = [str(each.number) for each in self.running if each.worker_id not in alive]
        if not orphans:
            return [] if command is None else [command]
        then = "another worker takes over" if alive else command
        return [f"trial{'s' * (len(orphans) > 1)} {', '.join(orphans)}: the worker is gone; {then}"]

    @property
    def _last_decisions(self) -> Sequence[Any]:
        """Without a grid's plans, which name nothing but how many points come next."""
        made = [each for each in self.decisions if self.row.search != "grid" or each.kind != "planned"]
        return made[-DECISIONS:]

    @property
    def failures(self) -> dict[str, int]:
        """Attempts that did not end well, by why."""
        bad = (row for row in self.attempts if row.outcome not in (None, "completed"))
        return dict(Counter(f"{row.outcome}: {row.message}".removesuffix(": ") for row in bad).most_common())

    def document(self) -> Document:
        """Counts, what runs, the workers, the last decisions, what failed."""
        row = self.row
        head = [f"{row.name} ({row.search}): {self.standing.text}", self.counts.text or "nothing planned yet"]
        if self.seconds_left is not None:
            head.append(f"about {duration_text(self.seconds_left)} to the end of this round")
        alive = [f"{each.host}:{each.pid} ({len(each.slots)} slots)" for each in self.workers if each.alive]
        notes = [f"workers: {', '.join(alive)}"] if alive else []
        notes += launch_lines(self.launches[-LAUNCHES:])
        notes += [f"{decision_name(each.number, each.record)}: {decided(each.record)}" for each in self._last_decisions]
        notes += [f"{count} × {cause}" for cause, count in self.failures.items()]
        running = [Table(RUNNING, list(map(_running_row, self.running)))] if self.running else []
        return Document(running, notes, [*head, *self.advice])

    def to_json(self) -> dict[str, Any]:
        """`status --json`: names are stable."""
        row = self.row
        return {
            "study": row.name,
            "search": row.search,
            "state": self.standing.state.value,
            "outcome": row.outcome,
            "counts": self.counts.to_json(),
            "rounds": len(self.decisions),
            "budget": {"steps": row.steps, "max_trials": row.max_trials},
            "seconds_left": self.seconds_left,
            "workers": [
                {"host": each.host, "pid": each.pid, "account": each.account, "slots": each.slots, "alive": each.alive}
                for each in self.workers
                if each.alive
            ],
            "running": [
                {
                    "trial": each.number,
                    "attempt": each.attempt,
                    "role": each.role,
                    "host": each.host,
                    "slot": each.slot,
                    "seconds": each.seconds,
                    "step": each.step,
                    "metrics": {name: plain(value) for name, value in each.metrics.items()},
                }
                for each in self.running
            ],
            "failures": self.failures,
            "launches": launches_json(self.launches),
        }


def _running_row(row: RunningTrial) -> list[str]:
    report = "  ".join(f"{name} {value:.4g}" for name, value in list(row.metrics.items())[:3])
    step = "" if row.step is None else f"{row.step:,}"
    return [str(row.number), purpose(row.role), f"{row.host}:{row.slot}", duration_text(row.seconds), step, report]


@dataclass(frozen=True)
class Overview:
    """Every study of a storage, a line each. JSON alone reads each of them in full."""

    session: Session
    rows: Sequence[StudyCounts]

    def document(self) -> Document:
        if not self.rows:
            return Document(notes=["no studies in this storage yet"])
        lines = [
            [
                row.name,
                row.search,
                *map(str, Counts.of(row).to_json().values()),
                row.outcome or ("draining" if row.draining else ""),
            ]
            for row in self.rows
        ]
        return Document([Table(STUDIES, lines)])

    def to_json(self) -> list[dict[str, Any]]:
        """`status --json`."""
        return [read_status(self.session, row.name).to_json() for row in self.rows]


def read_status(session: Session, name: str) -> Status:
    """One study, which has to exist."""
    reader = Reader(session)
    (row,) = reader.studies(name)
    return Status(
        row=row,
        workers=reader.workers(row.study_id),
        running=reader.running_trials(row.study_id),
        attempts=reader.attempts(row.study_id),
        decisions=reader.decisions(row.study_id),
        launches=read_launches(session, row.study_id),
    )


def read_overview(session: Session, name: str | None) -> Status | Overview:
    """What `status` prints: the study of this name, or all of them."""
    if name is None:
        return Overview(session, Reader(session).studies())
    return read_status(session, Reader(session).study(name).name)
