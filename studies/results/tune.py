"""A tune study's results: its settings with their means over seeds, the best first.

Settings are ranked as a grid's are: those with all their seeds by their mean; below them what failed or was pruned.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from storage.records import DecisionRow, Score, TrialRow
from studies.definition.units import plain
from studies.results.grid_cells import Cell, Ranking, ranking
from studies.tables.digits import number
from studies.tables.table import Cell as TableCell
from studies.tables.table import Column, Document, Figure, Table

MAX_TABLE_SETTINGS = 20
"""Settings that `show` lists without --whole."""
MAX_TABLE_FAILURES = 10


def show_json(rows: Sequence[TrialRow], decisions: Sequence[DecisionRow], scores: Sequence[Score]) -> dict[str, Any]:
    """`show --json`: names are stable. In `results` the ranked settings come first, the best first of all."""
    found = ranking(rows, *scores[0])
    cells = [*found.scored, *found.pruned, *found.without]
    return {
        "search": "tune",
        "results": [_setting_json(cell, found) for cell in cells],
        "stopped": _stopped(decisions),
    }


def _setting_json(cell: Cell, found: Ranking) -> dict[str, Any]:
    return {
        "number": number_of(cell),
        "setting": cell.setting,
        "mean": plain(cell.mean) if cell.scores else None,
        "sd": None if cell.sd is None else plain(cell.sd),
        "n": len(cell.scores),
        "interval": None if cell.interval is None else [plain(bound) for bound in cell.interval],
        "scores": {str(seed): score for seed, score in sorted(cell.scores.items())},
        "best": bool(found.ranked) and cell is found.ranked[0],
        "trials": [row.number for row in cell.rows],
        "failed": [{"seed": row.seed, "trial": row.number, "reason": row.reason} for row in cell.failed],
        "pruned": [{"seed": row.seed, "trial": row.number, "reason": row.reason} for row in cell.pruned],
    }


def show_document(
    rows: Sequence[TrialRow], decisions: Sequence[DecisionRow], scores: Sequence[Score], whole: bool = False
) -> Document:
    """A line a setting, the best first; then how many were pruned, and what failed."""
    found = ranking(rows, *scores[0])
    shown = found.scored if whole else found.scored[:MAX_TABLE_SETTINGS]
    tables = [settings_table(shown, scores[0].metric, found)] if shown else []
    notes = [] if shown else ["no trial has a score yet"]
    if len(shown) < len(found.scored):
        notes.append(f"… and {len(found.scored) - len(shown)} more; --whole shows all")
    if found.pruned:
        notes.append(f"{_settings(len(found.pruned))} pruned, not ranked")
    failed = [(cell, row) for cell in (*found.scored, *found.pruned, *found.without) for row in cell.failed]
    if failed:
        lines = [
            [str(number_of(cell)), str(row.seed), str(row.number), row.reason or ""]
            for cell, row in (failed if whole else failed[:MAX_TABLE_FAILURES])
        ]
        columns = [Column("failed setting", right=True), Column("seed", right=True), Column("trial", right=True)]
        tables.append(Table([*columns, Column("why")], lines))
    stopped = _stopped(decisions)
    return Document(tables, [*notes, *([] if stopped is None else [stopped])])


def settings_table(cells: Sequence[Cell], metric: str, found: Ranking) -> Table:
    """A line a setting, as ranked."""
    names = list(dict.fromkeys(name for cell in cells for name in cell.setting))
    columns = [Column("setting", right=True), *(Column(name, right=True) for name in names)]
    columns += [Column(metric, right=True, only="text"), Column(f"{metric} ± 95 %", right=True, only="paper")]
    columns += [Column("sd", right=True, spare=2), Column("n", right=True, spare=1)]
    columns += [Column("95 % interval", right=True, only="text", spare=3), Column("")]
    rows: list[list[TableCell]] = []
    for cell in cells:
        interval = cell.interval
        low_high = "–" if interval is None else f"{number(interval[0])} … {number(interval[1])}"
        rows.append(
            [
                str(number_of(cell)),
                *(value_text(cell.setting.get(name, "–")) for name in names),
                Figure(cell.mean),
                Figure(cell.mean, None if interval is None else interval[1] - cell.mean),
                Figure(cell.sd),
                Figure(len(cell.scores)),
                low_high,
                _note(cell, found),
            ]
        )
    return Table(columns, rows)


def number_of(cell: Cell) -> int:
    """The number of a setting: the how-manieth it was chosen."""
    return int(cell.rows[0].role.get("number", -1))


def value_text(value: object) -> str:
    """A value of a setting in at most six digits."""
    return number(value) if isinstance(value, float) else str(value)


def _note(cell: Cell, found: Ranking) -> str:
    if not cell.is_whole:
        return f"{len(cell.scores)} of {len(cell.rows)} seeds, not ranked"
    if cell is found.ranked[0]:
        return "best"
    return "tie with the best" if any(cell is each for each in found.ties) else ""


def _settings(count: int) -> str:
    return f"{count} settings were" if count != 1 else "1 setting was"


def _stopped(decisions: Sequence[DecisionRow]) -> str | None:
    """Why no further setting is chosen, if the search stopped before the last one."""
    last = next((row for row in reversed(decisions) if row.kind in ("stopped", "override")), None)
    return str(last.record["event"]) if last is not None and last.kind == "stopped" else None
