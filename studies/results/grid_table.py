"""The table of a grid's settings: a line each with its mean and interval, its verdict, and what else is to be said."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from samplers.searches.nested import flattened
from samplers.searches.noise import mean
from samplers.searches.plural import counted
from storage.records import TrialRow
from studies.definition.units import Units
from studies.history.versions import versions_mark, versions_of
from studies.results.verdicts import VERDICT, Uncounted, Verdict
from studies.settings.grid_cells import Cell, Ranking, marks_of
from studies.tables.choice import WITH_INTERVAL
from studies.tables.digits import ranges_text
from studies.tables.table import Cell as TableCell
from studies.tables.table import Column, Figure, Table

SECONDS = "seconds"
"""A name that `show` knows of every setting: the mean time of its trials, where they return none of that name."""


def settings_table(
    cells: Sequence[Cell],
    ranked: Ranking,
    metric: str,
    unlike: Mapping[int, Mapping[str, Any]] | None = None,
    earlier: Uncounted | None = None,
    units: Units | None = None,
) -> Table:
    """A line a setting, in the given order.

    Args:
        cells: What is listed.
        ranked: What the verdicts are from.
        metric: The score.
        unlike: The keys that differ between cells of one setting, a column each; by the cell's identity.
        earlier: In place of a verdict, for what is not of the grid in force.
        units: Of the study's metrics.
    """
    unlike, units = unlike or {}, units or Units(score=metric)
    names = list(dict.fromkeys(name for cell in cells for name in cell.setting))
    keys = list(dict.fromkeys(name for cell in cells for name in unlike.get(id(cell), ())))
    marks = marks_of([cell for cell in cells if cell.scores])
    costs = cost_columns(cells, [*names, metric], units)
    columns = [*map(Column, (*names, *keys)), score_column(metric, cells, units), sd_column(cells), *costs]
    columns += [Column("n", right=True), *([Column("difficulty", right=True, spare=1)] * bool(marks))]
    columns += [Column(VERDICT), Column("")]
    rows: list[list[TableCell]] = []
    for cell in cells:
        mark = marks.get(id(cell))
        verdict = None if earlier else verdict_of(cell, ranked)
        rows.append(
            [
                *(setting_value(cell.setting, cell.config, name) for name in names),
                *(str(unlike.get(id(cell), {}).get(key, "–")) for key in keys),
                score_of(cell, verdict in (Verdict.BEST, Verdict.TIE)),
                sd_of(cell),
                *(Figure(mean_of(cell, column.key)) for column in costs),
                Figure(len(cell.scores)),
                *([Figure(None if mark is None else mark.difficulty)] * bool(marks)),
                _table_verdict(cell, ranked) if earlier is None else earlier.value,
                ", ".join(filter(None, (None if mark is None else mark.mark, *_remarks(cell, earlier)))),
            ]
        )
    return Table(columns, rows)


def _table_verdict(cell: Cell, ranked: Ranking) -> str:
    """Of a grid that is not done, the best of what has all its seeds is the best so far."""
    verdict = verdict_of(cell, ranked)
    return f"{verdict.value} so far" if verdict is Verdict.BEST and ranked.unfinished else verdict_text(cell, verdict)


def cost_columns(cells: Sequence[Cell], taken: Sequence[str], units: Units) -> list[Column]:
    """The definition's cost, where trials returned it and no other column has its name."""
    cost = units.cost
    if cost is None or cost in taken or not any(cost in row.metrics for cell in cells for row in cell.rows):
        return []
    return [Column(units.head(cost), right=True, spare=1, key=cost)]


def mean_of(cell: Cell, metric: str) -> float | None:
    """Of a metric, over the setting's complete trials; None without one."""
    known = [row.metrics[metric] for row in cell.rows if row.state == "COMPLETE" and metric in row.metrics]
    return mean(known) if known else None


def score_column(metric: str, cells: Sequence[Cell], units: Units) -> Column:
    """Of means with half of their intervals, where there are some."""
    interval = WITH_INTERVAL if any(cell.interval is not None for cell in cells) else ""
    return Column(f"{units.head(metric)}{interval}", right=True, key=metric)


def score_of(cell: Cell, bold: bool = False) -> Figure:
    """Its mean, with the half of its interval that is never cut."""
    interval = cell.interval
    return Figure(cell.mean if cell.scores else None, None if interval is None else interval[1] - cell.mean, bold=bold)


def sd_column(cells: Sequence[Cell]) -> Column:
    """A terminal leaves it out where every setting has one seed."""
    known = any(cell.scores and cell.sd is not None for cell in cells)
    return Column("sd", right=True, spare=2, only=() if known else ("paper", "data"))


def sd_of(cell: Cell) -> TableCell:
    """The standard deviation over its seeds."""
    return Figure(cell.sd, digits=2) if cell.scores and cell.sd is not None else ""


def verdict_of(cell: Cell, ranked: Ranking) -> Verdict:
    """How it stands beside the others."""
    if cell.pruned:
        return Verdict.PRUNED
    if cell.failed and not cell.is_whole:
        return Verdict.FAILED
    if not cell.is_whole:
        return Verdict.UNFINISHED if cell.scores else Verdict.NOT_MEASURED
    if ranked.ranked and cell is ranked.ranked[0]:
        return Verdict.BEST
    if id(cell) in ranked.tied:
        return Verdict.TIE
    return Verdict.WORSE if len(cell.scores) > 1 else Verdict.WORSE_BY_ONE_SEED


def verdict_text(cell: Cell, verdict: Verdict) -> str:
    """With how many of its seeds that concerns."""
    counted: Mapping[Verdict, Sequence[object] | Mapping[int, float]] = {
        Verdict.PRUNED: cell.pruned,
        Verdict.FAILED: cell.failed,
        Verdict.UNFINISHED: cell.scores,
    }
    return verdict.text(len(counted[verdict]), len(cell.rows)) if verdict in counted else verdict.text()


def cell_values(cell: Cell, metric: str, verdict: str) -> dict[str, Any]:
    """What a setting can be chosen and ordered by: its configuration, and the mean of each of its metrics."""
    done = [row for row in cell.rows if row.state == "COMPLETE"]
    complete = [row.metrics for row in done]
    names = dict.fromkeys(name for metrics in complete for name in metrics)
    return {
        "n": len(cell.scores),
        "sd": cell.sd if cell.scores else None,
        VERDICT: verdict,
        **({SECONDS: mean([row.seconds or math.nan for row in done])} if done else {}),
        **{name: mean([metrics.get(name, math.nan) for metrics in complete]) for name in names},
        **({"score": cell.mean, metric: cell.mean} if cell.scores else {}),
        **flattened(cell.config),
        **cell.setting,
    }


def setting_value(setting: Mapping[str, Any], config: Mapping[str, Any], name: str) -> str:
    """A setting's value; where the axis does not exist (`when`), the config's own, which its trials ran with."""
    if name in setting:
        return str(setting[name])
    own = flattened(config).get(name)
    return "–" if own is None else f"– ({own})"


def why(row: TrialRow) -> str:
    """Why a trial has no score."""
    if row.state == "COMPLETE":
        return "the objective returned no score"
    return row.reason or "no reason kept"


def _remarks(cell: Cell, earlier: Uncounted | None = None) -> list[str | None]:
    return [
        f"seeds {ranges_text(row.seed for row in cell.rows)}" if earlier is Uncounted.SEEDS else None,
        "interval cut at 0" if cell.is_cut else None,
        why(cell.pruned[0]) if cell.pruned else None,
        versions_mark(versions_of(cell.rows)),
    ]


def comparison_text(ranked: Ranking, more: str) -> str:
    """How many settings the seeds do not set apart from the best, with the option that buys `more` seeds.

    Settings with one seed are compared with nothing.
    """
    seeds = max(len(cell.scores) for cell in ranked.ranked)
    compared, alone = len(ranked.ranked) - 1, len(ranked.ranked) - 1 - len(ranked.p)
    sure = f"95 %{f' over all {compared} comparisons' if compared > 1 else ''}, {seeds} seeds"
    rest = f"; {counted(alone, 'setting')} with one seed {'are' if alone > 1 else 'is'} not compared" if alone else ""
    if not ranked.ties:
        whom = "the other" if compared == 1 else "all that have several seeds" if alone else "all others"
        return f"the seeds set the first apart from {whom} ({sure}){rest}"
    others = counted(len(ranked.ties) - 1, "other setting")
    return f"{others} may be as good as the best ({sure}){rest}; more seeds: {more}{_carried_text(ranked.carried)}"


def _carried_text(count: int) -> str:
    """Why a setting that is far enough from the best is a tie all the same."""
    if not count:
        return ""
    those = "1 of them is a tie" if count == 1 else f"{count} of them are ties"
    return f"; {those} only since a worse one is: ties keep the order of the means"
