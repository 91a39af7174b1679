"""A growth study as people and programs read it: `show`, its JSON, and the table of each round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from samplers.searches.nested import flattened
from storage.records import DecisionRow, TrialRow
from studies.history.certainty import again, certainty_text, error_of, path_lines, seeds_text, unchosen
from studies.history.decisions import in_force
from studies.history.purpose import candidate_name
from studies.history.versions import decision_versions, versions_mark
from studies.results.hindsight import hindsight
from studies.tables.digits import number
from studies.tables.table import Cell, Column, Document, Figure, Table


def show_json(
    start: Mapping[str, Any],
    decisions: Sequence[DecisionRow],
    points: Sequence[TrialRow] = (),
    stopped: str | None = None,
    direction: str = "maximize",
) -> dict[str, Any]:
    """The machine-readable result: the configuration reached, and every round with its whole table.

    An override stands as the event of the round that it took effect in; all of them are in `overrides`. Rounds
    whose results ran more than one version of the user's code are in `mixed_code`. `stop_reason` is None while the
    growth goes on. `hindsight` is None until two rounds can be compared. `again` is how likely other seeds would lead
    along the whole path; `unchosen` of a round is its choice's score over seeds that had no part in choosing it.
    """
    config = decisions[-1].state["config"] if decisions else start
    trials = {row.trial_id: row for row in points}
    rounds: list[Mapping[str, Any]] = []
    overrides: list[Mapping[str, Any]] = []
    mixed: list[Mapping[str, Any]] = []
    since: list[str] = []
    path = in_force(decisions)
    for place, row in enumerate(path):
        if row.kind == "override":
            since.append(row.record["event"])
            overrides.append({"round": row.record["round"], "changes": row.record["changes"]})
        else:
            events = [*since, row.record["event"]] if row.record["event"] else since
            after = path[place + 1].record if place + 1 < len(path) else None
            fresh = {"unchosen": unchosen(row.record, after)} if "rule" in row.record else {}
            rounds.append({**row.record, **fresh, "event": "; ".join(events) or None})
            if len(versions := decision_versions(row.trials, trials)) > 1:
                mixed.append({"round": row.record["round"], "code": versions})
            since = []
    return {
        "search": "grow",
        "config": dict(config),
        "rounds": rounds,
        "overrides": overrides,
        "mixed_code": mixed,
        "stop_reason": stopped,
        "again": again([row.record for row in path]),
        "hindsight": None if (found := hindsight(decisions, direction)) is None else found.to_json(),
    }


def show_document(
    start: Mapping[str, Any],
    decisions: Sequence[DecisionRow],
    varied: Sequence[str],
    whole: bool,
    points: Sequence[TrialRow] = (),
    stopped: str | None = None,
    direction: str = "maximize",
) -> Document:
    """The path, a line a round; with `whole`, every candidate of every round below it. `stopped`: why it has ended."""
    trials = {row.trial_id: row for row in points}
    path = in_force(decisions)
    marks = [versions_mark(decision_versions(row.trials, trials)) for row in path]
    records = [row.record for row in path]
    tables = [path_table(records, marks)]
    if whole:
        tables += [round_table(record) for record in records if record["candidates"]]
    config = decisions[-1].state["config"] if decisions else start
    now = {**flattened(config), **config}
    notes = ["now: " + ", ".join(f"{name}={now[name]}" for name in varied if name in now)]
    notes += [] if stopped is None else [f"stopped: {stopped}"]
    notes += path_lines(records)
    found = hindsight(decisions, direction)
    return Document(tables, notes if found is None else [*notes, *found.notes])


def path_table(records: Sequence[Mapping[str, Any]], marks: Sequence[str | None]) -> Table:
    """A line a round, with what is said of each."""
    figures = [Column(name, right=True, spare=spare) for name, spare in PATH_COLUMNS]
    said = [name for name in CERTAINTY if any(name in record for record in records)]
    figures += [Column(name.replace("_", " "), right=True, only="paper") for name in said]
    columns = [Column("round"), Column("chosen"), *figures, Column("notes", spare=1)]
    rows: list[list[Cell]] = []
    for record, mark in zip(records, marks, strict=True):
        won = next((each for each in record["candidates"] if each["chosen"]), None)
        if won is None:
            rows.append(
                [str(record["round"]), "–", *[""] * len(figures), "; ".join(filter(None, (record["event"], mark)))]
            )
            continue
        figures_of = [Figure(won["score"]), Figure(won["gain"], error_of(won, "gain"))]
        figures_of += [Figure(won[name]) for name in ("added_cost", "efficiency", "cost")]
        figures_of += [Figure(record.get(name)) for name in said]
        notes = "; ".join(filter(None, (certainty_text(record), record["event"], mark)))
        rows.append([str(record["round"]), candidate_name(won), *figures_of, notes])
    return Table(columns, rows)


def round_table(record: Mapping[str, Any]) -> Table:
    """Every candidate of one round, the best efficiency first, then those out of it."""
    baseline = record["baseline"]
    title = f"round {record['round']}, baseline: score {number(baseline['score'])}, cost {number(baseline['cost'])}"
    said = "; ".join(filter(None, (title, certainty_text(record) if "rule" in record else None, seeds_text(record))))
    return Table(CANDIDATE, [_candidate(each) for each in sorted(record["candidates"], key=_rank)], said)


def candidates_table(decisions: Sequence[DecisionRow]) -> Table:
    """Every candidate of every round in one table."""
    rounds = [row.record for row in in_force(decisions) if row.record["candidates"]]
    rows = [
        [str(record["round"]), *_candidate(each)]
        for record in rounds
        for each in sorted(record["candidates"], key=_rank)
    ]
    return Table([Column("round"), *CANDIDATE], rows)


PATH_COLUMNS = (("score", 0), ("gain", 0), ("added cost", 3), ("efficiency", 2), ("cost", 4))
"""Of a path, with how soon each may be left out."""
CERTAINTY = ("sure", "loss_at_most", "again")
"""Of a path, where a program or a paper reads it: a terminal has them in words."""
CANDIDATE = [
    Column("candidate"),
    *(Column(name, right=True) for name in ("score", "cost", "gain", "added cost", "efficiency")),
    Column(""),
]


def _candidate(each: Mapping[str, Any]) -> list[Cell]:
    mark = "chosen" if each["chosen"] else ""
    return [
        candidate_name(each),
        Figure(each["score"]),
        Figure(each["cost"]),
        Figure(each["gain"], error_of(each, "gain")),
        Figure(each["added_cost"]),
        Figure(each["efficiency"], error_of(each, "efficiency")),
        ", ".join(filter(None, (mark, "tie" if each["tie"] else "", each["reason"]))),
    ]


def _rank(candidate: Mapping[str, Any]) -> tuple[bool, bool, float]:
    return not candidate["chosen"], not candidate["eligible"], -(candidate["efficiency"] or 0.0)
