"""A depth study as people and programs read it: the answers so far."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from samplers.searches.depth.fixed_size import count_in
from storage.records import DecisionRow
from studies.history.decisions import standing
from studies.results.verdicts import VERDICT, Verdict
from studies.tables.choice import EVERYTHING, Choice
from studies.tables.table import Cell, Column, Document, Figure, Table

ROW_KEYS = (
    "target",
    "width",
    "layers",
    "params",
    "metric",
    "count",
    "difference",
    "percent",
    "reached",
    "reason",
    "counts",
)
"""Of a row in `show --json`: names are stable. A count of parameters is `params`; that of another metric is `count`,
with its name under `metric`. `verify: true` adds its findings under `verify`."""
ACTUAL = "Actual"
"""The column of parameters; that of another metric has the metric's name."""
DEPTH_COLUMNS = {
    "Target": ("target", ",", 0),
    "Width": ("width", ",", 0),
    "Layers": ("layers", ",", 0),
    ACTUAL: ("params", ",", 0),
    "Diff": ("difference", "+,", 3),
    "% Diff": ("percent", ".2f", 2),
    "Estimate": ("estimate", ",", 4),
    "Calibration": ("calibration_ratio", ".4f", 5),
}
"""Key of a row, format, and `spare`, by the column's name."""
CLOSED_FORM_COLUMNS = ("Estimate", "Calibration")
"""They are of parameters alone."""


def show_json(decisions: Sequence[DecisionRow]) -> dict[str, Any]:
    """`show --json`: a row for each target of each width that has its answer."""
    kept = (*ROW_KEYS, "verify")
    results = [{name: row[name] for name in kept if name in row} for row in results_of(decisions)]
    return {"search": "depth", "results": results}


def show_document(decisions: Sequence[DecisionRow], choice: Choice = EVERYTHING) -> Document:
    """A line for each target of each width; a bound is marked, since it is no answer."""
    rows = [{**row, "params": count_in(row)} for row in results_of(decisions)]
    if not rows:
        return Document(notes=["no width has its counts yet"])
    metric = rows[0].get("metric")
    kept = {name: each for name, each in DEPTH_COLUMNS.items() if metric is None or name not in CLOSED_FORM_COLUMNS}
    columns = [
        Column(
            metric if metric is not None and name == ACTUAL else name,
            right=True,
            only=("paper", "data") if name == "Calibration" else (),
            spare=spare,
        )
        for name, (_, _, spare) in kept.items()
    ]
    best = _closest(rows)
    valued = [{**row, VERDICT: _verdict(row, best).value} for row in rows]
    chosen = choice.rows(valued, lambda row: row)
    lines = []
    for row in chosen:
        is_best = row[VERDICT] == Verdict.BEST.value
        figures: list[Cell] = [
            Figure(row[key], form=form, bold=is_best and key == "params") for key, form, _ in kept.values()
        ]
        remarks = "; ".join(filter(None, (row["reason"], _verify_text(row.get("verify")))))
        lines.append([*figures, row[VERDICT], remarks])
    table = choice.table(Table([*columns, Column(VERDICT, spare=1), Column("", spare=1)], lines), chosen)
    reached = [row for row in rows if row["reached"]]
    reached_text = f"{len(reached)} of {len(rows)} targets answered"
    on_line = sum(not row["counted"] for row in reached)
    if on_line:
        reached_text += f"; {on_line} computed from 3 counts a width (all layers alike)"
    return Document([table], [reached_text])


def _closest(rows: Sequence[Mapping[str, Any]]) -> Mapping[Any, float]:
    """How far each target is missed by the answer that is closest to it."""
    found: dict[Any, float] = {}
    for row in rows:
        if row["reached"]:
            found[row["target"]] = min(abs(row["difference"]), found.get(row["target"], math.inf))
    return found


def _verdict(row: Mapping[str, Any], best: Mapping[Any, float]) -> Verdict:
    """The closest to its target is the best."""
    if not row["reached"]:
        return Verdict.FAILED if row["params"] is None else Verdict.OUT_OF_REACH
    return Verdict.BEST if abs(row["difference"]) == best[row["target"]] else Verdict.WORSE


def results_of(decisions: Sequence[DecisionRow]) -> list[dict[str, Any]]:
    """A row for each target of each width, of the decisions that stand."""
    return [dict(row) for each in standing(decisions) for row in each.record["results"]]


def _verify_text(finding: Mapping[str, Any] | None) -> str | None:
    if finding is None:
        return None
    if finding["outcome"] in ("out_of_memory", "timed_out"):
        return f"a training step: {finding['outcome'].replace('_', ' ')}"
    if finding["outcome"] != "completed":  # no answer about this size: show what went wrong
        return f"a training step: {finding['reason'] or finding['outcome']}"
    peak, share, seconds = (finding[name] for name in ("peak_memory", "memory_fraction", "seconds"))
    if peak is None or share is None or seconds is None:
        return "a training step ran"
    return f"a training step: {peak:,.0f} MiB ({share:.1%} of the device), {seconds:.2f} s"
