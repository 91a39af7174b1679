"""`--dry-run` of a grid: every setting, what is left out and why, and how much there is to run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from objectives.process.warm import Inspection
from samplers.searches.grid.combinations import Setting, setting_at
from samplers.searches.grid.grid import Grid
from samplers.searches.grid.settings import GridSettings, flattened
from samplers.searches.plan import Config, Point, SearchState
from studies.definition.units import duration_text
from studies.history.purpose import setting_name
from studies.tables.digits import number
from studies.tables.table import Cell, Column, Document, Figure, Table

LOOKED_AT = 200_000
"""Combinations that a review examines; of a larger grid it shows the beginning."""
INSPECTED = 1_000
"""Settings that the objective is asked about."""
LISTED = 200

Inspect = Callable[[Sequence[Config]], Sequence[Inspection]]


@dataclass(frozen=True)
class Review:
    """What a grid would run."""

    settings: Sequence[tuple[Setting, Inspection | None]]
    """Those that are left, with what the objective says of them, where it was asked."""
    filtered: Mapping[str, Counter[str]]
    """By condition: how often each combination of the names in it was left out."""
    refused: Counter[str]
    """Settings by the objective's reason."""
    duplicates: int
    """Settings that are equal to an earlier one."""
    seeds: int
    unseen: int
    """Combinations beyond those that were looked at."""
    seconds: float | None = None
    """Mean time of a finished trial, where there is one."""
    finished: int = 0
    """Points of it that have finished already."""

    @property
    def runs(self) -> int:
        """Trials to run, finished ones not counted."""
        return len(self.settings) * self.seeds - self.finished

    @property
    def totals(self) -> dict[str, float]:
        """What the objective's costs add up to, over all seeds of the settings that it was asked about."""
        sums: Counter[str] = Counter()
        for _, inspection in self.settings:
            if inspection is not None:
                sums.update(inspection.cost)
        return {name: value * self.seeds for name, value in sums.items()}

    def document(self) -> Document:
        """A line a setting, as far as `LISTED`; then what is left out, and how much there is to run."""
        notes = []
        if len(self.settings) > LISTED:
            notes.append(f"… and {len(self.settings) - LISTED:,} more")
        for condition, combinations in self.filtered.items():
            notes.append(f"filtered by {condition}: {combinations.total():,} settings")
            notes += [f"    {each} ({count:,})" for each, count in list(combinations.items())[:LISTED]]
            if len(combinations) > LISTED:
                notes.append(f"    … and {len(combinations) - LISTED:,} more")
        notes += [f"refused by the objective: {count:,} settings: {why}" for why, count in self.refused.items()]
        if self.duplicates:
            notes.append(f"{self.duplicates:,} settings are equal to another after derivation: run once")
        if self.unseen:
            notes.append(f"{self.unseen:,} more combinations were not examined")
        return Document([self._listing()] if self.settings else [], [*notes, *self._total()])

    def _total(self) -> list[str]:
        """How many trials, what they cost together, and how long they take on one slot as far as that is known."""
        lines = [
            f"{len(self.settings):,} settings × {self.seeds} seed{'s' * (self.seeds != 1)}: {self.runs:,} trials to run"
        ]
        if self.finished:
            lines[0] += f", {self.finished:,} have finished"
        asked = sum(inspection is not None for _, inspection in self.settings)
        part = "" if asked == len(self.settings) else f" of the first {asked:,} settings"
        lines += [f"total {name}{part}: {number(value)}" for name, value in self.totals.items()]
        known = self.seconds and f"about {duration_text(self.runs * self.seconds)} on one slot"
        return [*lines, known or "time not known yet"]

    def _listing(self) -> Table:
        shown = self.settings[:LISTED]
        names = list(dict.fromkeys(name for setting, _ in shown for name in (*setting.axes, *setting.derived)))
        costs = list(dict.fromkeys(name for _, inspection in shown if inspection for name in inspection.cost))
        rows: list[list[Cell]] = []
        for setting, inspection in shown:
            values = {**setting.axes, **setting.derived}
            figures = {} if inspection is None else inspection.cost
            rows.append(
                [*(str(values.get(name, "–")) for name in names), *(Figure(figures.get(name)) for name in costs)]
            )
        return Table([*map(Column, names), *(Column(name, right=True) for name in costs)], rows)


def review(
    grid: Grid, state: SearchState, inspect: Inspect, seconds: float | None = None, finished: Collection[str] = ()
) -> Review:
    """Go through a grid, and ask the objective about its settings.

    Args:
        grid: The search.
        state: The one it is in; its block may have been overridden.
        inspect: What the objective says of configs, one for each (`WarmServer.inspect`).
        seconds: Mean time of this study's finished trials.
        finished: Hashes of the study's points that have finished.
    """
    settings = grid.settings_in(state)
    kept: dict[str, Setting] = {}
    filtered: dict[str, Counter[str]] = {}
    names = {each.text: each.names for block in settings.blocks for each in block.where}
    duplicates = 0
    for setting in _settings(settings):
        if setting.filtered is not None:
            values = {**flattened(setting.config), **setting.axes, **setting.derived}
            combination = setting_name({name: values.get(name) for name in names[setting.filtered]})
            filtered.setdefault(setting.filtered, Counter())[combination] += 1
            continue
        key = json.dumps(setting.config, sort_keys=True)
        duplicates += key in kept
        kept.setdefault(key, setting)
    every = list(kept.values())
    inspections: list[Any] = list(inspect([each.config for each in every[:INSPECTED]])) if every else []
    refused = Counter(each.refusal for each in inspections if each.refusal is not None)
    inspections += [None] * (len(every) - len(inspections))
    left = [
        (setting, inspection)
        for setting, inspection in zip(every, inspections, strict=True)
        if inspection is None or inspection.refusal is None
    ]
    seeds = range(settings.seed, settings.seed + settings.repeats) if finished else ()
    done = sum(Point(setting.config, seed).hash in finished for setting, _ in left for seed in seeds)
    unseen = max(0, settings.size - LOOKED_AT)
    return Review(left, filtered, refused, duplicates, settings.repeats, unseen, seconds, done)


def _settings(settings: GridSettings) -> Iterator[Setting]:
    seen = (setting_at(settings, each) for each in range(min(settings.size, LOOKED_AT)))
    return (each for each in seen if each is not None)
