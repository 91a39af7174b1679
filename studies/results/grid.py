"""A grid study's results: every setting with its mean over seeds, the best first.

Only settings with all their seeds are ranked. Below them stand those of which a seed failed or has not finished, then
those that the pruner gave up, and those without any score.

The interval is Student's, at 95 %, over three seeds or more; of a metric whose values are all above 0 it is cut at 0,
and the row says so. Which settings may be as good as the best is one comparison of all (samplers/searches/best.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from samplers.searches.plural import counted
from storage.records import DecisionRow, TrialRow
from studies.definition.units import Units, plain
from studies.history.purpose import setting_name
from studies.history.versions import versions_of
from studies.results.grid_table import cell_values, comparison_text, settings_table, verdict_of, verdict_text, why
from studies.results.verdicts import Uncounted
from studies.settings.grid_cells import MIN_INTERVAL_SEEDS, Cell, Ranking, differing, left_out, marks_of, ranking
from studies.settings.grid_points import apart
from studies.tables.choice import EVERYTHING, Choice
from studies.tables.digits import number, ranges_text
from studies.tables.table import Column, Document, Table

MAX_TABLE_SETTINGS = 200
"""Settings that `show` lists without --whole; a CSV has all."""


def show_json(
    rows: Sequence[TrialRow], decisions: Sequence[DecisionRow], metric: str, direction: str
) -> dict[str, Any]:
    """`show --json`: names are stable. In `results` the ranked settings come first; settings without a score stand in
    `failed` once a seed of theirs has failed, those that the pruner gave up in `pruned`, and what is not of the grid in
    force in `earlier`. `unfinished` is how many settings have a trial that has yet to end."""
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
                "verdict": verdict_text(cell, verdict_of(cell, ranked)),
                **({"difficulty": marks[id(cell)].difficulty, "mark": marks[id(cell)].mark} if marks else {}),
            }
            for cell in ranked.scored
        ],
        "unfinished": len(ranked.unfinished),
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
    rows: Sequence[TrialRow],
    decisions: Sequence[DecisionRow],
    metric: str,
    direction: str,
    whole: bool = False,
    choice: Choice = EVERYTHING,
    units: Units | None = None,
    uncut: bool = False,
) -> Document:
    """A line a setting, the best first, those without a rank last; below them failed trials, what was filtered, and an
    earlier grid's settings."""
    points, units = apart(rows, decisions), units or Units(score=metric)
    ranked = ranking(points.in_force, metric, direction)
    listed = [*ranked.scored, *ranked.pruned, *ranked.without]

    def values(cell: Cell) -> dict[str, Any]:
        return cell_values(cell, metric, verdict_of(cell, ranked).value)

    chosen = choice.rows(listed, values)
    shown = chosen if whole or uncut or choice.top else chosen[:MAX_TABLE_SETTINGS]
    tables, notes = [], []
    if shown:
        table = settings_table(shown, ranked, metric, differing(listed), units=units)
        tables.append(choice.table(table, [values(cell) for cell in shown] if choice.columns else (), units.head))
    if len(shown) < len(listed):
        notes.append(f"{len(shown):,} of {len(listed):,} settings{'' if choice.picks else '; --whole shows all'}")
    notes += choice.order_notes
    notes += [] if ranked.scored else ["no trial has a score yet"]
    notes += filter(None, (_comparison_text(ranked), _interval_text(shown)))
    failed = [(cell, row) for cell in listed for row in cell.failed]
    if failed:
        lines = [
            [setting_name(cell.setting), str(row.seed), str(row.number), why(row)]
            for cell, row in (failed if whole else failed[:MAX_TABLE_SETTINGS])
        ]
        tables.append(Table([Column("failed"), Column("seed"), Column("trial"), Column("why")], lines, aside=True))
    out = left_out(decisions)
    notes += [f"filtered: {count} settings: {condition}" for condition, count in out["filtered"].items()]
    notes += [f"refused: {count} points: {reason}" for reason, count in out["refused"].items()]
    for kind, rest, sentence in (
        (Uncounted.SEEDS, points.further_seeds, partial(_further_seeds_text, points.in_force)),
        (Uncounted.SETTING, points.other_settings, _earlier_text),
    ):
        cells = _with_scores(ranking(rest, metric, direction))
        if cells:
            notes.append(sentence(cells) if whole else f"{sentence(cells)}; --whole shows them")
            if whole:
                unlike = differing(cells if kind is Uncounted.SEEDS else [*ranked.scored, *cells])
                tables.append(settings_table(cells, ranked, metric, unlike, kind, units))
    return Document(tables, notes)


def _further_seeds_text(in_force: Sequence[TrialRow], cells: Sequence[Cell]) -> str:
    """`seeds 1341-1344 of 9 settings are kept but not counted: the grid's seeds are 1337-1340 now`."""
    seeds = ranges_text(seed for cell in cells for seed in cell.scores)
    now = ranges_text(row.seed for row in in_force if not row.retired)
    whose = counted(len(cells), "setting")
    return f"seeds {seeds} of {whose} are kept but not counted: the grid's seeds are {now} now"


def _earlier_text(cells: Sequence[Cell]) -> str:
    count = len(cells)
    return f"{count} setting{'s' * (count != 1)} of an earlier grid {'are' if count != 1 else 'is'} not ranked"


def _with_scores(ranked: Ranking) -> list[Cell]:
    """Settings with a score, as ranked; the pruned ones last."""
    return [*ranked.scored, *(cell for cell in ranked.pruned if cell.scores)]


def _comparison_text(ranked: Ranking) -> str | None:
    """How many settings the seeds do not set apart from the best, and what would; None if none could be compared. Of a
    grid that is not done, what the best so far is the best of."""
    if ranked.unfinished and ranked.ranked:
        return _so_far_text(ranked)
    if not ranked.p:
        return None
    seeds = max(len(cell.scores) for cell in ranked.ranked)
    return comparison_text(ranked, f"--set grid.repeats={2 * seeds}")


def _so_far_text(ranked: Ranking) -> str:
    """`best so far: of the 2 settings with all seeds; lr 0.01 has a better mean so far, 1.2494 (2 of 3 seeds)`."""
    those = "the only setting" if len(ranked.ranked) == 1 else f"the {len(ranked.ranked)} settings"
    said = f"best so far: of {those} with all seeds, {len(ranked.unfinished)} more to come"
    ahead = ranked.ahead
    if ahead is None:
        return said
    seeds = f"{len(ahead.scores)} of {len(ahead.rows)} seeds"
    return f"{said}; {setting_name(ahead.setting)} has a better mean so far, {number(ahead.mean)} ({seeds})"


def _interval_text(cells: Sequence[Cell]) -> str | None:
    """Once, why settings have no interval."""
    cells = [cell for cell in cells if cell.scores]
    if all(len(cell.scores) >= MIN_INTERVAL_SEEDS for cell in cells):
        return None
    few = "every setting" if all(len(cell.scores) < MIN_INTERVAL_SEEDS for cell in cells) else "some settings"
    return f"no interval where a setting has two seeds or fewer ({few}): they say too little of the spread"


def _failure(row: TrialRow) -> dict[str, Any]:
    return {"seed": row.seed, "trial": row.number, "state": row.state, "reason": why(row)}
