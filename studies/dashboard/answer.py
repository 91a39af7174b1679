"""The answer of each search as a table in markdown, and the last decision in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

from storage.records import DecisionRow, StudyRow
from studies.dashboard.markdown import escaped, table
from studies.figures.depth import distance
from studies.history.purpose import candidate_name, setting_name
from studies.results.difficulty import HOPELESS
from studies.tables.digits import number

ROWS = 15
"""Of a table."""


def answer(shown: Mapping[str, Any], study: StudyRow) -> str:
    """What is known now, from `show --json`."""
    match shown["search"]:
        case "grow":
            return _growth(shown, study)
        case "grid":
            return _grid(shown, study.origin["score"]["metric"])
        case "depth":
            return _depth(shown)
        case _:
            return _fit(shown)


def last_decision(decisions: Sequence[DecisionRow]) -> str:
    """What was decided last, and why."""
    if not decisions:
        return "Nothing yet."
    row = decisions[-1]
    record, when = row.record, f" ({row.decided_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC)"
    won = next((each for each in record.get("candidates", ()) if each["chosen"]), None)
    if won is None:
        said = record.get("told") or record.get("event") or f"{row.kind}: {len(row.trials)} trials were looked at"
        return f"{escaped(said[:1].upper() + said[1:], 500)}{when}."
    error = f" ± {number(won['gain_error'])}" if won.get("gain_error") is not None else ""
    worth = f"a gain of {number(won['gain'])}{error} for {number(won['added_cost'])} more cost"
    tied = sum(each["tie"] for each in record["candidates"])
    sure = f" Its seeds cannot tell it from {tied - 1} others." if tied > 1 else ""
    event = f" {escaped(record['event'], 500)}." if record["event"] else ""
    return f"Round {record['round']}{when}: {escaped(candidate_name(won))}, {worth}.{sure}{event}"


def _growth(shown: Mapping[str, Any], study: StudyRow) -> str:
    rounds = [each for each in shown["rounds"] if each["candidates"]]
    rows = []
    for each in rounds:
        won = next((row for row in each["candidates"] if row["chosen"]), None)
        if won is None:
            rows.append([str(each["round"]), "–", "–", "–", "–", "–", each["event"] or "nothing helps"])
            continue
        error = f" ± {number(won['gain_error'])}" if won.get("gain_error") is not None else ""
        figures = [
            number(won["score"]),
            f"{number(won['gain'])}{error}",
            number(won["added_cost"]),
            number(won["cost"]),
        ]
        note = "; ".join(filter(None, ("tie" if won["tie"] else "", each["event"])))
        rows.append([str(each["round"]), candidate_name(won), *figures, note])
    if not rows:
        return "No round is complete yet."
    names = ["round", "chosen", study.origin["score"]["metric"], "gain", "added cost", str(study.origin["cost"]), ""]
    grown = {name: shown["config"].get(name) for name in study.origin["grow"]["increments"]}
    return f"{_cut(names, rows, last=True)}\n\nNow: {escaped(setting_name(grown), 400)}"


def _grid(shown: Mapping[str, Any], metric: str) -> str:
    results, failed = shown["results"], len(shown["failed"])
    gone = f"\n\n{failed} settings have no score: all their trials failed." if failed else ""
    if not results:
        return f"No trial has a score yet.{gone}"
    rows = []
    for place, each in enumerate(results):
        low_high = "–" if each["interval"] is None else f"{number(each['interval'][0])} … {number(each['interval'][1])}"
        mark = "best" if place == 0 else "tie with the best" if each["best_tie"] else ""
        near = each.get("mark", "")
        figures = [number(each["mean"]), low_high, str(each["n"])]
        rows.append([setting_name(each["setting"]), *figures, ", ".join(filter(None, (mark, near)))])
    names = ["setting", metric, "95 % interval", "n", ""]
    marks = any("difficulty" in each for each in results)
    said = f"\n\nHopeless is a difficulty above {HOPELESS:g}." if marks else ""
    return f"{_cut(names, rows)}{said}{gone}"


def _depth(shown: Mapping[str, Any]) -> str:
    rows = [
        [
            *(_whole(row[name]) for name in ("target", "width", "layers", "params")),
            f"{100 * distance(row):+.2f}" if row["reached"] else "–",
            "" if row["reached"] else str(row["reason"] or "out of reach"),
        ]
        for row in shown["results"]
    ]
    if not rows:
        return "No width has its counts yet."
    return _cut(["target", "width", "layers", "params", "% off", ""], rows)


def _fit(shown: Mapping[str, Any]) -> str:
    if not shown["probes"]:
        return "No probe has finished yet."
    axis, best = str(shown["axis"]), shown["best"]
    rows = [
        ["largest that fits", _whole(shown["largest"])],
        ["smallest that does not", _whole(shown["smallest_failing"])],
        ["best score at", "–" if best is None else f"{best['value']:,} ({number(best['score'])})"],
    ]
    return table([axis, "value"], rows)


def _cut(names: Sequence[str], rows: Sequence[Sequence[str]], last: bool = False) -> str:
    """A table of the first rows, or of the last ones."""
    kept = rows[-ROWS:] if last else rows[:ROWS]
    more = f"\n\n{len(rows) - len(kept):,} rows more: `show` prints all." if len(kept) < len(rows) else ""
    return table(names, kept) + more


def _whole(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"
