"""A grid study's results: every setting with its mean over seeds, the best first.

Only settings with all their seeds are ranked. Below them stand those of which a seed failed or has not finished, and
then, under their own word, those that the pruner gave up.

The interval is Student's, at 95 %, over three seeds or more; of a metric whose values are all above 0 it is cut at 0,
and the row says so. Which settings may be as good as the best is one comparison of all (samplers/searches/best.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from samplers.searches.nested import flattened
from storage.records import DecisionRow, TrialRow
from studies.definition.units import plain
from studies.history.grid_points import apart
from studies.history.purpose import setting_name
from studies.history.versions import versions_mark, versions_of
from studies.results.grid_cells import MIN_INTERVAL_SEEDS, Cell, Ranking, differing, left_out, marks_of, ranking
from studies.tables.digits import number
from studies.tables.table import Cell as TableCell
from studies.tables.table import Column, Document, Figure, Table

MAX_TABLE_SETTINGS = 200
"""Settings that `show` lists without --whole."""


def show_json(
    rows: Sequence[TrialRow], decisions: Sequence[DecisionRow], metric: str, direction: str
) -> dict[str, Any]:
    """`show --json`: names are stable. In `results` the ranked settings come first; settings without a score stand in
    `failed` once a seed of theirs has failed, those that the pruner gave up in `pruned`, and what is not of the grid in
    force in `earlier`."""
    points = apart(rows, decisions)
    ranked, before = ranking(points.in_force, metric, direction), ranking(points.earlier, metric, direction)
    tied, marks = {id(cell) for cell in ranked.ties}, marks_of(ranked.scored)
    earlier = _with_scores(before)
    unlike, unlike_before = differing([*ranked.scored, *ranked.pruned]), differing([*ranked.scored, *earlier])
    return {
        "search": "grid",
        "results": [
            {
                **_cell_json(cell, unlike.get(id(cell), {})),
                "ranked": cell.is_whole,
                "best_tie": id(cell) in tied,
                "p_best": ranked.p.get(id(cell)),
                **({"difficulty": marks[id(cell)].difficulty, "mark": marks[id(cell)].mark} if marks else {}),
            }
            for cell in ranked.scored
        ],
        "failed": [
            {"setting": cell.setting, "failed": [_failure(row) for row in cell.failed]}
            for cell in ranked.without
            if cell.failed
        ],
        "pruned": [
            {**_cell_json(cell, unlike.get(id(cell), {})), "pruned": [_failure(row) for row in cell.pruned]}
            for cell in ranked.pruned
        ],
        "earlier": [_cell_json(cell, unlike_before.get(id(cell), {})) for cell in earlier],
        **left_out(decisions),
    }


def _cell_json(cell: Cell, unlike: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "setting": cell.setting,
        "differs": unlike,
        "mean": plain(cell.mean) if cell.scores else None,
        "sd": None if cell.sd is None else plain(cell.sd),
        "n": len(cell.scores),
        "interval": None if cell.interval is None else [plain(bound) for bound in cell.interval],
        "interval_cut": cell.is_cut,
        "scores": {str(seed): score for seed, score in sorted(cell.scores.items())},
        "failed": [_failure(row) for row in cell.failed],
        **({"code": versions} if len(versions := versions_of(cell.rows)) > 1 else {}),
    }


def show_document(
    rows: Sequence[TrialRow], decisions: Sequence[DecisionRow], metric: str, direction: str, whole: bool = False
) -> Document:
    """A line a setting, the best first; below them pruned settings, failed trials, what was filtered, and an earlier
    grid's settings."""
    points = apart(rows, decisions)
    ranked = ranking(points.in_force, metric, direction)
    tables, notes = [], []
    if ranked.scored:
        shown = ranked.scored if whole else ranked.scored[:MAX_TABLE_SETTINGS]
        tables.append(settings_table(shown, ranked.ties, metric, differing(ranked.scored)))
        if len(shown) < len(ranked.scored):
            notes.append(f"… and {len(ranked.scored) - len(shown)} more")
        notes += filter(None, (_comparison_text(ranked), _interval_text(shown)))
    else:
        notes.append("no trial has a score yet")
    if ranked.pruned:
        given_up = ranked.pruned if whole else ranked.pruned[:MAX_TABLE_SETTINGS]
        tables.append(_pruned_table(given_up, metric))
        notes.append(_pruned_text(len(ranked.pruned), len(given_up)))
    failed = [(cell, row) for cell in (*ranked.scored, *ranked.pruned, *ranked.without) for row in cell.failed]
    if failed:
        lines = [
            [setting_name(cell.setting), str(row.seed), str(row.number), _why(row)]
            for cell, row in (failed if whole else failed[:MAX_TABLE_SETTINGS])
        ]
        tables.append(Table([Column("failed"), Column("seed"), Column("trial"), Column("why")], lines))
    out = left_out(decisions)
    notes += [f"filtered: {count} settings: {condition}" for condition, count in out["filtered"].items()]
    notes += [f"refused: {count} points: {reason}" for reason, count in out["refused"].items()]
    earlier = _with_scores(ranking(points.earlier, metric, direction))
    if earlier:
        count = len(earlier)
        unranked = f"{count} setting{'s' * (count != 1)} of an earlier grid {'are' if count != 1 else 'is'} not ranked"
        notes.append(unranked if whole else f"{unranked}; --whole shows them")
        if whole:
            unlike = differing([*ranked.scored, *earlier])
            tables.append(settings_table(earlier, (), metric, unlike, "earlier grid"))
    return Document(tables, notes)


def settings_table(
    cells: Sequence[Cell],
    ties: Sequence[Cell],
    metric: str,
    unlike: Mapping[int, Mapping[str, Any]] | None = None,
    earlier: str | None = None,
) -> Table:
    """A line a setting, as ranked. In a paper a mean stands with the half of its interval.

    Args:
        unlike: The keys that differ between cells of one setting, a column each; by the cell's identity.
        earlier: The note of every line, for settings that are not of the grid in force.
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
        reach = None if interval is None else interval[1] - cell.mean
        note = earlier or _note(cell, place, id(cell) in tied)
        failed = f"{len(cell.failed)} failed" if cell.failed else None
        mixed = versions_mark(versions_of(cell.rows))
        cut = "interval cut at 0" if cell.is_cut else None
        rows.append(
            [
                *(setting_value(cell.setting, cell.config, name) for name in names),
                *(str(unlike.get(id(cell), {}).get(key, "–")) for key in keys),
                Figure(cell.mean),
                Figure(cell.mean, reach),
                Figure(cell.sd),
                Figure(len(cell.scores)),
                low_high,
                *([] if mark is None else [Figure(mark.difficulty)]),
                ", ".join(filter(None, (note, None if mark is None else mark.mark, failed, cut, mixed))),
            ]
        )
    return Table(columns, rows)


def setting_value(setting: Mapping[str, Any], config: Mapping[str, Any], name: str) -> str:
    """A setting's value; where the axis does not exist (`when`), the config's own, which its trials ran with."""
    if name in setting:
        return str(setting[name])
    own = flattened(config).get(name)
    return "–" if own is None else f"– ({own})"


def _note(cell: Cell, place: int, tied: bool) -> str | None:
    if not cell.is_whole:
        return f"{len(cell.scores)} of {len(cell.rows)} seeds, not ranked"
    return "best" if place == 0 else "tie with the best" if tied else None


def _pruned_table(cells: Sequence[Cell], metric: str) -> Table:
    """A line a setting: its mean over the seeds that had ended, and the trial in which the pruner gave it up."""
    columns = [Column("pruned"), Column(metric, right=True), Column("n", right=True), Column("trial"), Column("why")]
    rows = [
        [
            setting_name(cell.setting),
            Figure(cell.mean) if cell.scores else "–",
            Figure(len(cell.scores)),
            str(cell.pruned[0].number),
            _why(cell.pruned[0]),
        ]
        for cell in cells
    ]
    return Table(columns, rows)


def _pruned_text(count: int, shown: int) -> str:
    settings = (
        f"{count} setting{'s were' if count != 1 else ' was'} pruned and {'are' if count != 1 else 'is'} not ranked"
    )
    return settings if shown == count else f"{settings}; --whole shows all of them"


def _with_scores(ranked: Ranking) -> list[Cell]:
    """Settings with a score, as ranked; the pruned ones last."""
    return [*ranked.scored, *(cell for cell in ranked.pruned if cell.scores)]


def _comparison_text(ranked: Ranking) -> str | None:
    """How many settings the seeds do not set apart from the best, and what would; None if none could be compared."""
    if not ranked.p:
        return None
    seeds = max(len(cell.scores) for cell in ranked.ranked)
    compared = len(ranked.ranked) - 1
    sure = f"95 %{f' over all {compared} comparisons' if compared > 1 else ''}, {seeds} seeds"
    if not ranked.ties:
        return f"the seeds set the first apart from {'all others' if compared > 1 else 'the other'} ({sure})"
    return (
        f"{len(ranked.ties)} settings may be as good as the best ({sure}); more seeds: --set grid.repeats={2 * seeds}"
    )


def _interval_text(cells: Sequence[Cell]) -> str | None:
    """Once, why settings have no interval."""
    if all(len(cell.scores) >= MIN_INTERVAL_SEEDS for cell in cells):
        return None
    few = "every setting" if all(len(cell.scores) < MIN_INTERVAL_SEEDS for cell in cells) else "some settings"
    return f"no interval where a setting has two seeds or fewer ({few}): they say too little of the spread"


def _failure(row: TrialRow) -> dict[str, Any]:
    return {"seed": row.seed, "trial": row.number, "state": row.state, "reason": _why(row)}


def _why(row: TrialRow) -> str:
    if row.state == "COMPLETE":
        return "the objective returned no score"
    return row.reason or "no reason kept"
