"""A fit study as people and programs read it: every probe, the largest value that fits and the best one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from storage.records import DecisionRow
from studies.history.decisions import standing
from studies.tables.table import Cell, Column, Document, Figure, Table

METRIC_COLUMNS = ("tokens_per_second", "peak_memory", "memory_fraction", "utilization", "iter")
"""Metrics that have a column, where a probe returned them."""


def show_json(decisions: Sequence[DecisionRow]) -> dict[str, Any]:
    """`largest` fits, `smallest_failing` does not, `best` has the best score; each null while it is not known."""
    probes = _probes(decisions)
    state = decisions[-1].state if decisions else {}
    return {
        "search": "fit",
        "axis": probes[0]["axis"] if probes else None,
        "largest": state.get("fits"),
        "smallest_failing": state.get("fails"),
        "best": state.get("best"),
        "ended": state.get("ended"),
        "probes": [{name: each[name] for name in ("value", "fits", "reason", "trial", "metrics")} for each in probes],
    }


def show_document(decisions: Sequence[DecisionRow]) -> Document:
    """A line a probe, smallest value first, and the answer."""
    probes = sorted(_probes(decisions), key=lambda each: each["value"])
    if not probes:
        return Document(notes=["no probe has finished yet"])
    names = [name for name in METRIC_COLUMNS if any(name in each["metrics"] for each in probes)]
    state = decisions[-1].state
    best = (state.get("best") or {}).get("value")
    columns = [Column(probes[0]["axis"]), Column("fits")]
    columns += [Column(name.replace("_", " "), right=True, spare=place) for place, name in enumerate(names)]
    rows: list[list[Cell]] = []
    for each in probes:
        note = each["reason"] or ", ".join(
            mark
            for mark, value in (("largest", state.get("fits")), ("best score", best))
            if value == each["value"] and each["fits"]
        )
        figures = [Figure(each["metrics"].get(name)) for name in names]
        rows.append([str(each["value"]), "yes" if each["fits"] else "no", *figures, note])
    return Document([Table([*columns, Column("")], rows)], [state.get("ended") or "not known yet"])


def _probes(decisions: Sequence[DecisionRow]) -> list[Mapping[str, Any]]:
    return [row.record for row in standing(decisions)]
