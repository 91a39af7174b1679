"""`show --trial`: one trial with its attempts, reports and files."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage.errors import UsageError
from storage.home import home, trial_folder
from storage.reader import Reader
from storage.records import AttemptRow, ReportRow, StudyRow, TrialRow
from storage.session import Session
from studies.definition.units import plain
from studies.tables.table import Cell, Column, Document, Figure, Table

MAX_FILES = 100
"""Files of a trial that are listed."""
ATTEMPT_KEYS = (
    *("attempt", "host", "slot", "started_at", "seconds"),
    *("outcome", "message", "tail", "accepted", "refused"),
)
"""Of an attempt in `show --trial --json`: stable."""
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
            head.append("metrics: " + ", ".join(f"{name} {v:.6g}" for name, v in point.metrics.items()))
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
        return Document([Table(ATTEMPTS, rows)], [*tail, f"log: {self.log}", *files], head)


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
    )


def trial_log(session: Session, study: StudyRow, number: int | None) -> bytes:
    """The log of a trial's last attempt, if it ran on this host; else its last lines from the database.

    Raises:
        UsageError: No trial was named, or there is no log of it here.
    """
    if number is None:
        raise UsageError("needs --trial N", "--log")
    story = show_trial(session, study, number)
    if story.log.exists() and (text := story.log.read_bytes()):
        return text
    kept = [each.tail for each in story.attempts if each.tail]
    last = story.attempts[-1] if story.attempts else None
    if last is not None and last.host == socket.gethostname() and not last.tail:  # an empty log is removed
        return f"the log of trial {number} is empty: it printed nothing\n".encode()
    if not kept:
        raise UsageError(f"--log: trial {number} has no log on this host ({story.log})")
    return str(kept[-1]).encode()


def output_of(session: Session, study: StudyRow, number: int) -> str:
    """A trial's console output, as far as this host and the database have it; else a line that says so."""
    try:
        return trial_log(session, study, number).decode(errors="replace")
    except UsageError as error:
        return f"[{error.what}]\n"
    except OSError as error:
        return f"[its log cannot be read: {error.strerror}]\n"


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
        **({"set_aside": row.set_aside.value} if row.set_aside is not None else {}),
        "metrics": {name: plain(value) for name, value in row.metrics.items()},
    }
