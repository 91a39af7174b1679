"""A growth study as people and programs read it: `show`, its JSON, and the table of each round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text


def show_json(start: Mapping[str, Any], decisions: Sequence[Any]) -> dict[str, Any]:
    """The machine-readable result: the configuration reached, and every round with its whole table.

    An override stands as the event of the round that it took effect in; all of them are in `overrides`.
    """
    config = decisions[-1].state["config"] if decisions else start
    rounds: list[Mapping[str, Any]] = []
    overrides: list[Mapping[str, Any]] = []
    since: list[str] = []
    for row in decisions:
        if row.kind == "override":
            since.append(row.record["event"])
            overrides.append({"round": row.record["round"], "changes": row.record["changes"]})
        else:
            told = [*since, row.record["event"]] if row.record["event"] else since
            rounds.append({**row.record, "event": "; ".join(told) or None})
            since = []
    return {"search": "grow", "config": dict(config), "rounds": rounds, "overrides": overrides}


def show_table(
    start: Mapping[str, Any], decisions: Sequence[Any], varied: Sequence[str], whole: bool
) -> RenderableType:
    """The path, a line a round; with `whole`, every candidate of every round under it."""
    parts: list[RenderableType] = [_path([row.record for row in decisions])]
    if whole:
        parts += [round_table(row.record) for row in decisions if row.record["candidates"]]
    config = decisions[-1].state["config"] if decisions else start
    parts.append(Text("now: " + ", ".join(f"{name}={config[name]}" for name in varied if name in config)))
    return Group(*parts)


def _path(records: Sequence[Mapping[str, Any]]) -> Table:
    table = Table("round", "chosen", box=None, pad_edge=False)
    for name in ("score", "gain", "added cost", "efficiency", "cost"):
        table.add_column(name, justify="right")
    table.add_column("notes")
    for record in records:
        won = next((each for each in record["candidates"] if each["chosen"]), None)
        if won is None:
            table.add_row(str(record["round"]), "–", "", "", "", "", "", record["event"] or "")
            continue
        table.add_row(
            str(record["round"]),
            _name(won),
            number(won["score"]),
            _with_error(won["gain"], won.get("gain_error")),
            number(won["added_cost"]),
            number(won["efficiency"]),
            number(won["cost"]),
            "; ".join(filter(None, ("tie" if won["tie"] else None, record["event"]))),
        )
    return table


def round_table(record: Mapping[str, Any]) -> Table:
    """Every candidate of one round, the best efficiency first, then those out of it."""
    baseline = record["baseline"]
    title = f"round {record['round']}, baseline: score {number(baseline['score'])}, cost {number(baseline['cost'])}"
    table = Table("candidate", title=title, title_justify="left", box=None, pad_edge=False)
    for name in ("score", "cost", "gain", "added cost", "efficiency"):
        table.add_column(name, justify="right")
    table.add_column("")
    for each in sorted(record["candidates"], key=_rank):
        mark = "chosen" if each["chosen"] else ""
        notes = ", ".join(filter(None, (mark, "tie" if each["tie"] else "", each["reason"])))
        table.add_row(
            _name(each),
            number(each["score"]),
            number(each["cost"]),
            _with_error(each["gain"], each.get("gain_error")),
            number(each["added_cost"]),
            _with_error(each["efficiency"], each.get("efficiency_error")),
            notes,
        )
    return table


def _rank(candidate: Mapping[str, Any]) -> tuple[bool, bool, float]:
    return not candidate["chosen"], not candidate["eligible"], -(candidate["efficiency"] or 0.0)


def _name(candidate: Mapping[str, Any]) -> str:
    copied = f" (layer {candidate['dup']} again)" if candidate.get("dup") is not None else ""
    return f"{candidate['param']} → {candidate['value']}{copied}"


def _with_error(value: float | None, error: float | None) -> str:
    return number(value) + (f" ± {number(error)}" if error is not None else "")


def number(value: float | None) -> str:
    """Six significant digits; whole numbers whole."""
    if value is None:
        return "–"
    if value - value != 0:
        return str(value)
    return f"{int(value):,}" if value == int(value) and abs(value) < 1e15 else f"{value:.6g}"
