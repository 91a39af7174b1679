"""What a study's note says of its results: each search's answer as a document, and the last decision in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

from storage.records import DecisionRow, StudyRow
from studies.figures.depth import distance
from studies.figures.labels import shortened
from studies.history.purpose import candidate_name, setting_name
from studies.results.difficulty import HOPELESS
from studies.tables.digits import number
from studies.tables.markdown import escaped
from studies.tables.table import Cell, Column, Document, Figure, Table

ROWS = 15
"""Of a table."""
CELL = 60
"""Characters of a cell."""
PARAGRAPH = 500
"""Characters of a text."""


def answer(shown: Mapping[str, Any], study: StudyRow) -> Document:
    """The current answer, from `show --json`."""
    match shown["search"]:
        case "grow":
            return _growth(shown, study)
        case "grid":
            return _grid(shown, study.origin["score"]["metric"])
        case "depth":
            return _depth(shown)
        case _:
            return _fit(shown)


def paragraph(text: str) -> str:
    """A text as Markdown, its middle left out where it is long."""
    return escaped(shortened(text, PARAGRAPH))


def last_decision(decisions: Sequence[DecisionRow]) -> str:
    """The last decision and its reason, in Markdown."""
    if not decisions:
        return "Nothing yet."
    row = decisions[-1]
    record, when = row.record, f" ({row.decided_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC)"
    won = next((each for each in record.get("candidates", ()) if each["chosen"]), None)
    if won is None:
        why = record.get("told") or record.get("event") or f"{row.kind}: made from {len(row.trials)} trials"
        return f"{paragraph(why[:1].upper() + why[1:])}{when}."
    error = f" ± {number(won['gain_error'])}" if won.get("gain_error") is not None else ""
    worth = f"a gain of {number(won['gain'])}{error} for {number(won['added_cost'])} more cost"
    tied = sum(each["tie"] for each in record["candidates"])
    sure = f" Its seeds cannot tell it from {tied - 1} others." if tied > 1 else ""
    event = f" {paragraph(record['event'])}." if record["event"] else ""
    return f"Round {record['round']}{when}: {escaped(candidate_name(won))}, {worth}.{sure}{event}"


def _growth(shown: Mapping[str, Any], study: StudyRow) -> Document:
    rows: list[list[Cell]] = []
    for each in shown["rounds"]:
        if not each["candidates"]:
            continue
        won = next((row for row in each["candidates"] if row["chosen"]), None)
        if won is None:
            rows.append([str(each["round"]), "–", *[Figure(None)] * 4, each["event"] or "nothing helps"])
            continue
        figures = [Figure(won["score"]), Figure(won["gain"], won.get("gain_error"))]
        figures += [Figure(won["added_cost"]), Figure(won["cost"])]
        note = "; ".join(filter(None, ("tie" if won["tie"] else "", each["event"])))
        rows.append([str(each["round"]), candidate_name(won), *figures, note])
    if not rows:
        return Document(notes=["No round is complete yet."])
    names = [study.origin["score"]["metric"], "gain", "added cost", str(study.origin["cost"])]
    columns = [Column("round"), Column("chosen"), *(Column(name, right=True) for name in names), Column("")]
    grown = {name: shown["config"].get(name) for name in study.origin["grow"]["increments"]}
    return _shortened(columns, rows, [shortened(f"Now: {setting_name(grown)}", PARAGRAPH)], last=True)


def _grid(shown: Mapping[str, Any], metric: str) -> Document:
    results, failed = shown["results"], len(shown["failed"])
    gone = [f"{failed} settings have no score: their trials failed or were pruned."] if failed else []
    if not results:
        return Document(notes=["No trial has a score yet.", *gone])
    rows: list[list[Cell]] = []
    for place, each in enumerate(results):
        low_high = "–" if each["interval"] is None else f"{number(each['interval'][0])} … {number(each['interval'][1])}"
        mark = "best" if place == 0 else "tie with the best" if each["best_tie"] else ""
        near = each.get("mark", "")
        note = ", ".join(filter(None, (mark, near)))
        rows.append([setting_name(each["setting"]), Figure(each["mean"]), low_high, Figure(each["n"]), note])
    numbers = [Column(name, right=True) for name in (metric, "95 % interval", "n")]
    marks = any("difficulty" in each for each in results)
    hopeless = [f"Hopeless is a difficulty above {HOPELESS:g}."] if marks else []
    return _shortened([Column("setting"), *numbers, Column("")], rows, [*hopeless, *gone])


def _depth(shown: Mapping[str, Any]) -> Document:
    rows: list[list[Cell]] = [
        [
            *(Figure(row[name], form=",") for name in ("target", "width", "layers", "params")),
            Figure(100 * distance(row) if row["reached"] else None, form="+.2f"),
            "" if row["reached"] else str(row["reason"] or "out of reach"),
        ]
        for row in shown["results"]
    ]
    if not rows:
        return Document(notes=["No width has its counts yet."])
    names = ("target", "width", "layers", "params", "% off")
    return _shortened([*(Column(name, right=True) for name in names), Column("")], rows)


def _fit(shown: Mapping[str, Any]) -> Document:
    if not shown["probes"]:
        return Document(notes=["No probe has finished yet."])
    best = shown["best"]
    rows: list[list[Cell]] = [
        ["largest that fits", Figure(shown["largest"]), ""],
        ["smallest that does not", Figure(shown["smallest_failing"]), ""],
        ["best score at", Figure(best and best["value"]), "" if best is None else f"score {number(best['score'])}"],
    ]
    return Document([Table([Column(str(shown["axis"])), Column("value", right=True), Column("")], rows)])


def _shortened(
    columns: Sequence[Column], rows: Sequence[Sequence[Cell]], notes: Sequence[str] = (), last: bool = False
) -> Document:
    """The first rows, or the last ones, with short cells."""
    kept = rows[-ROWS:] if last else rows[:ROWS]
    short = [[shortened(cell, CELL) if isinstance(cell, str) else cell for cell in row] for row in kept]
    more = [f"{len(rows) - len(kept):,} rows more: `show` prints all."] if len(kept) < len(rows) else []
    return Document([Table(columns, short)], [*more, *notes])
