"""A study in a notebook: its trials and series as pandas frames, its figures as plotly's. Every look reads anew."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from storage.errors import UsageError
from storage.reader import Reader
from storage.records import StudyRow, TrialRow
from storage.session import Session
from storage.store import Store
from studies.status.status import read_status

if TYPE_CHECKING:
    from pandas import DataFrame
    from plotly.graph_objects import Figure

TRIAL = [
    *("trial", "state", "round", "role", "param", "value", "seed", "score", "cost", "attempts"),
    *("started_at", "completed_at", "seconds", "reason", "retired"),
]


@dataclass(frozen=True)
class OpenStudy:
    """A study that is looked at; nothing is kept open between two looks."""

    name: str
    store: Store

    @staticmethod
    def of(name: str, storage: str | None) -> OpenStudy:
        """Raises:
        UsageError: There is no such study.
        """
        opened = OpenStudy(name, Store.of(storage))
        with opened._read():
            return opened

    def frame(self) -> DataFrame:
        """One row a trial, by number: what it was for, how it ended, its score and cost, its times, `config.NAME` of
        its whole configuration, `setting.NAME` of a grid's axes and `metrics.NAME` of everything that it returned."""
        pandas = _pandas()
        with self._read() as (session, study):
            rows = Reader(session).trials(study.study_id)
        score, cost = study.origin["score"]["metric"], study.origin.get("cost")
        frame = pandas.DataFrame([_trial(row, score, cost) for row in rows])
        frame = frame.reindex(columns=[*TRIAL, *(name for name in frame.columns if name not in TRIAL)])
        return frame.set_index("trial")

    def series(self) -> DataFrame:
        """One row a report: trial, attempt, step, when, and a column a metric; NaN where it was not told."""
        pandas = _pandas()
        with self._read() as (session, study):
            rows = Reader(session).reports(study.study_id)
        told = [
            {
                "trial": row.number,
                "attempt": row.attempt,
                "step": row.step,
                "reported_at": row.reported_at,
                **{f"metrics.{name}": value for name, value in row.metrics.items()},
            }
            for row in rows
        ]
        fixed = ["trial", "attempt", "step", "reported_at"]
        frame = pandas.DataFrame(told)
        return frame.reindex(columns=[*fixed, *(name for name in frame.columns if name not in fixed)])

    def figures(self) -> dict[str, Figure]:
        """Every figure of its report, by key."""
        from studies.figures.drawn_by_plotly import to_plotly
        from studies.report.chapters import make_report

        with self._read() as (session, _):
            made = make_report(session, [self.name])
        return {picture.key: to_plotly(picture) for picture in made.pictures}

    def _repr_html_(self) -> str:
        with self._read() as (session, study):
            found = read_status(session, study.name)
        counts = (
            ", ".join(f"{count} {state}" for state, count in found.counts.to_json().items() if count) or "no trial yet"
        )
        question = study.origin.get("question")
        return (
            f"<b>{escape(self.name)}</b>, a {study.search} study: {escape(found.standing.text)}<br>"
            f"{f'<i>{escape(question)}</i><br>' if question else ''}{counts}<br>"
            f"score {escape(study.origin['score']['metric'])}: <code>.frame() .series() .figures()</code>"
        )

    @contextmanager
    def _read(self) -> Iterator[tuple[Session, StudyRow]]:
        session = self.store.read()
        try:
            yield session, Reader(session).study(self.name)
        finally:
            session.close()


def _trial(row: TrialRow, score: str, cost: str | None) -> Mapping[str, Any]:
    metrics = row.metrics
    return {
        "trial": row.number,
        "state": row.state,
        "round": row.round,
        "role": row.role.get("role"),
        "param": row.role.get("param"),
        "value": row.role.get("value"),
        "seed": row.seed,
        "score": metrics.get(score, math.nan),
        "cost": metrics.get(cost or "", math.nan),
        "attempts": row.attempt,
        "started_at": row.datetime_start,
        "completed_at": row.datetime_complete,
        "seconds": row.seconds,
        "reason": row.reason,
        "retired": row.retired,
        **{f"setting.{name}": value for name, value in row.role.get("setting", {}).items()},
        **{f"config.{name}": value for name, value in row.config.items()},
        **{f"metrics.{name}": value for name, value in metrics.items()},
    }


def _pandas() -> Any:
    try:
        import pandas
    except ImportError as error:
        raise UsageError("frames need pandas: pip install 'studyhall[report]'") from error
    return pandas
