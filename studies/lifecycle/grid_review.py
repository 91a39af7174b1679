"""`--dry-run` of a grid: its settings, those left out and why, and the total."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from objectives.process.warm import Inspection
from samplers.searches.grid.combinations import Setting, setting_at
from samplers.searches.grid.grid import Grid
from samplers.searches.grid.settings import GridSettings
from samplers.searches.nested import flattened
from samplers.searches.plan import Config, Point, SearchState
from studies.definition.units import duration_text
from studies.history.purpose import setting_name
from studies.results.grid_table import setting_value
from studies.tables.digits import number
from studies.tables.table import Cell, Column, Document, Figure, Table

MAX_EXAMINED = 200_000
"""Combinations; of a larger grid the first ones are reviewed."""
MAX_INSPECTED = 1_000
"""Settings that the objective judges."""
MAX_LISTED = 200

Inspect = Callable[[Sequence[Config]], Sequence[Inspection]]


@dataclass(frozen=True)
class Review:
    """The settings that a grid would run, and those left out."""

    settings: Sequence[tuple[Setting, Inspection | None]]
    """Settings to run, each with the objective's answer, if it was asked."""
    filtered: Mapping[str, Counter[str]]
    """By condition: how often it left out each combination of its names."""
    refused: Counter[str]
    """Settings by the objective's reason to refuse them."""
    duplicates: int
    """Settings that equal an earlier one."""
    seeds: int
    unseen: int
    """Combinations that were not examined."""
    seconds: float | None = None
    """Mean time of a finished trial, if known."""
    finished: int = 0
    """Points that have ended already, also those that failed."""

    @property
    def runs(self) -> int:
        """Trials to run, finished ones not counted."""
        return len(self.settings) * self.seeds - self.finished

    @property
    def totals(self) -> dict[str, float]:
        """Sums of the objective's costs over all seeds of the inspected settings."""
        sums: Counter[str] = Counter()
        for _, inspection in self.settings:
            if inspection is not None:
                sums.update(inspection.cost)
        return {name: value * self.seeds for name, value in sums.items()}

    def document(self) -> Document:
        """At most `MAX_LISTED` settings, a line each; then the settings left out, and the total."""
        notes = []
        if len(self.settings) > MAX_LISTED:
            notes.append(f"… and {len(self.settings) - MAX_LISTED:,} more")
        for condition, combinations in self.filtered.items():
            notes.append(f"filtered by {condition}: {combinations.total():,} settings")
            notes += [f"    {each} ({count:,})" for each, count in list(combinations.items())[:MAX_LISTED]]
            if len(combinations) > MAX_LISTED:
                notes.append(f"    … and {len(combinations) - MAX_LISTED:,} more")
        notes += [f"refused by the objective: {count:,} settings: {why}" for why, count in self.refused.items()]
        if self.duplicates:
            notes.append(f"{self.duplicates:,} settings equal another after derivation: run once")
        if self.unseen:
            notes.append(f"{self.unseen:,} more combinations were not examined")
        return Document([self._listing()] if self.settings else [], [*notes, *self._total()])

    def _total(self) -> list[str]:
        """How many trials, their costs, and their time on one slot, if known."""
        seeds = f"{self.seeds} seed{'s' * (self.seeds != 1)}"
        done = f", {self.finished:,} {'has' if self.finished == 1 else 'have'} ended" if self.finished else ""
        lines = [f"{len(self.settings):,} settings × {seeds}: {self.runs:,} trials to run{done}"]
        asked = sum(inspection is not None for _, inspection in self.settings)
        part = "" if asked == len(self.settings) else f" of the first {asked:,} settings"
        lines += [f"total {name}{part}: {number(value)}" for name, value in self.totals.items()]
        known = self.seconds and f"about {duration_text(self.runs * self.seconds)} on one slot"
        return [*lines, known or "time not known yet"]

    def _listing(self) -> Table:
        listed = self.settings[:MAX_LISTED]
        names = list(dict.fromkeys(name for setting, _ in listed for name in (*setting.axes, *setting.derived)))
        costs = list(dict.fromkeys(name for _, inspection in listed if inspection for name in inspection.cost))
        rows: list[list[Cell]] = []
        for setting, inspection in listed:
            values = {**setting.axes, **setting.derived}
            figures = {} if inspection is None else inspection.cost
            rows.append(
                [
                    *(setting_value(values, setting.config, name) for name in names),
                    *(Figure(figures.get(name)) for name in costs),
                ]
            )
        return Table([*map(Column, names), *(Column(name, right=True) for name in costs)], rows)


def review(
    grid: Grid, state: SearchState, inspect: Inspect, seconds: float | None = None, finished: Collection[str] = ()
) -> Review:
    """Go through a grid and let the objective judge its settings.

    Args:
        grid: The search.
        state: Its state; the block may have been overridden.
        inspect: The objective's answers about configs, one each (`WarmServer.inspect`).
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
    inspections: list[Any] = list(inspect([each.config for each in every[:MAX_INSPECTED]])) if every else []
    refused = Counter(each.refusal for each in inspections if each.refusal is not None)
    inspections += [None] * (len(every) - len(inspections))
    left = [
        (setting, inspection)
        for setting, inspection in zip(every, inspections, strict=True)
        if inspection is None or inspection.refusal is None
    ]
    seeds = range(settings.seed, settings.seed + settings.repeats) if finished else ()
    done = sum(Point(setting.config, seed).hash in finished for setting, _ in left for seed in seeds)
    unseen = max(0, settings.size - MAX_EXAMINED)
    return Review(left, filtered, refused, duplicates, settings.repeats, unseen, seconds, done)


def _settings(settings: GridSettings) -> Iterator[Setting]:
    seen = (setting_at(settings, each) for each in range(min(settings.size, MAX_EXAMINED)))
    return (each for each in seen if each is not None)
