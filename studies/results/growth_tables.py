"""The tables of a growth: its path, a round's candidates, every candidate of all rounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from samplers.searches.noise import mean
from storage.records import DecisionRow
from studies.definition.units import Units
from studies.history.certainty import certainty_text, error_of, figures_of, seeds_text
from studies.history.decisions import in_force
from studies.history.purpose import candidate_name
from studies.results.verdicts import VERDICT, Verdict
from studies.tables.choice import Choice
from studies.tables.digits import number
from studies.tables.table import Cell, Column, Figure, Table

CERTAINTY = ("sure", "loss_at_most", "again")
"""Of a path, where a program or a paper reads it: a terminal has them in words."""

Record = Mapping[str, Any]


def path_table(records: Sequence[Record], marks: Sequence[str | None], units: Units) -> Table:
    """A line a round, with its notes."""
    score, cost = units.head(units.score) if units.unit(units.score) else "score", units.cost or "cost"
    figures = [
        Column(score, right=True, key="score"),
        Column("gain", right=True),
        Column(f"added {cost}", right=True, spare=3, key="added cost"),
        Column(units.efficiency, right=True, spare=2, key="efficiency"),
        Column(units.head(cost), right=True, spare=4, key="cost"),
    ]
    said = [name for name in CERTAINTY if any(name in record for record in records)]
    figures += [Column(name.replace("_", " "), right=True, only="paper") for name in said]
    columns = [Column("round"), Column("chosen"), *figures, Column(VERDICT), Column("notes", spare=1)]
    rows: list[list[Cell]] = []
    for record, mark in zip(records, marks, strict=True):
        won = next((each for each in record["candidates"] if each["chosen"]), None)
        if won is None:
            notes = "; ".join(filter(None, (record["event"], certainty_text(record), mark)))
            rows.append([str(record["round"]), "–", *[""] * len(figures), "", notes])
            continue
        cells = [Figure(won["score"]), Figure(won["gain"], error_of(won, "gain")), Figure(won["added_cost"])]
        error = error_of(won, "efficiency")
        known = figures_of(record)
        cells += [Figure(won["efficiency"], error, times=units.efficiency_times), Figure(won["cost"])]
        cells += [Figure(known.get(name)) for name in said]
        notes = "; ".join(filter(None, (certainty_text(record), record["event"], mark)))
        rows.append([str(record["round"]), candidate_name(won), *cells, step_verdict(won).text(), notes])
    return Table(columns, rows)


def round_table(record: Record, units: Units) -> Table:
    """Every candidate of one round, the best efficiency first, then those out of it."""
    baseline = record["baseline"]
    score = f"{units.score} {units.text(units.score, number(baseline['score']))}"
    cost = f"{units.cost or 'cost'} {units.text(units.cost or '', number(baseline['cost']))}"
    title = f"round {record['round']}, baseline: {score}, {cost}"
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


def step_verdict(won: Mapping[str, Any]) -> Verdict:
    """Of a step of the path."""
    return Verdict.TIE if won["tie"] else Verdict.BEST


def _candidate_columns(units: Units) -> list[Column]:
    score, cost = units.head(units.score) if units.unit(units.score) else "score", units.cost or "cost"
    return [
        Column("candidate"),
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
        Figure(each["score"]),
        Figure(each["cost"]),
        Figure(each["gain"], error_of(each, "gain")),
        Figure(each["added_cost"]),
        Figure(each["efficiency"], error_of(each, "efficiency"), times=times, bold=is_bold),
        verdict.text(),
        "" if each["reason"] in (None, "no gain") else each["reason"],
    ]


def _verdict(each: Mapping[str, Any]) -> Verdict:
    """How a candidate stands in its round."""
    if each["chosen"]:
        return Verdict.BEST
    if each["tie"]:
        return Verdict.TIE
    if each["gain"] is None and each["reason"] is not None:
        return Verdict.PRUNED if " was pruned" in each["reason"] else Verdict.FAILED
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


def _rank(candidate: Mapping[str, Any]) -> tuple[bool, bool, float]:
    return not candidate["chosen"], not candidate["eligible"], -(candidate["efficiency"] or 0.0)
