"""A depth study as people and programs read it: the answers so far, and what the closed form says beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from samplers.closed_form import ClosedForm
from samplers.depth_settings import parse_settings
from storage.errors import UsageError
from studies.standing import standing
from studies.tables.table import Cell, Column, Document, Figure, Table
from studies.tables.terminal import rendered

KEYS = ("target", "width", "layers", "params", "difference", "percent", "reached", "reason", "counts")
"""Of a row in `show --json`: names are stable. `verify: true` adds its findings under `verify`."""
COLUMNS = {
    "Target": ("target", ",", 0),
    "Width": ("width", ",", 0),
    "Layers": ("layers", ",", 0),
    "Actual": ("params", ",", 0),
    "Diff": ("difference", "+,", 3),
    "% Diff": ("percent", ".2f", 2),
    "Estimate": ("estimate", ",", 4),
    "Calibration": ("calibration_ratio", ".4f", 5),
}
"""Key of a row, format, and how soon it may be left out, by the column's name."""


def show_json(decisions: Sequence[Any]) -> dict[str, Any]:
    """`show --json`: a row for each target of each width that has its answer."""
    kept = (*KEYS, "verify")
    results = [{name: row[name] for name in kept if name in row} for row in _rows(decisions)]
    return {"search": "depth", "results": results}


def show_table(decisions: Sequence[Any]) -> RenderableType:
    """A line for each target of each width; a bound that was hit is marked, and is no answer.

    How many answers follow from a line of counts, and were not counted themselves, is said below.
    """
    return rendered(show_document(decisions))


def show_document(decisions: Sequence[Any]) -> Document:
    """What `show_table` prints, as data."""
    rows = _rows(decisions)
    if not rows:
        return Document(notes=["no width has its counts yet"])
    columns = [Column(name, right=True, spare=spare) for name, (_, _, spare) in COLUMNS.items()]
    lines = []
    for row in rows:
        figures: list[Cell] = [Figure(row[key], form=form) for key, form, _ in COLUMNS.values()]
        lines.append([*figures, "; ".join(filter(None, (row["reason"], _verified(row.get("verify")))))])
    reached = [row for row in rows if row["reached"]]
    told = f"{len(reached)} of {len(rows)} targets reached"
    on_line = sum(not row["counted"] for row in reached)
    if on_line:
        told += f"; {on_line} of these follow from the line of a uniform stack: its two ends and a third count on it"
    return Document([Table([*columns, Column("", spare=1)], lines)], [told])


def depth_json(decisions: Sequence[Any]) -> dict[str, Any]:
    """`export --as depth-json`: one object for a single answer, else objects by target and width.

    A target that is out of reach has an `error` and no layers, as a failed count has: a bound is not an optimum.

    Raises:
        UsageError: The study solved for widths, which that format does not hold.
    """
    rows = _rows(decisions)
    if any(row.record["solve"] != "layers" for row in standing(decisions)):
        raise UsageError("--as depth-json: holds depths; this study solved for widths: use json or csv")
    if len(rows) == 1:
        told = _answer(rows[0])
        del told["calibration_ratio"]
        return {"width": rows[0]["width"], **told}
    by_target: dict[str, dict[str, Any]] = {str(row["target"]): {} for row in rows}
    for row in rows:
        by_target[str(row["target"])][str(row["width"])] = _answer(row)
    return by_target


def estimates(block: Mapping[str, Any], config: Mapping[str, Any], where: str) -> RenderableType:
    """What the closed form expects, for a dry run. Nothing is counted.

    Raises:
        UsageError: The block is wrong.
    """
    settings, form = parse_settings(block, where), ClosedForm.of(config)
    if form is None:
        return Text("no estimate: the config names no vocab_size")
    deep = settings.solve == "layers"
    given, wanted = ("Width", "Layers (estimate)") if deep else ("Layers", "Width (estimate)")
    table = RichTable(title="by the closed form V·d + P·d + layers · (12·d² + 4·d)", title_justify="left", box=None)
    for name in ("Target", given, wanted):
        table.add_column(name, justify="right")
    table.add_column("")
    lowest, highest = settings.value(0), settings.value(settings.last)
    for fixed in settings.fixed:
        for target in settings.targets:
            value = form.layers(target, fixed) if deep else form.width(target, fixed)
            bound = f"min_{settings.solve} {lowest}" if value < lowest else f"max_{settings.solve} {highest}"
            table.add_row(
                f"{target:,}", str(fixed), f"{value:,}", "" if lowest <= value <= highest else f"beyond {bound}"
            )
    return table


def _rows(decisions: Sequence[Any]) -> list[dict[str, Any]]:
    return [dict(row) for each in standing(decisions) for row in each.record["results"]]


def _answer(row: Mapping[str, Any]) -> dict[str, Any]:
    kept = row if row["reached"] else {}
    told = {
        "optimal_layers": kept.get("layers"),
        "actual_params": kept.get("params"),
        "target_params": row["target"],
        "difference": kept.get("difference"),
        "percentage_diff": kept.get("percent"),
        "calibration_ratio": kept.get("calibration_ratio"),
    }
    return told if row["reached"] else {**told, "error": row["reason"]}


def _verified(finding: Mapping[str, Any] | None) -> str | None:
    if finding is None:
        return None
    if finding["outcome"] in ("out_of_memory", "timed_out"):
        return f"a training step: {finding['outcome'].replace('_', ' ')}"
    if finding["outcome"] != "completed":  # no finding about this size: what went wrong is said
        return f"a training step: {finding['reason'] or finding['outcome']}"
    peak, share, seconds = (finding[name] for name in ("peak_memory", "memory_fraction", "seconds"))
    if peak is None or share is None or seconds is None:
        return "a training step ran"
    return f"a training step: {peak:,.0f} MiB ({share:.1%} of the device), {seconds:.2f} s"
