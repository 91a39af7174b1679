"""The tables of a growth: its path, a round's candidates, every candidate of all rounds."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from samplers.searches.noise import mean
from samplers.searches.plan import WAS_PRUNED
from samplers.searches.plural import counted
from storage.records import DecisionRow
from studies.definition.units import Units
from studies.history.certainty import (
    FIGURES,
    certainty_text,
    chosen_of,
    error_of,
    figures_of,
    is_pruned,
    left_out,
    loss_text,
    open_text,
    seeds_text,
    sure_text,
)
from studies.history.decisions import in_force
from studies.history.purpose import candidate_name
from studies.results.verdicts import VERDICT, Verdict
from studies.tables.choice import Choice
from studies.tables.digits import number
from studies.tables.table import NOTES, Cell, Column, Figure, Form, Table

SHOWN_IN: Mapping[str, Sequence[Form]] = {"sure": (), "loss_at_most": ("text", "data"), "again": ("data",)}
"""Which forms of a path have a round's figures: elsewhere they stand in words, or would make it too wide."""
TEXTS: Mapping[str, Callable[[float], str]] = {"sure": sure_text, "loss_at_most": loss_text, "again": str}
CHANGED = "changed"
"""Where a change took effect, in place of a verdict."""
NOTHING_HELPS = "no candidate helps"
"""The event of the round that ended a growth: the line below the table says it."""

Record = Mapping[str, Any]


def path_table(
    records: Sequence[Record], marks: Sequence[str | None], units: Units, events: Sequence[str | None] = ()
) -> Table:
    """A line a round. A terminal has short notes; where there is room, how sure each choice is in words.

    Args:
        records: Of the decisions in force.
        marks: One each, of the results' code.
        units: The study's.
        events: One each, in words; empty: as the records have them.
    """
    score, cost = units.head(units.score) if units.unit(units.score) else "score", units.cost or "cost"
    said = [name for name in FIGURES if any(name in record for record in records)]
    columns = [
        Column("round"),
        Column("chosen"),
        Column("n", right=True, spare=5),
        Column(score, right=True, key="score"),
        Column("gain", right=True),
        Column(f"added {cost}", right=True, spare=3, key="added cost"),
        Column(units.efficiency, right=True, spare=2, key="efficiency"),
        Column(units.head(cost), right=True, spare=4, key="cost"),
        *(Column(name.replace("_", " "), right=True, only=SHOWN_IN[name], spare=1) for name in said),
        Column(VERDICT),
        Column(NOTES, only=("text",)),
        Column(NOTES, only=("paper", "data")),
    ]
    told = events or [each["event"] for each in records]
    rows = [_step(*each, units, said) for each in zip(records, told, marks, strict=True)]
    return Table(columns, rows)


def _step(record: Record, event: str | None, mark: str | None, units: Units, said: Sequence[str]) -> list[Cell]:
    won, round_ = chosen_of(record), str(record["round"])
    if won is None:
        whole = "; ".join(filter(None, (event, certainty_text(record), mark)))
        tried = bool(record["candidates"])
        short = "; ".join(filter(None, (None if event == NOTHING_HELPS else event, left_out(record), mark)))
        return [round_, "–", *[""] * (6 + len(said)), Verdict.NONE.text() if tried else CHANGED, short, whole]
    efficiency = Figure(won["efficiency"], error_of(won, "efficiency"), times=units.efficiency_times)
    cells = [
        Figure(len(won["seeds"])),
        Figure(won["score"]),
        Figure(won["gain"], error_of(won, "gain")),
        Figure(won["added_cost"]),
        efficiency,
        Figure(won["cost"]),
    ]
    known = figures_of(record)
    cells += [Figure(value := known.get(name), text=None if value is None else TEXTS[name](value)) for name in said]
    open_ = "the gain may be none" if open_text(record, won) else None
    short = "; ".join(filter(None, (left_out(record), open_, event, mark)))
    whole = "; ".join(filter(None, (certainty_text(record), event, mark)))
    return [round_, candidate_name(won), *cells, step_verdict(record).text(), short, whole]


def round_table(record: Record, units: Units) -> Table:
    """Every candidate of one round: free gains first, then the best efficiency, then those out of it."""
    baseline = record["baseline"]
    score = f"{units.score} {units.text(units.score, number(baseline['score']))}"
    cost = f"{units.cost or 'cost'} {units.text(units.cost or '', number(baseline['cost']))}"
    seeds = counted(len(baseline["seeds"]), "seed")
    title = f"round {record['round']}, baseline: {score} ({seeds}), {cost}"
    said = "; ".join(filter(None, (title, certainty_text(record) if "rule" in record else None, seeds_text(record))))
    rows = [_candidate(each, units) for each in sorted(record["candidates"], key=_rank)]
    return Table(_candidate_columns(units), rows, said)


def candidates_table(decisions: Sequence[DecisionRow], units: Units, choice: Choice) -> Table:
    """Every candidate of every round in one table.

    Raises:
        UsageError: It has no such column, or no candidate such a value.
    """
    rounds = [row.record for row in in_force(decisions) if row.record["candidates"]]
    every = [(record, each) for record in rounds for each in sorted(record["candidates"], key=_rank)]
    chosen = choice.rows(every, lambda pair: _values(*pair, units))
    rows = [[str(record["round"]), *_candidate(each, units)] for record, each in chosen]
    values = [_values(*pair, units) for pair in chosen] if choice.columns else []
    return choice.table(Table([Column("round"), *_candidate_columns(units)], rows), values, units.head)


def step_verdict(record: Record) -> Verdict:
    """Of a step of the path."""
    won = chosen_of(record)
    assert won is not None
    if left_out(record) and not any(each["gain"] is not None for each in record["candidates"] if each is not won):
        return Verdict.UNRIVALLED
    return Verdict.TIE if won["tie"] else Verdict.BEST


def _candidate_columns(units: Units) -> list[Column]:
    score, cost = units.head(units.score) if units.unit(units.score) else "score", units.cost or "cost"
    return [
        Column("candidate"),
        Column("n", right=True),
        Column(score, right=True, key="score"),
        Column(units.head(cost), right=True, key="cost"),
        Column("gain", right=True),
        Column(f"added {cost}", right=True, key="added cost"),
        Column(units.efficiency, right=True, key="efficiency"),
        Column(VERDICT),
        Column(""),
    ]


def _candidate(each: Mapping[str, Any], units: Units) -> list[Cell]:
    verdict, times = _verdict(each), units.efficiency_times
    is_bold = verdict in (Verdict.BEST, Verdict.TIE)
    return [
        candidate_name(each),
        Figure(len(each["seeds"]) or None),
        Figure(each["score"]),
        Figure(each["cost"]),
        Figure(each["gain"], error_of(each, "gain")),
        Figure(each["added_cost"]),
        Figure(each["efficiency"], error_of(each, "efficiency"), times=times, bold=is_bold),
        verdict.text(),
        ""
        if each["reason"] in (None, "no gain")
        else re.sub(f"{WAS_PRUNED}: pruned:? ", f"{WAS_PRUNED} ", each["reason"]),
    ]


def _verdict(each: Mapping[str, Any]) -> Verdict:
    """How a candidate stands in its round."""
    if each["chosen"]:
        return Verdict.BEST
    if each["tie"]:
        return Verdict.TIE
    if each["gain"] is None and each["reason"] is not None:
        return Verdict.PRUNED if is_pruned(each) else Verdict.FAILED
    return Verdict.WORSE


def _values(record: Record, each: Mapping[str, Any], units: Units) -> dict[str, Any]:
    """What a candidate can be chosen and ordered by: its place, its figures, the means of its metrics."""
    seeds = [seed["metrics"] for seed in each["seeds"]]
    names = [name for name in (seeds[0] if seeds else {}) if all(name in metrics for metrics in seeds)]
    known = {name: mean(metrics[name] for metrics in seeds) for name in names}
    figures = {name: each[name] for name in ("score", "cost", "gain", "added_cost", "efficiency")}
    figures |= {units.score: each["score"], **({units.cost: each["cost"]} if units.cost is not None else {})}
    place = {"round": record["round"], "candidate": candidate_name(each), "param": each["param"]}
    place |= {"value": each["value"], each["param"]: each["value"], "n": len(seeds)}
    return {**known, **figures, **place, VERDICT: _verdict(each).value}


def _rank(candidate: Mapping[str, Any]) -> tuple[bool, bool, bool, float]:
    """In the order in which a round chooses: free gains first, which have no efficiency."""
    is_free = candidate["eligible"] and candidate["efficiency"] is None
    worth = candidate["gain"] if is_free else candidate["efficiency"]
    return not candidate["chosen"], not candidate["eligible"], not is_free, -(worth or 0.0)
