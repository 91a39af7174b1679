"""A report in the dashboard: its figures beside those that workers keep current, its fits in the note's own part."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC
from functools import partial
from typing import TYPE_CHECKING

from storage.dashboard import add_report
from storage.errors import StorageError
from storage.session import Session
from studies.dashboard.own_note import FITS, FITS_END, WholeNote
from studies.drawing.drawn_by_plotly import plotly_json
from studies.figures.labels import shortened
from studies.report.chapters import Chapter, Report, law_row, no_laws_text
from studies.tables.markdown import escaped

if TYPE_CHECKING:
    from studies.report.laws import Fitted

WRITER_SECONDS = 10.0
"""That a worker may keep writing the note before the report gives up."""


def put_into_dashboard(session: Session, report: Report) -> list[str]:
    """Add the report's own figures and its fits to the dashboard of each study; a line each.

    Raises:
        StorageError: Workers keep writing there.
    """
    lines = []
    for chapter in report.chapters:
        figures = {each.key: json.dumps(plotly_json(each)) for each in (*chapter.own, *report.across)}
        added = _added(session, chapter, figures)
        counts = f"{len(added)} figures and {len(chapter.fits)} fits"
        lines.append(f"{chapter.facts.study.name}: {counts} are in the dashboard")
    return lines


def _added(session: Session, chapter: Chapter, figures: Mapping[str, str]) -> list[str]:
    until = time.monotonic() + WRITER_SECONDS
    while True:
        added = add_report(session, chapter.facts.study.study_id, partial(with_fits, chapter=chapter), figures)
        if added is not None:
            return added
        if time.monotonic() > until:
            raise StorageError(f"report: {chapter.facts.study.name}: its note is being written; try again")
        time.sleep(0.2)


def with_fits(note: str, chapter: Chapter) -> str:
    """A note with the report's fits in the readers' part, which workers keep, in place of the last report's."""
    return replace(WholeNote.parse(note), fits=f"{FITS}\n\n{_fits(chapter)}\n\n{FITS_END}").text


def _fits(chapter: Chapter) -> str:
    study = chapter.facts.study
    lines = [_line(fit) for fit in chapter.fits if fit.verdict.is_law]
    none = no_laws_text(chapter.fits) if chapter.fits else f"{shortened(study.name, 60)}: nothing was fitted."
    lines += [escaped(none)] if none else []
    return "\n".join([f"As of {study.now.astimezone(UTC):%Y-%m-%d %H:%M} UTC.", "", *lines])


def _line(fit: Fitted) -> str:
    """A note has no figure beside it, so it gives the formula and the doubts too."""
    row, verdict = law_row(fit), fit.verdict
    assert verdict.chosen is not None
    law = f"{verdict.chosen.formula(*fit.names)} ({row.law})"
    parts = [law, f"exponent at 95 %: {row.exponent}", *verdict.warnings]
    return f"- **{escaped(shortened(row.what, 200))}**: {escaped(shortened('; '.join(filter(None, parts)), 900))}"
