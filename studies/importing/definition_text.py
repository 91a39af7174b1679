"""A sweep of another program as the text of a definition, to be looked over by its user."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from storage.program import INSTALLED
from studies.definition.yaml_text import flow, line_text, scalar
from studies.importing.sweep import Sweep

GUESSED = "loss"
"""The metric of a sweep that names none."""
DEFAULT_SETTINGS = 50
"""Of a tune, where the sweep names no number."""


def definition_text(sweep: Sweep, source: str, name: str) -> str:
    """The text of the definition `name`, made of the file `source`."""
    metric = sweep.metric or GUESSED
    pattern = rf'{re.escape(metric)}"?\s*[=:]?\s*([-+0-9.eE]+)'
    lines = [f"# Made of {sweep.program}'s {source}. Look it over, then: {INSTALLED} run {name} --dry-run"]
    lines += [f"# Not taken over: {' '.join(each.split())}" for each in sweep.unfit]
    lines += ["", f"question: {line_text(sweep.question)}"] if sweep.question else [""]
    lines += [
        f"search: {sweep.search}",
        "objective:",
        f"  command: {line_text(sweep.command)}",
        f"  flags: {sweep.flags}                       # how each value and the seed are passed to the command",
        "  # Where its metrics are: in what it prints; or json: stdout, json: FILE, csv: FILE.",
        f"  metrics: {{stdout: {{{scalar(metric)}: {scalar(pattern)}}}}}",
        f"score: {{metric: {scalar(metric)}, direction: {sweep.direction}}}",
    ]
    if sweep.pruner:
        lines += [f"pruner: {flow(sweep.pruner)}      # in steps that the command reports"]
    lines += _grid(sweep) if sweep.search == "grid" else _tune(sweep)
    values = {name: axis[0] for name, axis in sweep.axes.items()} if sweep.search == "grid" else {}
    config = _nested({**sweep.config, **values})
    lines += ["config:" + " {}" * (not config)]
    lines += [f"  {scalar(name)}: {flow(value)}" for name, value in config.items()]
    return "\n".join(lines) + "\n"


def _grid(sweep: Sweep) -> list[str]:
    return [
        "grid:",
        "  axes:",
        *(f"    {scalar(name)}: {flow(values)}" for name, values in sweep.axes.items()),
        *([f"  zip: {flow(sweep.zipped)}"] if sweep.zipped else []),
        f"  repeats: {sweep.repeats}",
        *([] if sweep.seed is None else [f"  seed: {sweep.seed}"]),
    ]


def _tune(sweep: Sweep) -> list[str]:
    guess = "" if sweep.settings else "           # how many are chosen; the sweep does not say"
    return [
        "tune:",
        f"  sampler: {sweep.sampler}",
        "  space:",
        *(f"    {scalar(name)}: {flow(axis)}" for name, axis in sweep.axes.items()),
        f"  settings: {sweep.settings or DEFAULT_SETTINGS}{guess}",
        *([f"  repeats: {sweep.repeats}"] if sweep.repeats > 1 else []),
        *([] if sweep.seed is None else [f"  seed: {sweep.seed}"]),
    ]


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in flat.items():
        *path, last = name.split(".")
        level = made
        for part in path:
            level = level.setdefault(part, {})
        level[last] = value
    return made
