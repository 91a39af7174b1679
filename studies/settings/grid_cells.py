"""A grid's settings: each with its seeds, ranked by its mean."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from samplers.searches.best import adjusted, ordered
from samplers.searches.nested import flattened
from samplers.searches.noise import deviation, mean, standard_error, t975
from samplers.searches.race.rivals import FAMILY_ERROR
from storage.records import DecisionRow, TrialRow
from studies.history.trials import FINISHED, in_order
from studies.settings.difficulty import TARGET, Mark, marked

MIN_INTERVAL_SEEDS = 3
"""Fewer say too little of their spread: with two, Student's interval is 18 times as long as their distance."""


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
    """Trials that ended without a score, and were not pruned."""
    positive: bool = False
    """Whether every score of the grid is above 0."""
    pruned: list[TrialRow] = field(default_factory=list)
    """Trials that were pruned: one is enough to prune the setting."""

    @property
    def is_whole(self) -> bool:
        """Whether each of its seeds has a score."""
        return len(self.scores) == len(self.rows)

    @property
    def is_over(self) -> bool:
        """Whether all its trials have ended."""
        return all(row.state in FINISHED for row in self.rows)

    @property
    def mean(self) -> float:
        return mean(self.scores.values())

    @property
    def sd(self) -> float | None:
        """Of the sample; None with one seed."""
        return deviation(self.scores.values())

    @property
    def interval(self) -> tuple[float, float] | None:
        """At 95 %, of the mean; None with fewer than `MIN_INTERVAL_SEEDS`. Of a positive metric it is cut at 0."""
        if len(self.scores) < MIN_INTERVAL_SEEDS:
            return None
        low, high = self.mean - self._reach, self.mean + self._reach
        return (0.0 if self.is_cut else low), high

    @property
    def is_cut(self) -> bool:
        """Whether its interval would go below 0, of a metric that has positive values alone."""
        return self.positive and len(self.scores) >= MIN_INTERVAL_SEEDS and self._reach > self.mean

    @property
    def _reach(self) -> float:
        error = standard_error(list(self.scores.values()))
        assert error is not None
        return t975(len(self.scores) - 1) * error


@dataclass(frozen=True)
class Ranking:
    """All settings of a study."""

    ranked: Sequence[Cell]
    """Each seed has a score. The best first, then in the order of the grid."""
    ties: Sequence[Cell]
    """Of `ranked`: the best and those that may be as good; empty without a tie."""
    p: Mapping[int, float]
    """Of ranked settings that could be compared with the best: the p, adjusted for all of them, that the setting is as
    good (samplers/searches/best.py); by the cell's identity."""
    partial: Sequence[Cell]
    """Some seeds have a score; the others failed or have not finished. By the mean of those that have."""
    pruned: Sequence[Cell]
    """Given up by the pruner, in the order of the grid; some seeds may have a score."""
    without: Sequence[Cell]
    """No seed has a score: all failed, or none has finished."""
    carried: int = 0
    """Settings that are ties only since a worse one is."""
    unfinished: Sequence[Cell] = ()
    """Of `partial` and `without`: those with a trial that has yet to end."""
    ahead: Cell | None = None
    """Of `unfinished`, the best one whose mean so far is better than that of the best of `ranked`."""

    @cached_property
    def tied(self) -> frozenset[int]:
        """The identities of `ties`."""
        return frozenset(map(id, self.ties))

    @property
    def scored(self) -> Sequence[Cell]:
        """Ranked settings, and below them those with some of their seeds."""
        return [*self.ranked, *self.partial]


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
        elif row.state == "PRUNED":
            cell.pruned.append(row)
        elif row.state in ("COMPLETE", "FAIL"):
            cell.failed.append(row)
    positive = all(score > 0 for cell in cells.values() for score in cell.scores.values())
    for cell in cells.values():
        cell.positive = positive
    return list(cells.values())


def ranking(rows: Sequence[TrialRow], metric: str, direction: str) -> Ranking:
    """The settings by their mean score: only those with all their seeds are compared with each other."""
    return ranking_of(cells_of(rows, metric), direction)


def ranking_of(cells: Sequence[Cell], direction: str) -> Ranking:
    """The same of settings whose cells are known."""
    sign = -1.0 if direction == "maximize" else 1.0
    going = [cell for cell in cells if not cell.pruned]
    scored = sorted((cell for cell in going if cell.scores), key=lambda cell: sign * cell.mean)
    ranked = [cell for cell in scored if cell.is_whole]
    alone = adjusted([cell.scores for cell in ranked])
    found = {id(cell): value for cell, value in zip(ranked, alone, strict=True) if value is not None}
    p = {id(cell): value for cell, value in zip(ranked, ordered(alone), strict=True) if value is not None}
    unfinished = [cell for cell in going if not cell.is_whole and not cell.is_over]
    first = next((cell for cell in scored if not cell.is_whole and not cell.is_over), None)
    near = [cell for cell in ranked[1:] if p.get(id(cell), 0.0) >= FAMILY_ERROR]
    return Ranking(
        ranked,
        [ranked[0], *near] if near else [],
        p,
        [cell for cell in scored if not cell.is_whole],
        [cell for cell in cells if cell.pruned],
        [cell for cell in going if not cell.scores],
        sum(found.get(id(cell), 1.0) < FAMILY_ERROR for cell in near),
        unfinished,
        first if first is not None and ranked and sign * first.mean < sign * ranked[0].mean else None,
    )


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
        known.append({"setting": cell.setting, "means": {"difficulty": mean([value or 0.0 for value in values])}})
    target = cells[0].config.get("target", TARGET) if cells else TARGET
    if isinstance(target, bool) or not isinstance(target, int | float):
        return {}
    return {id(cell): mark for cell, mark in zip(cells, marked(known, target), strict=True)}
