"""A tune study's results: its settings with their means over seeds, the best first; or the front of several scores.

Settings are ranked as a grid's are: those with all their seeds by their mean; below them what is not whole, what misses
a constraint, what was pruned, what failed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from samplers.searches.tune.imported import IMPORTED
from storage.records import DecisionRow, StudyRow, TrialRow
from studies.definition.units import Units, plain
from studies.results.grid_table import (
    cell_values,
    comparison_text,
    score_column,
    score_of,
    sd_column,
    sd_of,
    verdict_of,
    verdict_text,
)
from studies.results.verdicts import VERDICT, Verdict
from studies.settings.grid_cells import Cell, Ranking
from studies.settings.importance import importance_document, importance_json, importance_of
from studies.settings.tuned import Tuned, TunedSetting, tuned
from studies.tables.choice import EVERYTHING, Choice
from studies.tables.digits import number
from studies.tables.table import Cell as TableCell
from studies.tables.table import Column, Document, Figure, Table

MAX_TABLE_SETTINGS = 20
"""Settings that `show` lists without --whole; a CSV has all."""
MAX_TABLE_FAILURES = 10


def show_json(
    study: StudyRow, rows: Sequence[TrialRow], decisions: Sequence[DecisionRow], whole: bool = False
) -> dict[str, Any]:
    """`show --json`: names are stable. In `results` the best setting comes first, those without a score last; `front`
    holds the numbers of its settings; `importance` is there with --whole."""
    found = tuned(rows, decisions, study)
    ranked = found.ranked
    known = {each.number for each in ranked}
    rest = [each for each in found.settings if each.number not in known]
    several = len(found.scores) > 1
    return {
        "search": "tune",
        "results": [_setting_json(each, found) for each in (*ranked, *rest)],
        **({"front": [each.number for each in found.front]} if several else {}),
        "best": None if found.best is None else found.best.number,
        "stopped": _stopped(decisions),
        **({"importance": importance_json(importance_of(study, decisions))} if whole else {}),
    }


def _setting_json(each: TunedSetting, found: Tuned) -> dict[str, Any]:
    cell = each.cell
    several = len(found.scores) > 1
    return {
        "number": each.number,
        "setting": cell.setting,
        "verdict": verdict_text(cell, verdict_of_setting(each, found)),
        **_score_json(cell),
        **({"by_score": _scores_json(each, found)} if several else {}),
        "scores": {str(seed): score for seed, score in sorted(cell.scores.items())},
        "constraints": {text: plain(value) for text, value in each.excess.items()},
        "trials": [row.number for row in cell.rows],
        "failed": [_failure(row) for row in cell.failed],
        "pruned": [_failure(row) for row in cell.pruned],
    }


def _scores_json(each: TunedSetting, found: Tuned) -> dict[str, Any]:
    return {score.metric: _score_json(cell) for score, cell in zip(found.scores, each.cells, strict=True)}


def _score_json(cell: Cell) -> dict[str, Any]:
    return {
        "mean": plain(cell.mean) if cell.scores else None,
        "sd": None if cell.sd is None else plain(cell.sd),
        "n": len(cell.scores),
        "interval": None if cell.interval is None else [plain(bound) for bound in cell.interval],
    }


def _failure(row: TrialRow) -> dict[str, Any]:
    return {"seed": row.seed, "trial": row.number, "reason": row.reason}


def show_document(
    study: StudyRow,
    rows: Sequence[TrialRow],
    decisions: Sequence[DecisionRow],
    whole: bool = False,
    choice: Choice = EVERYTHING,
    uncut: bool = False,
) -> Document:
    """A line a setting, the best first, or one for each of the front; then how many were pruned, and what failed."""
    found, units = tuned(rows, decisions, study), Units.of(study)
    several = len(found.scores) > 1
    listed = found.listed
    if several and not choice.picks:
        listed = found.front_first if whole else found.front

    def values(each: TunedSetting) -> dict[str, Any]:
        return setting_values(each, found)

    chosen = choice.rows(listed, values)
    shown = chosen if whole or uncut or choice.top else chosen[:MAX_TABLE_SETTINGS]
    tables, notes = [], []
    if shown:
        table = settings_table(shown, found, units)
        tables.append(choice.table(table, list(map(values, shown)) if choice.columns else (), units.head))
    if not any(each.cell.scores for each in listed):
        notes.append("no setting has all its scores yet" if several else "no trial has a score yet")
    if len(shown) < len(listed):
        notes.append(f"{len(shown):,} of {len(listed):,} settings{'' if choice.picks else '; --whole shows all'}")
    notes += choice.order_notes
    if several and shown and not choice.picks:
        front = _settings(len(found.front))
        notes.append(f"the front: {front} of {len(found.settings)} that no other one is better than")
        notes += filter(None, [found.no_knee(study.name)])
    notes += filter(None, [None if several else comparison_of(found.ranking)])
    missing = sum(not each.is_feasible for each in found.settings)
    if missing:
        notes.append(f"{_settings(missing)} of {len(found.settings)} missed a constraint")
    if found.ranking.pruned:
        notes.append(f"{_settings(len(found.ranking.pruned))} of {len(found.settings)} pruned, not ranked")
    failed = [(each.number, row) for each in found.settings for row in each.cell.failed]
    if failed:
        tables.append(_failed_table(failed if whole else failed[:MAX_TABLE_FAILURES]))
        if len(failed) > MAX_TABLE_FAILURES and not whole:
            notes.append(f"… and {len(failed) - MAX_TABLE_FAILURES} more trials failed; --whole shows all")
    others = len({row.hash for row in found.others if row.metrics})
    if others:
        notes.append(f"{others} result{'s' * (others != 1)} of settings that the search has not chosen, not ranked")
    if whole:
        importance = importance_document(importance_of(study, decisions))
        tables, notes = [*tables, *importance.tables], [*notes, *importance.notes]
    stopped = _stopped(decisions)
    return Document(tables, [*notes, *([] if stopped is None else [stopped])])


def comparison_of(ranked: Ranking) -> str | None:
    """How sure the best setting is; None while there is no other."""
    if len(ranked.ranked) < 2:
        return None
    seeds = max(len(cell.scores) for cell in ranked.ranked)
    more = f"--set tune.racing='{{max_repeats: {max(5, 2 * seeds)}}}'"
    if not ranked.p:
        return f"one seed each: nothing says how much of the best score is chance; more seeds for the best: {more}"
    return comparison_text(ranked, more)


def setting_values(each: TunedSetting, found: Tuned) -> dict[str, Any]:
    """What a setting can be chosen and ordered by: its configuration, and the mean of each of its metrics."""
    verdict = verdict_of_setting(each, found).value
    means = {score.metric: cell.mean for score, cell in zip(found.scores, each.cells, strict=True) if cell.scores}
    return {**cell_values(each.cell, found.scores[0].metric, verdict), **means, "setting": each.number}


def settings_table(settings: Sequence[TunedSetting], found: Tuned, units: Units) -> Table:
    """A line a setting, in the given order."""
    names = list(dict.fromkeys(name for each in settings for name in each.cell.setting))
    columns = [Column("setting", right=True), *(Column(name, right=True) for name in names)]
    several = len(found.scores) > 1
    for place, score in enumerate(found.scores):
        columns.append(score_column(score.metric, [each.cells[place] for each in settings], units))
        columns += [] if several else [sd_column([each.cells[place] for each in settings])]
    columns += [Column("n", right=True, spare=1), Column(VERDICT), Column("")]
    rows: list[list[TableCell]] = []
    for each in settings:
        verdict = verdict_of_setting(each, found)
        row: list[TableCell] = [str(each.number), *(_value(each.cell.setting, name) for name in names)]
        for cell in each.cells:
            row.append(score_of(cell, verdict in (Verdict.BEST, Verdict.TIE, Verdict.KNEE)))
            row += [] if several else [sd_of(cell)]
        text = verdict_text(each.cell, verdict)
        rows.append([*row, Figure(len(each.cell.scores)), text, _missed(each)])
    return Table(columns, rows)


def _value(setting: Mapping[str, Any], name: str) -> TableCell:
    """A value: people read a number in few digits, programs in full."""
    value = setting.get(name, "–")
    return Figure(value, text=number(value)) if isinstance(value, float) else str(value)


def verdict_of_setting(each: TunedSetting, found: Tuned) -> Verdict:
    """How it stands beside the others."""
    verdict = verdict_of(each.cell, found.ranking)
    if not each.is_feasible:
        return Verdict.MISSES
    if verdict in (Verdict.PRUNED, Verdict.FAILED, Verdict.UNFINISHED, Verdict.NOT_MEASURED) or len(found.scores) == 1:
        return verdict
    if found.knee is not None and each.number == found.knee.number:
        return Verdict.KNEE
    return Verdict.FRONT if each.number in found.front_numbers else Verdict.WORSE


def _missed(each: TunedSetting) -> str:
    return ", ".join(text for text, excess in each.excess.items() if excess > 0)


def _failed_table(failed: Sequence[tuple[int, TrialRow]]) -> Table:
    columns = [Column("failed setting", right=True), Column("seed", right=True), Column("trial", right=True)]
    lines = [[str(number), str(row.seed), str(row.number), row.reason or "no score"] for number, row in failed]
    return Table([*columns, Column("why")], lines, aside=True)


def _settings(count: int) -> str:
    return f"{count} setting{'s' * (count != 1)}"


def _stopped(decisions: Sequence[DecisionRow]) -> str | None:
    """Why no further setting is chosen, if the search stopped before the last one."""
    last = next((row for row in reversed(decisions) if row.kind in ("stopped", "override", IMPORTED)), None)
    return str(last.record["event"]) if last is not None and last.kind == "stopped" else None
