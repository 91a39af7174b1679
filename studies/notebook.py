"""A study in a notebook: trials and series as pandas frames, figures of plotly. Every call reads the storage again."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
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

OF_ROW = {name: name for name in ("state", "round", "seed", "seconds", "reason", "retired")}
OF_ROW |= {
    "trial": "number",
    "attempts": "attempt",
    "started_at": "datetime_start",
    "completed_at": "datetime_complete",
}
"""Columns that are fields of a trial's row."""
SERIES_COLUMNS = ("trial", "attempt", "step", "reported_at")
TRIAL = ["trial", "state", "round", "role", "param", "value", "seed", "score", "cost", "attempts"]
TRIAL += ["started_at", "completed_at", "seconds", "reason", "retired"]


@dataclass(frozen=True)
class OpenStudy:
    """A study to read; no connection stays open between two calls."""

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
        """One row a trial, by number: its role, end, score, cost and times, `config.NAME` of its whole configuration,
        `setting.NAME` of a grid's axes and `metrics.NAME` of its results."""
        with self._read() as (session, study):
            rows = Reader(session).trials(study.study_id)
        return _frame([_trial(row, study.score, study.cost) for row in rows], TRIAL).set_index("trial")

    def series(self) -> DataFrame:
        """One row a report: trial, attempt, step, time, and a column a metric; NaN if it was not reported."""
        with self._read() as (session, study):
            rows = Reader(session).reports(study.study_id)
        found = [
            {
                **dict(zip(SERIES_COLUMNS, (row.number, row.attempt, row.step, row.reported_at), strict=True)),
                **{f"metrics.{name}": value for name, value in row.metrics.items()},
            }
            for row in rows
        ]
        return _frame(found, SERIES_COLUMNS)

    def figures(self) -> dict[str, Figure]:
        """Every figure of its report, by key."""
        from studies.drawing.drawn_by_plotly import to_plotly
        from studies.report.chapters import make_report

        with self._read() as (session, _):
            made = make_report(session, [self.name])
        return {picture.key: to_plotly(picture) for picture in made.pictures}

    def _repr_html_(self) -> str:
        with self._read() as (session, study):
            found = read_status(session, study.name)
        counts = found.counts.text.replace("  ", ", ") or "no trial yet"
        question = study.origin.get("question")
        return (
            f"<b>{escape(self.name)}</b>, a {study.search} study: {escape(found.standing.text)}<br>"
            f"{f'<i>{escape(question)}</i><br>' if question else ''}{counts}<br>"
            f"score {escape(study.score)}: <code>.frame() .series() .figures()</code>"
        )

    @contextmanager
    def _read(self) -> Iterator[tuple[Session, StudyRow]]:
        with closing(self.store.read()) as session:
            yield session, Reader(session).study(self.name)


def _trial(row: TrialRow, score: str, cost: str | None) -> Mapping[str, Any]:
    metrics = row.metrics
    return {
        **{name: getattr(row, own) for name, own in OF_ROW.items()},
        **{name: row.role.get(name) for name in ("role", "param", "value")},
        **{name: metrics.get(metric or "", math.nan) for name, metric in (("score", score), ("cost", cost))},
        **{f"setting.{name}": value for name, value in row.role.get("setting", {}).items()},
        **{f"config.{name}": value for name, value in row.config.items()},
        **{f"metrics.{name}": value for name, value in metrics.items()},
    }


def _frame(rows: Sequence[Mapping[str, Any]], first: Sequence[str]) -> DataFrame:
    """Rows as a frame with these columns first."""
    try:
        import pandas
    except ImportError as error:
        raise UsageError("frames need pandas: pip install -e '.[report]'") from error
    frame = pandas.DataFrame(rows)
    return frame.reindex(columns=[*first, *(name for name in frame.columns if name not in first)])
