"""`status --watch` in a pipe: the view once, then a line for each change."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime

from storage.errors import UsageError
from storage.records import StudyGlance
from studies.history.purpose import purpose
from studies.history.state import Standing, decision_text, standing_of
from studies.history.trials import FINISHED
from studies.status.memory import Seen
from studies.status.polling import Moment, Polling
from studies.status.status import NO_STUDIES
from studies.status.view import settled_of, view_of
from studies.tables.digits import number
from studies.tables.table import Column, Table
from studies.tables.terminal import one_line, table_lines

POLL_SECONDS = 1.0
"""Between two looks."""
STUDIES_COLUMNS = [Column("study"), Column("search"), Column("state")]
STUDIES_COLUMNS += [Column(name, right=True) for name in ("running", "waiting", "finished")] + [Column("outcome")]


def follow(polling: Polling, name: str | None, log: Callable[[str], None]) -> None:
    """Print until nothing more will happen. A pipe has no width, so nothing is cut.

    Raises:
        UsageError: The study was deleted or renamed meanwhile.
    """
    moment = _look(polling, name)
    if moment.trouble is not None:
        lines = [moment.trouble]
    elif moment.seen is not None:
        lines = view_of(moment.seen, settled_of(moment.seen, whole=True)).lines(None)
    else:
        lines = table_lines(studies_table(moment.studies), None) if moment.studies else [NO_STUDIES]
    for line in lines:
        log(line)
    while not moment.over:
        time.sleep(POLL_SECONDS)
        before, moment = moment, _look(polling, name)
        for line in changes(before, moment):
            log(f"{datetime.now():%H:%M:%S} {one_line(line)}")


def _look(polling: Polling, name: str | None) -> Moment:
    moment = polling.look(name)
    if moment.gone:
        raise UsageError(moment.trouble)
    return moment


def changes(before: Moment, after: Moment) -> list[str]:
    """The changes between two moments, a line each."""
    if after.trouble != before.trouble:
        return [after.trouble or "the storage answers again"]
    if before.seen is not None and after.seen is not None:
        return _of_study(before.seen, after.seen)
    was = {row.name: _summary(row) for row in before.studies}
    now = {row.name: _summary(row) for row in after.studies}
    gone = [f"{name}: deleted" for name in was if name not in now]
    return gone + [f"{name}: {line}" for name, line in now.items() if was.get(name) != line]


def _of_study(before: Seen, after: Seen) -> list[str]:
    if before.version == after.version:
        return []
    score = after.study.score
    lines = []
    for trial, row in sorted(after.points.items()):
        earlier, name = before.attempts.get(trial, ()), f"trial {trial} ({purpose(row.role)})"
        ended = {each.attempt for each in earlier if each.outcome is not None}
        attempts = after.attempts.get(trial, ())
        lines += [f"{name} runs, attempt {each.attempt}" for each in attempts[len(earlier) :] if each.outcome is None]
        for each in attempts:
            if each.outcome not in (None, "completed") and not each.accepted and each.attempt not in ended:
                why = f"{each.outcome.replace('_', ' ')}: {each.message}".removesuffix(": ")
                lines.append(f"trial {trial} {why}; it will be run again")
        old = before.points.get(trial)
        if row.state in FINISHED and (old is None or old.state not in FINISHED):
            value = row.metrics.get(score)
            end = f"{score} {number(value)}" if value is not None else row.reason or "no score"
            lines.append(f"{name}: {row.state}, {end}")
    for decision in after.decisions[len(before.decisions) :]:
        lines.append(decision_text(decision.number, decision.record))
    was, now = (each.status.standing.text for each in (before, after))
    return lines + ([f"{after.study.name}: {now}"] if was != now else [])


def _standing(row: StudyGlance) -> Standing:
    return standing_of(row, row.trials - row.waiting, row.running, row.alive)


def _summary(row: StudyGlance) -> str:
    finished = row.trials - row.waiting - row.running
    return f"{_standing(row).text}; {finished} finished, {row.running} running, {row.waiting} waiting"


def studies_table(rows: Sequence[StudyGlance]) -> Table:
    """All studies, a line each; without a column for what no study has."""
    lines = [
        [row.name, row.search, _standing(row).state.value]
        + [f"{count:,}" if count else "" for count in (row.running, row.waiting)]
        + [f"{row.trials - row.running - row.waiting:,}"]
        + [row.outcome or ""]
        for row in rows
    ]
    return Table(STUDIES_COLUMNS, lines).without_empty_columns()
