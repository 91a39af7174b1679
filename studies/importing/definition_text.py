"""A sweep of another program as the text of a definition, to be looked over by its user."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from studies.definition.yaml_text import is_plain
from studies.importing.sweeps import Sweep

GUESSED = "loss"
"""The metric of a sweep that names none."""


def definition_text(sweep: Sweep, source: str) -> str:
    """The file's text. Values are written as JSON, which is YAML that every reader reads alike."""
    metric = sweep.metric or GUESSED
    pattern = rf"{re.escape(metric)}\s*[=:]?\s*([-+0-9.eE]+)"
    lines = [f"# Made of {sweep.program}'s {source}. Look it over, then: python cli.py run grid --study NAME --dry-run"]
    lines += [f"# Not taken over: {each}" for each in sweep.unfit]
    lines += ["", f"question: {_value(sweep.question)}"] if sweep.question else [""]
    lines += [
        "search: grid",
        "objective:",
        f"  command: {_value(sweep.command)}",
        f"  flags: {sweep.flags}                       # how each value and the seed are passed to the command",
        "  # Where its metrics are: in what it prints; or json: FILE, csv: FILE.",
        f"  metrics: {{stdout: {{{_value(metric)}: {_value(pattern)}}}}}",
        f"score: {{metric: {_value(metric)}, direction: {sweep.direction}}}",
        "grid:",
        "  axes:",
        *(f"    {_key(name)}: {_value(values)}" for name, values in sweep.axes.items()),
        *([f"  zip: {_value(sweep.zipped)}"] if sweep.zipped else []),
        f"  repeats: {sweep.repeats}",
        *([] if sweep.seed is None else [f"  seed: {sweep.seed}"]),
    ]
    config = _nested({**sweep.config, **{name: values[0] for name, values in sweep.axes.items()}})
    lines += ["config:", *(f"  {_key(name)}: {_value(value)}" for name, value in config.items())]
    return "\n".join(lines) + "\n"


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in flat.items():
        *path, last = name.split(".")
        level = made
        for part in path:
            level = level.setdefault(part, {})
        level[last] = value
    return made


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_][\w.-]*", name) and is_plain(name) else _value(name)


def _value(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z_][\w./-]*", value) and is_plain(value):
        return value
    return json.dumps(value, ensure_ascii=False)
