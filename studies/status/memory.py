"""One study in memory, kept up to date by reading only what has changed since the last look.

A finished trial never changes, so a look reads the open trials, then only the trials that are new, have ended or are at
another attempt. Its cost grows with what has happened since, not with the study.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from storage.errors import UsageError
from storage.reader import Reader
from storage.records import AttemptRow, DecisionRow, ReportRow, StudyCounts, StudyRow, TrialRow, TrialState
from storage.session import Session
from studies.history.counts import counted_state
from studies.history.decisions import set_aside_by
from studies.history.trials import FINISHED
from studies.status.status import Status

TRIALS_AT_ONCE = 5_000
"""That one statement reads."""
MAX_REPORTS = 20
"""Of each running trial, the latest."""


@dataclass(frozen=True)
class Seen:
    """One study at one moment."""

    study: StudyRow
    status: Status
    points: Mapping[int, TrialRow]
    """By number, of the trials that the search planned."""
    attempts: Mapping[int, Sequence[AttemptRow]]
    """By the trial's number, first to last."""
    decisions: Sequence[DecisionRow]
    reports: Mapping[int, Sequence[ReportRow]]
    """Of running trials by number, the latest first."""
    version: int
    """It grows whenever anything changes, except for the clock and the reports."""

    @property
    def over(self) -> bool:
        """Nothing more will happen by itself."""
        return self.study.outcome is not None and not self.status.row.running


class History:
    """The memory of one study, brought up to date by `look`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._forget(None)

    def _forget(self, study_id: int | None) -> None:
        self.study_id = study_id
        self.trials = self.version = 0
        self.open: dict[int, tuple[TrialState, int | None]] = {}
        self.states: dict[int, str] = {}
        self.points: dict[int, TrialRow] = {}
        self.attempts: dict[int, list[AttemptRow]] = {}
        self.decisions: list[DecisionRow] = []
        self.last: object = None

    def look(self, session: Session) -> Seen:
        """The study as it is now, all of one moment.

        Raises:
            UsageError: It is no longer there.
        """
        reader = Reader(session)
        with session.snapshot():
            study = reader.find_study(self.name)
            if study is None:
                self._forget(None)
                raise UsageError(f"--study: there is no study {self.name!r} in this storage any more")
            if study.study_id != self.study_id:  # it was deleted and made again
                self._forget(study.study_id)
            extent = reader.extent(study.study_id)
            aside: set[int] = set()
            if extent.decisions > len(self.decisions):
                new = reader.decisions(study.study_id, len(self.decisions))
                aside = {*set_aside_by(new)}
                self.decisions += new
                self.version += 1
            self._read_changed(reader, study.study_id, extent.trials, aside)
            workers = reader.workers(study.study_id)
            running = reader.running_trials(study.study_id)
            reports: dict[int, list[ReportRow]] = {}
            for each in reader.recent_reports(study.study_id, MAX_REPORTS) if running else ():
                reports.setdefault(each.number, []).append(each)
        last = (replace(study, now=study.created_at), [(each.worker_id, each.alive) for each in workers])
        self.version += last != self.last
        self.last = last
        status = Status(
            row=self._counted(study),
            workers=workers,
            running=running,
            attempts=[each for attempts in self.attempts.values() for each in attempts],
            decisions=self.decisions,
        )
        return Seen(study, status, dict(self.points), dict(self.attempts), tuple(self.decisions), reports, self.version)

    def _read_changed(self, reader: Reader, study_id: int, trials: int, aside: Collection[int]) -> None:
        now = {row.number: (row.state, row.attempt) for row in reader.open_trials(study_id)}
        new = range(self.trials, trials)
        changed = {number for number in (*self.open, *new) if self.open.get(number) != now.get(number)} | {*new, *aside}
        every = sorted(changed)
        for numbers in (every[start : start + TRIALS_AT_ONCE] for start in range(0, len(every), TRIALS_AT_ONCE)):
            planned, others = reader.some_trials(study_id, numbers)
            self.states |= others
            for row in planned:
                self._keep(row)
            for number in numbers:
                self.attempts.pop(number, None)
            for attempt in reader.attempts(study_id, numbers):
                self.attempts.setdefault(attempt.number, []).append(attempt)
        self.open, self.trials = now, trials
        self.version += bool(changed)

    def _keep(self, row: TrialRow) -> None:
        self.states[row.number] = counted_state(row)
        self.points[row.number] = row
        if row.retry_of is not None:
            for number, old in self.points.items():
                if old.trial_id == row.retry_of and not old.retired:
                    self.points[number] = replace(old, retired=True)
                    break

    def _counted(self, study: StudyRow) -> StudyCounts:
        counts = Counter(self.states.values())
        names = [each.name for each in fields(StudyCounts)]
        values: dict[str, Any] = {name: getattr(study, name, counts[name.upper()]) for name in names}
        return StudyCounts(**{**values, "failures": counts["FAIL"]})


def finished(points: Iterable[TrialRow]) -> list[TrialRow]:
    """The trials that have ended and are not retired."""
    return [row for row in points if row.state in FINISHED and not row.retired]
