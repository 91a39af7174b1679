"""A grid's settings: each with its seeds, ranked by its mean."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from samplers.searches.grid.settings import flattened
from samplers.searches.noise import deviation, inseparable, mean, standard_error, t975
from storage.records import DecisionRow, TrialRow
from studies.history.trials import in_order
from studies.results.difficulty import TARGET, Mark, marked


@dataclass
class Cell:
    """One setting with the trials of its seeds."""

    setting: Mapping[str, Any]
    config: Mapping[str, Any]
    rows: list[TrialRow] = field(default_factory=list)
    """Its trials; of a retried point, the last one."""
    scores: dict[int, float] = field(default_factory=dict)
    """By seed."""
    failed: list[TrialRow] = field(default_factory=list)
    """Trials that ended without a score."""

    @property
    def mean(self) -> float:
        return mean(self.scores.values())

    @property
    def sd(self) -> float | None:
        """Of the sample; None with one seed."""
        return deviation(self.scores.values())

    @property
    def interval(self) -> tuple[float, float] | None:
        """At 95 %, of the mean; None with one seed."""
        error = standard_error(list(self.scores.values()))
        if error is None:
            return None
        reach = t975(len(self.scores) - 1) * error
        return self.mean - reach, self.mean + reach

    def ties_with(self, other: Cell) -> bool:
        """Whether their common seeds do not separate the two."""
        common = sorted(self.scores.keys() & other.scores.keys())
        return inseparable([self.scores[seed] for seed in common], [other.scores[seed] for seed in common])


@dataclass(frozen=True)
class Ranking:
    """All settings of a study."""

    scored: Sequence[Cell]
    """The best first, then in the order of the grid."""
    ties: Sequence[Cell]
    """Of `scored`: the best and those that tie with it; empty without a tie."""
    without: Sequence[Cell]
    """No seed has a score: all failed, or none has finished."""


def cells_of(rows: Sequence[TrialRow], metric: str) -> list[Cell]:
    """A cell for each configuration among the rows of `read_points`, in the order of the grid.

    Points that a retry stands in for, and those that were withdrawn, are left out.
    """
    cells: dict[str, Cell] = {}
    for row in in_order(rows):
        key = json.dumps(row.config, sort_keys=True)
        cell = cells.setdefault(key, Cell(row.role.get("setting", {}), row.config))
        cell.rows.append(row)
        score = row.metrics.get(metric, math.nan)
        if row.state == "COMPLETE" and math.isfinite(score):
            cell.scores[row.seed] = score
        elif row.state in ("COMPLETE", "PRUNED", "FAIL"):
            cell.failed.append(row)
    return list(cells.values())


def ranking(rows: Sequence[TrialRow], metric: str, direction: str) -> Ranking:
    """The settings by their mean score."""
    cells = cells_of(rows, metric)
    sign = -1.0 if direction == "maximize" else 1.0
    scored = sorted((cell for cell in cells if cell.scores), key=lambda cell: sign * cell.mean)
    near = [cell for cell in scored[1:] if cell.ties_with(scored[0])]
    return Ranking(scored, [scored[0], *near] if near else [], [cell for cell in cells if not cell.scores])


def left_out(decisions: Sequence[DecisionRow]) -> dict[str, dict[str, int]]:
    """Filtered settings by condition, and refused points by the objective's reason: of the grid in force, without a
    trial."""
    begun = max((index + 1 for index, row in enumerate(decisions) if row.kind == "override"), default=0)
    counted: dict[str, Counter[str]] = {"filtered": Counter(), "refused": Counter()}
    for row in decisions[begun:]:
        for name, counts in counted.items():
            counts.update(row.record.get(name, {}))
    return {name: dict(counts) for name, counts in counted.items()}


def differing(cells: Sequence[Cell]) -> dict[int, dict[str, Any]]:
    """Of cells that share their setting with another, by the cell's identity: the config's keys that tell them apart,
    dotted, with their values."""
    alike: dict[str, list[Cell]] = {}
    for cell in cells:
        alike.setdefault(json.dumps(cell.setting, sort_keys=True), []).append(cell)
    found: dict[int, dict[str, Any]] = {}
    for group in alike.values():
        configs = [flattened(cell.config) for cell in group] if len(group) > 1 else []
        names = dict.fromkeys(name for config in configs for name in config)
        unlike = [name for name in names if len({json.dumps(config.get(name)) for config in configs}) > 1]
        for cell, config in zip(group, configs, strict=False):
            found[id(cell)] = {name: config.get(name) for name in unlike}
    return found


def marks_of(cells: Sequence[Cell]) -> dict[int, Mark]:
    """Of a grid whose trials return a difficulty, each cell's mark, by the cell's identity; else empty."""
    known = []
    for cell in cells:
        values = [row.metrics.get("difficulty") for row in cell.rows if row.seed in cell.scores]
        if not values or None in values:
            return {}
        known.append({"setting": cell.setting, "means": {"difficulty": mean(filter(None, values))}})
    target = cells[0].config.get("target", TARGET) if cells else TARGET
    return {id(cell): mark for cell, mark in zip(cells, marked(known, target), strict=True)}
