"""A grid study as people and programs read it: every setting with its mean over seeds, the best first.

The interval is Student's, at 95 %, over the seeds. Settings that the seeds cannot tell apart from the best, by the
paired test of samplers/noise.py over the seeds that both have, are called ties.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import RenderableType

from samplers.grid_settings import flattened
from samplers.noise import deviation, inseparable, mean, standard_error, t975
from storage.ledger import metrics_of
from studies.difficulty_table import TARGET, Mark, marked
from studies.grid_points import apart
from studies.tables.digits import number
from studies.tables.table import Cell as TableCell
from studies.tables.table import Column, Document, Figure, Table
from studies.tables.terminal import rendered
from studies.units import plain

SHOWN = 200
"""Settings that `show` lists, where not all are asked for."""


@dataclass
class Cell:
    """One setting with what became of its seeds."""

    setting: Mapping[str, Any]
    config: Mapping[str, Any]
    rows: list[Any] = field(default_factory=list)
    """Its trials; of a point that was tried anew, the last one."""
    scores: dict[int, float] = field(default_factory=dict)
    """By seed."""
    failed: list[Any] = field(default_factory=list)
    """Trials that ended without a score."""

    @property
    def mean(self) -> float:
        return mean(self.scores.values())

    @property
    def sd(self) -> float | None:
        """Of the sample; None with one seed."""
        return deviation(self.scores.values())

    @property
    def interval(self) -> tuple[float, float] | None:
        """At 95 %, of the mean; None with one seed."""
        error = standard_error(list(self.scores.values()))
        if error is None:
            return None
        reach = t975(len(self.scores) - 1) * error
        return self.mean - reach, self.mean + reach

    def ties_with(self, other: Cell) -> bool:
        """Whether the seeds that both have leave it open which is better."""
        common = sorted(self.scores.keys() & other.scores.keys())
        return inseparable([self.scores[seed] for seed in common], [other.scores[seed] for seed in common])


@dataclass(frozen=True)
class Ranking:
    """All settings of a study."""

    scored: Sequence[Cell]
    """The best first, then in the order of the grid."""
    ties: Sequence[Cell]
    """Of `scored`: the best and those that cannot be told from it; empty if there is none of those."""
    without: Sequence[Cell]
    """No seed has a score: all failed, or none has finished."""


def cells_of(rows: Sequence[Any], metric: str) -> list[Cell]:
    """A cell for each configuration among the rows of `read_points`, in the order of the grid.

    Points that a retry stands in for, and those that were withdrawn, are left out.
    """
    cells: dict[str, Cell] = {}
    for row in in_order(rows):
        key = json.dumps(row.config, sort_keys=True)
        cell = cells.setdefault(key, Cell(row.role.get("setting", {}), row.config))
        cell.rows.append(row)
        score = metrics_of(row.metrics).get(metric, math.nan)
        if row.state == "COMPLETE" and math.isfinite(score):
            cell.scores[row.seed] = score
        elif row.state in ("COMPLETE", "PRUNED", "FAIL"):
            cell.failed.append(row)
    return list(cells.values())


def in_order(rows: Sequence[Any]) -> list[Any]:
    """Rows that stand, as the grid planned them: a retry where the first trial of its point stood."""
    places: dict[int | None, int] = {}
    for row in rows:  # by number, so that a retry comes after what it stands in for
        places[row.trial_id] = places.get(row.retry_of, row.number)
    return sorted((row for row in rows if not row.retired), key=lambda row: places[row.trial_id])


def ranking(rows: Sequence[Any], metric: str, direction: str) -> Ranking:
    """The settings by their mean score."""
    cells = cells_of(rows, metric)
    sign = -1.0 if direction == "maximize" else 1.0
    scored = sorted((cell for cell in cells if cell.scores), key=lambda cell: sign * cell.mean)
    near = [cell for cell in scored[1:] if cell.ties_with(scored[0])]
    return Ranking(scored, [scored[0], *near] if near else [], [cell for cell in cells if not cell.scores])


def left_out(decisions: Sequence[Any]) -> dict[str, dict[str, int]]:
    """What never became a trial of the grid in force: settings by the condition that left them out, points by the
    objective's reason."""
    begun = max((index + 1 for index, row in enumerate(decisions) if row.kind == "override"), default=0)
    told: dict[str, Counter[str]] = {"filtered": Counter(), "refused": Counter()}
    for row in decisions[begun:]:
        for name, counts in told.items():
            counts.update(row.record.get(name, {}))
    return {name: dict(counts) for name, counts in told.items()}


def differing(cells: Sequence[Cell]) -> dict[int, dict[str, Any]]:
    """Of cells that share their setting with another, by the cell's identity: the config's keys that tell them apart,
    dotted, with their values."""
    alike: dict[str, list[Cell]] = {}
    for cell in cells:
        alike.setdefault(json.dumps(cell.setting, sort_keys=True), []).append(cell)
    found: dict[int, dict[str, Any]] = {}
    for group in alike.values():
        configs = [flattened(cell.config) for cell in group] if len(group) > 1 else []
        names = dict.fromkeys(name for config in configs for name in config)
        unlike = [name for name in names if len({json.dumps(config.get(name)) for config in configs}) > 1]
        for cell, config in zip(group, configs, strict=False):
            found[id(cell)] = {name: config.get(name) for name in unlike}
    return found


def show_json(rows: Sequence[Any], decisions: Sequence[Any], metric: str, direction: str) -> dict[str, Any]:
    """`show --json`: names are stable. Settings without a score stand in `failed` once a seed of theirs has failed;
    what is not of the grid in force stands in `earlier`."""
    points = apart(rows, decisions)
    ranked, before = ranking(points.in_force, metric, direction), ranking(points.earlier, metric, direction)
    tied, marks, unlike = {id(cell) for cell in ranked.ties}, marks_of(ranked.scored), differing(ranked.scored)
    unlike_before = differing([*ranked.scored, *before.scored])
    return {
        "search": "grid",
        "results": [
            {
                **_told_json(cell, unlike.get(id(cell), {})),
                "best_tie": id(cell) in tied,
                **({"difficulty": marks[id(cell)].difficulty, "mark": marks[id(cell)].mark} if marks else {}),
            }
            for cell in ranked.scored
        ],
        "failed": [
            {"setting": cell.setting, "failed": [_failure(row) for row in cell.failed]}
            for cell in ranked.without
            if cell.failed
        ],
        "earlier": [_told_json(cell, unlike_before.get(id(cell), {})) for cell in before.scored],
        **left_out(decisions),
    }


def _told_json(cell: Cell, unlike: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "setting": cell.setting,
        "differs": unlike,
        "mean": plain(cell.mean),
        "sd": None if cell.sd is None else plain(cell.sd),
        "n": len(cell.scores),
        "interval": None if cell.interval is None else [plain(bound) for bound in cell.interval],
        "scores": {str(seed): score for seed, score in sorted(cell.scores.items())},
        "failed": [_failure(row) for row in cell.failed],
    }


def show_table(
    rows: Sequence[Any], decisions: Sequence[Any], metric: str, direction: str, whole: bool = False
) -> RenderableType:
    """A line a setting; failed ones, what was left out and what is of an earlier grid below."""
    return rendered(show_document(rows, decisions, metric, direction, whole))


def show_document(
    rows: Sequence[Any], decisions: Sequence[Any], metric: str, direction: str, whole: bool = False
) -> Document:
    """What `show_table` prints, as data."""
    points = apart(rows, decisions)
    ranked = ranking(points.in_force, metric, direction)
    tables, notes = [], []
    if ranked.scored:
        shown = ranked.scored if whole else ranked.scored[:SHOWN]
        tables.append(settings_table(shown, ranked.ties, metric, differing(ranked.scored)))
        if len(shown) < len(ranked.scored):
            notes.append(f"… and {len(ranked.scored) - len(shown)} more")
        if ranked.ties:
            notes.append(f"{len(ranked.ties)} settings cannot be told apart from the best with these seeds")
    else:
        notes.append("no trial has a score yet")
    failed = [(cell, row) for cell in (*ranked.scored, *ranked.without) for row in cell.failed]
    if failed:
        lines = [
            [told(cell.setting), str(row.seed), str(row.number), _why(row)]
            for cell, row in (failed if whole else failed[:SHOWN])
        ]
        tables.append(Table([Column("failed"), Column("seed"), Column("trial"), Column("why")], lines))
    out = left_out(decisions)
    notes += [f"filtered: {count} settings: {condition}" for condition, count in out["filtered"].items()]
    notes += [f"refused: {count} points: {reason}" for reason, count in out["refused"].items()]
    before = ranking(points.earlier, metric, direction)
    if before.scored:
        count = len(before.scored)
        unranked = f"{count} setting{'s' * (count != 1)} of an earlier grid {'are' if count != 1 else 'is'} not ranked"
        notes.append(unranked if whole else f"{unranked}; --whole shows them")
        if whole:
            unlike = differing([*ranked.scored, *before.scored])
            tables.append(settings_table(before.scored, (), metric, unlike, "earlier grid"))
    return Document(tables, notes)


def marks_of(cells: Sequence[Cell]) -> dict[int, Mark]:
    """Of a grid whose trials return a difficulty, each cell's mark, by the cell's identity; else empty."""
    known = []
    for cell in cells:
        values = [metrics_of(row.metrics).get("difficulty") for row in cell.rows if row.seed in cell.scores]
        if not values or None in values:
            return {}
        known.append({"setting": cell.setting, "means": {"difficulty": mean(filter(None, values))}})
    target = cells[0].config.get("target", TARGET) if cells else TARGET
    return {id(cell): mark for cell, mark in zip(cells, marked(known, target), strict=True)}


def told(setting: Mapping[str, Any]) -> str:
    """A setting on one line."""
    return ", ".join(f"{name} {value}" for name, value in setting.items()) or "–"


def settings_table(
    cells: Sequence[Cell],
    ties: Sequence[Cell],
    metric: str,
    unlike: Mapping[int, Mapping[str, Any]] | None = None,
    earlier: str | None = None,
) -> Table:
    """A line a setting, as ranked. In a paper a mean stands with the half of its interval.

    Args:
        unlike: What tells cells of one setting apart, a column each; by the cell's identity.
        earlier: Said of each line in place of which is the best, where they are not of the grid in force.
    """
    unlike = unlike or {}
    names = list(dict.fromkeys(name for cell in cells for name in cell.setting))
    keys = list(dict.fromkeys(name for cell in cells for name in unlike.get(id(cell), ())))
    marks, tied = marks_of(cells), {id(cell) for cell in ties}
    columns = [*map(Column, (*names, *keys)), Column(metric, right=True, only="text")]
    columns += [Column(f"{metric} ± 95 %", right=True, only="paper"), Column("sd", right=True, spare=2)]
    columns += [Column("n", right=True), Column("95 % interval", right=True, only="text", spare=3)]
    columns += [Column("difficulty", right=True, spare=1)] * bool(marks) + [Column("")]
    rows: list[list[TableCell]] = []
    for place, cell in enumerate(cells):
        interval, mark = cell.interval, marks.get(id(cell))
        low_high = "–" if interval is None else f"{number(interval[0])} … {number(interval[1])}"
        reach = None if interval is None else (interval[1] - interval[0]) / 2
        note = earlier or ("best" if place == 0 else "tie with the best" if id(cell) in tied else None)
        failed = f"{len(cell.failed)} failed" if cell.failed else None
        rows.append(
            [
                *(str(cell.setting.get(name, "–")) for name in names),
                *(str(unlike.get(id(cell), {}).get(key, "–")) for key in keys),
                Figure(cell.mean),
                Figure(cell.mean, reach),
                Figure(cell.sd),
                Figure(len(cell.scores)),
                low_high,
                *([] if mark is None else [Figure(mark.difficulty)]),
                ", ".join(filter(None, (note, None if mark is None else mark.mark, failed))),
            ]
        )
    return Table(columns, rows)


def _failure(row: Any) -> dict[str, Any]:
    return {"seed": row.seed, "trial": row.number, "state": row.state, "reason": _why(row)}


def _why(row: Any) -> str:
    if row.state == "COMPLETE":
        return "the objective returned no score"
    return row.reason or "no reason kept"
