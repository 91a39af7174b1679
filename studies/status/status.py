"""Where studies stand: counts, workers, what runs, what failed. Reads only, without torch or Optuna."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from storage.reader import Reader
from storage.records import AttemptRow, DecisionRow, RunningTrial, StudyCounts, WorkerRow
from storage.session import Session
from studies.definition.units import plain, shown_duration
from studies.history.state import decided, state_of
from studies.launch.launcher import Launch, read_launches
from studies.launch.states import launch_lines, launches_json

STATES = ("waiting", "running", "complete", "pruned", "failed", "withdrawn")
LAUNCHES = 3  # the last ones are shown
GROUND = 2  # finished trials before a rate means anything


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
    def counts(self) -> dict[str, int]:
        return _counts(self.row)

    @property
    def state(self) -> str:
        """One word for where it is."""
        return state_of(self.row, any(worker.alive for worker in self.workers))

    @property
    def mean_seconds(self) -> float | None:
        """Of the trials that completed; None before there is ground."""
        times = [row.seconds or 0.0 for row in self.attempts if row.accepted and row.state == "COMPLETE"]
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
        """What there is to do, where it does not go on by itself."""
        row, again = self.row, f"`run {self.row.search} --study {self.row.name}"
        alive = {(worker.host, worker.pid) for worker in self.workers if worker.alive}
        left = [str(each.number) for each in self.running if (each.host, each.pid) not in alive]
        told = []
        if left:
            who = f"trial{'s' * (len(left) > 1)} {', '.join(left)}: the worker is gone"
            told.append(f"{who}; " + ("another one takes over" if alive else f"{again}` takes over"))
        if row.max_trials is not None and row.waiting and sum(self.counts.values()) - row.waiting >= row.max_trials:
            told.append(f"the budget of {row.max_trials} trials is used up; {again} --max-trials N` raises it")
        elif row.late and row.outcome is None:
            told.append(f"the time is up; {again} --timeout DURATION` gives it more")
        elif row.outcome is not None and row.outcome.endswith("steps are done"):
            told.append(f"{again} --steps N` goes on")
        elif row.outcome is None and not alive and not left:
            told.append(f"{again}` goes on")
        return told

    @property
    def failures(self) -> dict[str, int]:
        """Attempts that did not end well, by why."""
        bad = (row for row in self.attempts if row.outcome not in (None, "completed"))
        return dict(Counter(f"{row.outcome}: {row.message}".removesuffix(": ") for row in bad).most_common())

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
                    "metrics": {name: plain(value) for name, value in each.metrics.items()},
                }
                for each in self.running
            ],
            "failures": self.failures,
            "launches": launches_json(self.launches),
        }


def _counts(row: StudyCounts) -> dict[str, int]:
    counts = (row.waiting, row.running, row.complete, row.pruned, row.failures, row.withdrawn)
    return dict(zip(STATES, counts, strict=True))


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


def studies_table(rows: Sequence[StudyCounts]) -> RenderableType:
    """All studies, a line each."""
    if not rows:
        return Text("no studies in this storage yet")
    table = Table("study", "search", *STATES, "outcome", box=None, pad_edge=False)
    for row in rows:
        state = row.outcome or ("draining" if row.draining else "")
        table.add_row(row.name, row.search, *map(str, _counts(row).values()), state)
    return table


def study_view(status: Status) -> RenderableType:
    """One study: counts, what runs, who works, the last rounds, what failed."""
    row = status.row
    counts = "  ".join(f"{count} {name}" for name, count in status.counts.items() if count)
    head = f"{row.name} ({row.search}): {row.outcome or status.state}\n{counts or 'nothing planned yet'}"
    if status.seconds_left is not None:
        head += f"\nabout {shown_duration(status.seconds_left)} to the end of this round"
    parts: list[RenderableType] = [Text(head)]
    parts += [Text(line) for line in status.advice]
    if status.running:
        parts.append(_running_table(status.running))
    alive = [each for each in status.workers if each.alive]
    if alive:
        parts.append(
            Text("workers: " + ", ".join(f"{each.host}:{each.pid} ({len(each.slots)} slots)" for each in alive))
        )
    parts += [Text(line) for line in launch_lines(status.launches[-LAUNCHES:])]
    for decision in status.decisions[-3:]:
        parts.append(Text(f"round {decision.record.get('round', decision.number)}: {decided(decision.record)}"))
    parts += [Text(f"{count} × {cause}") for cause, count in status.failures.items()]
    return Group(*parts)


def _running_table(rows: Sequence[RunningTrial]) -> Table:
    table = Table("trial", "what", "slot", "for", "step", "last report", box=None, pad_edge=False)
    for each in rows:
        what = f"{each.role['param']}={each.role['value']}" if "param" in each.role else str(each.role.get("role", ""))
        said = "  ".join(f"{name} {value:.4g}" for name, value in list(each.metrics.items())[:3])
        step = "" if each.step is None else str(each.step)
        table.add_row(str(each.number), what, f"{each.host}:{each.slot}", shown_duration(each.seconds), step, said)
    return table


def overview(session: Session, name: str | None) -> Any:
    """`status --json`: one study, or all of them."""
    if name is not None:
        return read_status(session, Reader(session).study(name).name).to_json()
    return [read_status(session, row.name).to_json() for row in Reader(session).studies()]


def glance(session: Session, name: str | None) -> RenderableType:
    """What `status` shows."""
    if name is None:
        return studies_table(Reader(session).studies())
    return study_view(read_status(session, Reader(session).study(name).name))
