"""A growth study as people and programs read it: `show`, its JSON, and the table of each round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from samplers.searches.nested import flattened
from storage.records import DecisionRow, TrialRow
from studies.definition.units import Units
from studies.history.certainty import certainty_json, certainty_text, chosen_of
from studies.history.decisions import event_texts, in_force
from studies.history.path_certainty import again, path_lines, unchosen
from studies.history.versions import decision_versions, versions_mark
from studies.results.growth_tables import path_table, round_table
from studies.results.hindsight import hindsight
from studies.tables.table import Document


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
    along the whole path. `sure`, `parted`, `loss_at_most` and `again` of a round are None where the pruner left it no
    rivals to be sure of; `unchosen` is its choice's score over seeds that had no part in choosing it.
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
            rounds.append({**row.record, **certainty_json(row.record), **fresh, "event": "; ".join(events) or None})
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
    units: Units | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Document:
    """The path, a line a round; with `whole`, every candidate of every round below it. `stopped`: why it has ended;
    `settings`: the `grow:` block that it began with."""
    units = units or Units()
    trials = {row.trial_id: row for row in points}
    path = in_force(decisions)
    marks = [versions_mark(decision_versions(row.trials, trials)) for row in path]
    records = [row.record for row in path]
    began = {"config": start, "grow": dict(settings or {})}
    tables = [path_table(records, marks, units, event_texts(path, began))]
    if whole:
        tables += [round_table(record, units) for record in records if record["candidates"]]
    config = decisions[-1].state["config"] if decisions else start
    now = {**flattened(config), **config}
    notes = ["now: " + ", ".join(f"{name}={now[name]}" for name in varied if name in now)]
    ended = None if stopped is None or not records or chosen_of(records[-1]) else certainty_text(records[-1])
    notes += [] if stopped is None else ["; ".join(filter(None, (f"stopped: {stopped}", ended)))]
    notes += path_lines(records)
    found = hindsight(decisions, direction)
    return Document(tables, notes if found is None else [*notes, *(found.notes if whole else found.short)])
