"""`show --trial`: one trial with its attempts, what it reported, and its files."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from storage.errors import UsageError
from storage.home import home, trial_folder
from storage.reader import Reader
from storage.records import AttemptRow, ReportRow, StudyRow, TrialRow
from storage.session import Session
from studies.definition.units import Units, plain
from studies.tables.digits import number
from studies.tables.sparkline import sparkline
from studies.tables.table import Cell, Column, Document, Figure, Table

MAX_FILES = 100
"""Files of a trial that are listed."""
ATTEMPT_KEYS = (
    *("attempt", "host", "slot", "started_at", "seconds"),
    *("outcome", "message", "tail", "accepted", "refused"),
)
"""Of an attempt in `show --trial --json`: stable."""
MAX_SERIES = 12
"""Reported metrics that are shown."""
SPARKLINE_CELLS = 32
SERIES = [Column("metric"), Column("series"), *(Column(name, right=True) for name in ("min", "max", "last", "reports"))]
ATTEMPTS = [Column("attempt"), Column("where"), Column("seconds", right=True), Column("outcome"), Column("")]


@dataclass(frozen=True)
class TrialStory:
    """One trial with its attempts and what it reported."""

    point: TrialRow
    attempts: Sequence[AttemptRow]
    reports: Sequence[ReportRow]
    log: Path
    files: Sequence[Path]
    """Of its `run_dir`, on this host."""
    units: Units = field(default_factory=Units)

    def to_json(self) -> dict[str, Any]:
        return {
            **trial_json(self.point),
            "attempts": [
                {**{name: getattr(each, name) for name in ATTEMPT_KEYS}, "started_at": str(each.started_at)}
                for each in self.attempts
            ],
            "reports": [
                {"step": row.step, **{name: plain(value) for name, value in row.metrics.items()}}
                for row in self.reports
            ],
            "log": str(self.log),
            "files": [str(file) for file in self.files],
        }

    def document(self) -> Document:
        """For people."""
        point = self.point
        config = ", ".join(f"{name}={value}" for name, value in point.config.items())
        head = [
            f"trial {point.number}: {point.state}"
            + (f" ({point.reason})" if point.reason else "")
            + (f", {point.set_aside.value}: it no longer counts" if point.set_aside is not None else ""),
            f"for: {', '.join(f'{name} {value}' for name, value in point.role.items())}; seed {point.seed}",
            f"config: {config}",
        ]
        if point.metrics:
            metrics = (f"{name} {self.units.text(name, number(v))}" for name, v in point.metrics.items())
            head.append(f"metrics: {', '.join(metrics)}")
        rows: list[list[Cell]] = [
            [
                str(each.attempt),
                f"{each.host}:{each.slot}",
                Figure(each.seconds, form=".2f") if each.seconds is not None else "",
                each.outcome or "running",
                each.message,
            ]
            for each in self.attempts
        ]
        tail = [line for each in self.attempts[-1:] for line in (each.tail or "").splitlines()]
        files = [f"file: {file}" for file in self.files]
        return Document([Table(ATTEMPTS, rows), *self._series()], [*tail, f"log: {self.log}", *files], head)

    def _series(self) -> list[Table]:
        """A line for each reported metric."""
        names = list(dict.fromkeys(name for row in self.reports for name in row.metrics))
        rows: list[list[Cell]] = []
        for name in names[:MAX_SERIES]:
            values = [row.metrics[name] for row in self.reports if name in row.metrics]
            finite = [each for each in values if math.isfinite(each)] or [math.nan]
            figures = [Figure(each) for each in (min(finite), max(finite), values[-1])]
            rows.append([self.units.head(name), sparkline(values, SPARKLINE_CELLS), *figures, str(len(values))])
        steps = f"steps {self.reports[0].step:,} to {self.reports[-1].step:,}" if self.reports else ""
        more = f"; {len(names) - MAX_SERIES} more metrics in --json" if len(names) > MAX_SERIES else ""
        return [Table(SERIES, rows, f"reported, {steps}{more}")] if rows else []


def show_trial(session: Session, study: StudyRow, number: int) -> TrialStory:
    """One trial of a study.

    Raises:
        UsageError: The study has no trial of that number.
    """
    if not 0 <= number < 2**31:
        raise UsageError(f"--trial: {number} is not the number of a trial")
    reader = Reader(session)
    points, _ = reader.some_trials(study.study_id, [number])
    if not points:
        raise UsageError(f"--trial: study {study.name!r} has no trial {number}")
    point = points[0]
    folder = trial_folder(home(), study.folder, study.created_at, number)
    return TrialStory(
        point,
        reader.attempts(study.study_id, [number]),
        reader.reports_of(point.trial_id),
        folder.log(max(1, point.attempt)),
        sorted(file for file in folder.files.rglob("*") if file.is_file())[:MAX_FILES],
        Units.of(study),
    )


def trial_json(row: TrialRow) -> Mapping[str, Any]:
    """One trial as JSON; NaN and infinities as text."""
    return {
        "trial": row.number,
        "state": row.state,
        "round": row.round,
        "role": row.role,
        "config": row.config,
        "seed": row.seed,
        "attempts": row.attempt,
        "seconds": row.seconds,
        "reason": row.reason,
        "retired": row.retired,
        "set_aside": None if row.set_aside is None else row.set_aside.value,
        "metrics": {name: plain(value) for name, value in row.metrics.items()},
    }
