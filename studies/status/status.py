"""Where studies stand: counts, workers, what runs, what failed. Reads only, without torch or Optuna."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from storage.locks import WORKER_LOCKS
from storage.records import need_study
from storage.session import Session
from studies.definition.units import plain, shown_duration
from studies.history.purpose import purpose
from studies.history.state import decided, decision_name, state_of
from studies.launch.launcher import Launch, read_launches
from studies.launch.states import launch_lines, launches_json
from studies.tables.table import Column, Document, Table

STATES = ("waiting", "running", "complete", "pruned", "failed", "withdrawn")
LAUNCHES = 3  # the last ones are shown
DECISIONS = 3  # the last ones are shown
GROUND = 2  # finished trials before a rate means anything
STUDIES = [Column(name) for name in ("study", "search")]
STUDIES += [*(Column(name, right=True) for name in STATES), Column("outcome")]
RUNNING = [Column("trial", right=True), Column("what"), Column("slot"), Column("for", right=True)]
RUNNING += [Column("step", right=True), Column("last report")]


@dataclass(frozen=True)
class Status:
    """One study at one moment."""

    row: Any
    workers: Sequence[Any]
    running: Sequence[Any]
    attempts: Sequence[Any]
    decisions: Sequence[Any]
    launches: Sequence[Launch] = ()

    @property
    def counts(self) -> dict[str, int]:
        return _counts(self.row)

    @property
    def state(self) -> str:
        """In one word."""
        return state_of(self.row, any(worker.alive for worker in self.workers))

    @property
    def mean_seconds(self) -> float | None:
        """Of the trials that completed; None before there is ground."""
        times = [row.seconds for row in self.attempts if row.accepted and row.state == "COMPLETE"]
        return sum(times) / len(times) if len(times) >= GROUND else None

    @property
    def seconds_left(self) -> float | None:
        """For this round's open points, from the mean time of finished ones; None before there is ground."""
        mean = self.mean_seconds
        slots = sum(len(worker.slots) for worker in self.workers if worker.alive)
        if mean is None or not slots or self.row.outcome is not None:
            return None
        left: float = self.row.waiting * mean + sum(max(0.0, mean - row.seconds) for row in self.running)
        return left / slots

    @property
    def advice(self) -> list[str]:
        """What to do where the study does not go on by itself: the command."""
        row, again = self.row, f"python cli.py run {self.row.search} --study {self.row.name}"
        alive = {(worker.host, worker.pid) for worker in self.workers if worker.alive}
        orphans = [str(each.number) for each in self.running if (each.host, each.pid) not in alive]
        advice = []
        if orphans:
            then = "another worker takes over" if alive else f"to go on: {again}"
            advice.append(f"trial{'s' * (len(orphans) > 1)} {', '.join(orphans)}: the worker is gone; {then}")
        if row.max_trials is not None and row.waiting and sum(self.counts.values()) - row.waiting >= row.max_trials:
            used_up = f"the budget of {row.max_trials} trials is used up"
            advice.append(f"{used_up}; to raise it: {again} --max-trials {2 * row.max_trials}")
        elif row.late and row.outcome is None:
            advice.append(f"the time is up; to give it more: {again} --timeout DURATION")
        elif row.outcome is not None and row.outcome.endswith("steps are done"):
            advice.append(f"to grow further: {again} --steps {2 * row.steps if row.steps else 'N'}")
        elif row.outcome is None and not alive and not orphans:
            advice.append(f"to go on: {again}")
        return advice

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
        counts = "  ".join(f"{count} {name}" for name, count in self.counts.items() if count)
        head = [f"{row.name} ({row.search}): {row.outcome or self.state}", counts or "nothing planned yet"]
        if self.seconds_left is not None:
            head.append(f"about {shown_duration(self.seconds_left)} to the end of this round")
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
            "state": self.state,
            "outcome": row.outcome,
            "counts": self.counts,
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
                    "metrics": {name: plain(value) for name, value in _metrics(each).items()},
                }
                for each in self.running
            ],
            "failures": self.failures,
            "launches": launches_json(self.launches),
        }


def _counts(row: Any) -> dict[str, int]:
    counts = (row.waiting, row.running, row.complete, row.pruned, row.failures, row.withdrawn)
    return dict(zip(STATES, counts, strict=True))


def _metrics(row: Any) -> dict[str, float]:
    return dict(zip(row.names or (), row.figures or (), strict=True))


def _running_row(row: Any) -> list[str]:
    report = "  ".join(f"{name} {value:.4g}" for name, value in list(_metrics(row).items())[:3])
    step = "" if row.step is None else f"{row.step:,}"
    return [str(row.number), purpose(row.role), f"{row.host}:{row.slot}", shown_duration(row.seconds), step, report]


@dataclass(frozen=True)
class Overview:
    """Every study of a storage, a line each. JSON alone reads each of them in full."""

    session: Session
    rows: Sequence[Any]

    def document(self) -> Document:
        if not self.rows:
            return Document(notes=["no studies in this storage yet"])
        lines = [
            [
                row.name,
                row.search,
                *map(str, _counts(row).values()),
                row.outcome or ("draining" if row.draining else ""),
            ]
            for row in self.rows
        ]
        return Document([Table(STUDIES, lines)])

    def to_json(self) -> list[dict[str, Any]]:
        """`status --json`."""
        return [read_status(self.session, row.name).to_json() for row in self.rows]


def list_studies(session: Session, name: str | None = None) -> list[Any]:
    """Every study's row with its counts; one, if named."""
    return session.run("list_studies", {"name": name})


def read_status(session: Session, name: str) -> Status:
    """One study, which has to exist."""
    (row,) = list_studies(session, name)
    values = {"study_id": row.study_id}
    return Status(
        row=row,
        workers=session.run("read_workers", {**values, "space": WORKER_LOCKS}),
        running=session.run("running_trials", values),
        attempts=session.run("read_attempts", {**values, "number": None}),
        decisions=session.run("read_decisions", values),
        launches=read_launches(session, row.study_id),
    )


def read_overview(session: Session, name: str | None) -> Status | Overview:
    """What `status` prints: the study of this name, or all of them."""
    if name is None:
        return Overview(session, list_studies(session))
    return read_status(session, need_study(session, name).name)
