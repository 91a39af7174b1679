"""What is known of one study, kept up to date by reading only what has changed since the last look.

A finished trial never changes, so a look reads what is open, and then those trials alone that were open before and are
not now, or that are new, or that are at another attempt. It costs as much as has happened, however large the study is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from storage.errors import UsageError
from storage.locks import WORKER_LOCKS
from storage.session import Session
from studies.history.trials import FINISHED, withdrawn
from studies.status.status import Status

AT_ONCE = 5_000
"""Trials that one statement asks for."""
REPORTS = 20
"""Of each running trial, the latest."""
COUNTED = {
    "waiting": "WAITING",
    "running": "RUNNING",
    "complete": "COMPLETE",
    "pruned": "PRUNED",
    "failures": "FAIL",
    "withdrawn": "WITHDRAWN",
}
"""Optuna's states, and withdrawn ones apart, by the names that `status` has for their counts."""


@dataclass(frozen=True)
class Seen:
    """One study at one moment."""

    status: Status
    points: Mapping[int, Any]
    """Rows of queries/read_some_points.sql by number, of the trials that a search planned."""
    attempts: Mapping[int, Sequence[Any]]
    """By the trial's number, first to last."""
    decisions: Sequence[Any]
    reports: Mapping[int, Sequence[Any]]
    """Of running trials by number, the latest first."""
    version: int
    """Another one means that something has changed but the clock and the reports."""

    @property
    def study(self) -> Any:
        """The study's row, with its counts."""
        return self.status.row

    @property
    def orphans(self) -> set[int]:
        """RUNNING trials whose worker is gone: nobody runs them."""
        alive = {worker.worker_id for worker in self.status.workers if worker.alive}
        return {row.number for row in self.status.running if row.worker_id not in alive}

    @property
    def over(self) -> bool:
        """Nothing more will come by itself."""
        return self.study.outcome is not None and not self.study.running


class History:
    """The memory of one study: `look` brings it up to date."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._forget(None)

    def _forget(self, study_id: int | None) -> None:
        self.study_id = study_id
        self.trials = self.version = 0
        self.open: dict[int, tuple[str, int | None]] = {}
        self.states: dict[int, str] = {}
        self.points: dict[int, Any] = {}
        self.attempts: dict[int, list[Any]] = {}
        self.decisions: list[Any] = []
        self.told: object = None

    def look(self, session: Session) -> Seen:
        """The study as it is now, all of one moment.

        Raises:
            UsageError: It is no longer there.
        """
        with session.snapshot():
            row = session.one("watch_study", {"name": self.name})
            if row is None:
                self._forget(None)
                raise UsageError(f"--study: there is no study {self.name!r} in this storage any more")
            if row.study_id != self.study_id:  # deleted, and made anew
                self._forget(row.study_id)
            values = {"study_id": row.study_id}
            self._read_changed(session, row.trials)
            if row.decisions > len(self.decisions):
                self.decisions += session.run("later_decisions", {**values, "first": len(self.decisions)})
                self.version += 1
            workers = session.run("read_workers", {**values, "space": WORKER_LOCKS})
            running = session.run("running_trials", values)
            reports: dict[int, list[Any]] = {}
            for each in session.run("recent_reports", {**values, "most": REPORTS}) if running else ():
                reports.setdefault(each.number, []).append(each)
        told = (row, [(each.worker_id, each.alive) for each in workers])
        self.version += told != self.told
        self.told = told
        status = Status(
            row=SimpleNamespace(**row._asdict(), **self._counts()),
            workers=workers,
            running=running,
            attempts=[each for attempts in self.attempts.values() for each in attempts],
            decisions=self.decisions,
        )
        return Seen(status, dict(self.points), dict(self.attempts), tuple(self.decisions), reports, self.version)

    def _read_changed(self, session: Session, trials: int) -> None:
        values = {"study_id": self.study_id}
        now = {row.number: (row.state, row.attempt) for row in session.run("open_trials", values)}
        new = range(self.trials, trials)
        changed = {number for number in (*self.open, *new) if self.open.get(number) != now.get(number)} | set(new)
        for numbers in _chunks(sorted(changed), AT_ONCE):
            for row in session.run("read_some_points", {**values, "numbers": numbers}):
                self._keep(row)
            for number in numbers:
                self.attempts.pop(number, None)
            for row in session.run("read_some_attempts", {**values, "numbers": numbers}):
                self.attempts.setdefault(row.number, []).append(row)
        self.open, self.trials = now, trials
        self.version += bool(changed)

    def _keep(self, row: Any) -> None:
        self.states[row.number] = "WITHDRAWN" if withdrawn(row) else row.state
        if row.hash is None:  # another Optuna program's
            return
        self.points[row.number] = row
        if row.retry_of is not None:
            for number, old in self.points.items():
                if old.trial_id == row.retry_of and not old.retired:
                    self.points[number] = old._replace(retired=True)
                    break

    def _counts(self) -> dict[str, int]:
        counts = Counter(self.states.values())
        return {name: counts[state] for name, state in COUNTED.items()}


def finished(points: Iterable[Any]) -> list[Any]:
    """Those that have ended and still stand."""
    return [row for row in points if row.state in FINISHED and not row.retired]


def _chunks(numbers: Sequence[int], size: int) -> Iterable[Sequence[int]]:
    return (numbers[start : start + size] for start in range(0, len(numbers), size))
