"""A fit study as people and programs read it: every probe, the largest value that fits and the best one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from storage.records import DecisionRow
from studies.definition.units import Units
from studies.history.decisions import standing
from studies.results.verdicts import VERDICT, Verdict
from studies.tables.choice import EVERYTHING, Choice
from studies.tables.table import Cell, Column, Document, Figure, Table

METRIC_COLUMNS = ("tokens_per_second", "peak_memory", "memory_fraction", "utilization", "iter")
"""Metrics that have a column, where a probe returned them."""
SHARES = ("memory_fraction", "utilization")
"""In percent."""
HEADS = {"tokens_per_second": "tokens/s", "memory_fraction": "memory (% of device)", "utilization": "busy (%)"}
MEASURED_DIGITS = 4
"""Of what differs from run to run."""


def show_json(decisions: Sequence[DecisionRow]) -> dict[str, Any]:
    """`largest` fits, `smallest_failing` does not, `best` has the best score; `failed` is the probe that ended the
    search without an answer and says nothing of its size. Each is null while it is not known."""
    probes = _probes(decisions)
    not_fitting = [row for row in standing(decisions) if not row.record["fits"]]
    too_large = [row.record["value"] for row in not_fitting if row.kind != "failed"]
    state = decisions[-1].state if decisions else {}
    return {
        "search": "fit",
        "axis": probes[0]["axis"] if probes else None,
        "largest": state.get("fits"),
        "smallest_failing": min(too_large, default=None),
        "failed": next((row.record["value"] for row in not_fitting if row.kind == "failed"), None),
        "best": state.get("best"),
        "ended": state.get("ended"),
        "probes": [{name: each[name] for name in ("value", "fits", "reason", "trial", "metrics")} for each in probes],
    }


def show_document(
    decisions: Sequence[DecisionRow], choice: Choice = EVERYTHING, units: Units | None = None
) -> Document:
    """A line a probe, smallest value first, and the answer."""
    probes, units = sorted(_probes(decisions), key=lambda each: each["value"]), units or Units()
    if not probes:
        return Document(notes=["no probe has finished yet"])
    axis, state = probes[0]["axis"], decisions[-1].state
    names = [name for name in METRIC_COLUMNS if any(name in each["metrics"] for each in probes)]
    best = (state.get("best") or {}).get("value")

    def verdict(each: Mapping[str, Any]) -> Verdict:
        if not each["fits"]:
            return Verdict.FAILED
        if best is None:
            return Verdict.NOT_MEASURED
        return Verdict.BEST if each["value"] == best else Verdict.WORSE

    def values(each: Mapping[str, Any]) -> dict[str, Any]:
        return {**each["metrics"], axis: each["value"], "fits": each["fits"], VERDICT: verdict(each).value}

    chosen = choice.rows(probes, values)
    columns = [Column(axis), Column("fits")]
    columns += [
        Column(_head(name, units), right=True, spare=place, key=name.replace("_", " "))
        for place, name in enumerate(names)
    ]
    rows: list[list[Cell]] = []
    for each in chosen:
        largest = "largest" if each["fits"] and each["value"] == state.get("fits") else ""
        figures = [
            Figure(
                each["metrics"].get(name),
                times=100.0 if name in SHARES else 1.0,
                digits=MEASURED_DIGITS,
                bold=name == units.score and verdict(each) is Verdict.BEST,
            )
            for name in names
        ]
        fits = "yes" if each["fits"] else "no"
        rows.append([str(each["value"]), fits, *figures, verdict(each).text(), each["reason"] or largest])
    table = choice.table(Table([*columns, Column(VERDICT), Column("")], rows), list(map(values, chosen)), units.head)
    return Document([table], [state.get("ended") or "not known yet"])


def _head(metric: str, units: Units) -> str:
    if metric == "iter" and units.unit(metric) == "ms":
        return "ms/iter"
    return HEADS.get(metric) or units.head(metric)


def _probes(decisions: Sequence[DecisionRow]) -> list[Mapping[str, Any]]:
    return [row.record for row in standing(decisions)]
