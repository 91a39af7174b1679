"""Results that were set aside: kept, shown apart, not ranked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from storage.records import TrialRow
from studies.definition.units import plain
from studies.history.purpose import purpose
from studies.tables.table import Cell, Column, Figure, Table

MAX_ROWS = 10
"""That `show` lists without --whole."""


def set_aside_table(rows: Sequence[TrialRow], score: str, whole: bool) -> Table | None:
    """A line a result; None without one."""
    aside, again = _aside(rows), _again(rows)
    lines: list[list[Cell]] = [
        [
            str(row.number),
            purpose(row.role),
            str(row.seed),
            Figure(row.metrics.get(score)),
            f"{how} as trial {again[row.trial_id]}" if row.trial_id in again else how,
        ]
        for row, how in (aside if whole else aside[:MAX_ROWS])
    ]
    columns = [Column("set aside"), Column("for"), Column("seed"), Column(score, right=True), Column("")]
    return Table(columns, lines, aside=True) if lines else None


def set_aside_note(rows: Sequence[TrialRow]) -> str | None:
    """`2 results set aside (1 redone, 1 dropped): they are kept, and count no more`; None without one."""
    counts = Counter(how for _, how in _aside(rows))
    if not counts:
        return None
    total, named = sum(counts.values()), ", ".join(f"{count} {how}" for how, count in counts.items())
    more = "; --whole shows all" if total > MAX_ROWS else ""
    return f"{total} result{'s' * (total != 1)} set aside ({named}): kept, and not counted{more}"


def set_aside_json(rows: Sequence[TrialRow]) -> list[dict[str, Any]]:
    """`show --json`."""
    again = _again(rows)
    return [
        {
            "trial": row.number,
            "how": how,
            "again": again.get(row.trial_id),
            "state": row.state,
            "role": row.role,
            "seed": row.seed,
            "metrics": {name: plain(value) for name, value in row.metrics.items()},
            "code": row.code,
        }
        for row, how in _aside(rows)
    ]


def _aside(rows: Sequence[TrialRow]) -> list[tuple[TrialRow, str]]:
    return [(row, row.set_aside.value) for row in rows if row.set_aside is not None]


def _again(rows: Sequence[TrialRow]) -> dict[int | None, int]:
    """The number of the trial that runs a point again, by the id of the one before."""
    return {row.retry_of: row.number for row in rows if row.retry_of is not None}
