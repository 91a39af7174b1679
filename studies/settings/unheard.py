"""Whether trials heard what they were given: an axis, or the seed, that changed no metric to the last bit.

A script that does not know a flag, an objective that does not read a key, a seed that nobody sets: each trains the same
thing again, under another name. Times and memory differ between runs of the same thing, and are not compared.
"""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from objectives.command.command import COMMAND_PREFIX
from samplers.searches.nested import flattened
from storage.records import TrialRow

MAX_ROWS_COMPARED = 5_000
MEASURED_METRIC = re.compile(
    r"(?:^|[^a-z])(?:secs?|seconds?|ms|time|times|runtime|duration|elapsed|wall|memory|mem|vram|mfu|throughput)(?:$|[^a-z])"
    r"|per_sec|_per_s$|memory|tokens_per|time_",
    re.IGNORECASE,
)
"""Names of metrics that differ between two runs of the same thing."""


@dataclass(frozen=True)
class Unheard:
    """What made no difference at all."""

    names: Sequence[str]
    """Axes, or keys of the configuration."""
    seeds: bool
    """Whether all seeds of every setting gave the same numbers."""

    def notes(self, objective: str) -> list[str]:
        """`use_bias changed nothing: does the command hear it?`"""
        asked = "the command hear" if objective.startswith(COMMAND_PREFIX) else "the objective read"
        notes = [f"{name} changed nothing: does {asked} it?" for name in self.names]
        return [*notes, f"all seeds gave the same numbers: does {asked} the seed?"] if self.seeds else notes


def unheard(rows: Iterable[TrialRow]) -> Unheard:
    """What the complete trials among these did not hear. A grid's trials are told apart by their axes, a growth's by
    their configurations."""
    whole = [row for row in rows if row.state == "COMPLETE" and row.metrics][:MAX_ROWS_COMPARED]
    given = [{**_values(row), "seed": row.seed} for row in whole]
    ends = [_compared(row.metrics) for row in whole]
    names = list(dict.fromkeys(name for values in given for name in values))
    silent = [name for name in names if _changed_nothing(name, given, ends)]
    return Unheard([name for name in silent if name != "seed"], "seed" in silent)


def _values(row: TrialRow) -> Mapping[str, Any]:
    setting = row.role.get("setting")
    return setting if isinstance(setting, Mapping) and setting else flattened(row.config)


def _changed_nothing(name: str, given: Sequence[Mapping[str, Any]], ends: Sequence[Hashable]) -> bool:
    """Whether there are trials that differ in this name alone, and all such trials have the same metrics."""
    if len({json.dumps(values.get(name), sort_keys=True) for values in given}) < 2:
        return False
    groups: dict[str, list[int]] = {}
    for index, values in enumerate(given):
        others = {key: value for key, value in values.items() if key != name}
        groups.setdefault(json.dumps(others, sort_keys=True), []).append(index)
    pairs = [
        (one, other)
        for group in groups.values()
        for one, other in pairwise(group)
        if given[one].get(name, ...) != given[other].get(name, ...)
    ]
    return bool(pairs) and all(ends[one] == ends[other] for one, other in pairs)


def _compared(metrics: Mapping[str, float]) -> Hashable:
    return tuple(sorted((name, repr(value)) for name, value in metrics.items() if not MEASURED_METRIC.search(name)))
