"""Grid search: every combination of the axes' values, derived, filtered, with every seed, each once.

Combinations are numbered, and each is computed from its number alone (combinations.py): nothing is listed ahead, and a
grid of millions starts at once. Points are planned in batches (batches.py); no decision waits for their results. A
point that a batch or the study has already is not planned again, so combinations that become equal after derivation or
rounding, or that two groups share, are one setting.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from samplers.searches.distributions import holding, seeds
from samplers.searches.grid.batches import MAX_BATCH_NUMBERS, Batch, BatchBuilder, settings_between
from samplers.searches.grid.combinations import Setting, setting_at
from samplers.searches.grid.members import Members
from samplers.searches.grid.race import GridRace
from samplers.searches.grid.ranges import ANY_NUMBER, Range, ranges_of
from samplers.searches.grid.settings import GridSettings, parse_grid
from samplers.searches.plan import Config, Decision, Done, Need, Point, Results, SearchState, merged
from samplers.searches.race.settings import seeds_text
from storage.records import EndKind

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

SAMPLE_SIZE = 100  # combinations tried before anything is written


@dataclass(frozen=True)
class Grid:
    """The search of a definition with `search: grid`: studies call it through samplers/searches/plan.py's `Search`."""

    config: Config
    block: Mapping[str, Any]
    settings: GridSettings
    where: str
    score: tuple[str, str] = ("", "maximize")
    """The metric and its direction, by which settings race."""

    @staticmethod
    def parse(block: Mapping[str, Any], config: Config, where: str, score: tuple[str, str] = ("", "maximize")) -> Grid:
        """From a definition's `grid:` block and config. Some of the combinations are tried.

        Raises:
            UsageError: The block does not fit the config, or an expression has no value.
        """
        grid = Grid(dict(config), dict(block), parse_grid(block, config, where), where, score)
        assert grid.sample
        return grid

    @cached_property
    def sample(self) -> list[Setting | None]:
        """Combinations spread over the whole grid."""
        size = self.settings.size
        numbers = dict.fromkeys(each * (size - 1) // (SAMPLE_SIZE - 1) for each in range(SAMPLE_SIZE))
        return [setting_at(self.settings, number) for number in numbers]

    def start(self) -> SearchState:
        return {"next": 0, "settings": 0, "grid": dict(self.block), "config": dict(self.config)}

    def advance(self, state: SearchState, results: Results) -> Need | Decision | Done:
        settings = self.settings_in(state)
        if state["next"] >= settings.size * settings.repeats:
            if not state["settings"]:
                return Done("no setting is left by `where`", EndKind.FAILED, waits=True)
            if settings.racing is not None and not state.get("raced"):
                step = GridRace(settings, *self.score).step(state, self.outlook(state), results)
                if step is not None:
                    return step
            members = Members(settings)
            is_exact = members.is_countable or not members.may_repeat
            count = f"{'' if is_exact else 'at most '}{state['settings']} setting{'s' * (state['settings'] != 1)}"
            return Done(f"{count} × {seeds_text(settings.repeats, settings.racing)} are done", waits=True)
        batch = self.batch(settings, state["next"])
        record = {
            "from": state["next"],
            "to": batch.to,
            "points": len(batch.points),
            "settings": batch.settings,
            "digest": hashlib.sha256("".join(point.hash for point in batch.points).encode()).hexdigest(),
            "filtered": dict(batch.filtered),
            "duplicates": batch.duplicates,
            "told": f"{len(batch.points)} points planned, of {batch.settings} new settings",
            "event": None,
        }
        after = {**state, "next": batch.to, "settings": state["settings"] + batch.settings}
        return Decision("planned", record, after, batch.points)

    def batch(self, settings: GridSettings, start: int) -> Batch:
        """The points from number `start` on, at most `MAX_BATCH_POINTS`."""
        builder = BatchBuilder(settings)
        end = min(start + MAX_BATCH_NUMBERS, settings.size * settings.repeats)
        for index, number, repeat, setting in settings_between(settings, start, end):
            if builder.is_full:
                return builder.batch(to=index)
            if setting is None:
                continue
            if setting.filtered is not None:
                builder.leave_out(setting.filtered, repeat)
            else:
                builder.add(self._point(setting, settings.seed + repeat), number, repeat)
        return builder.batch(to=end)

    def outlook(self, state: SearchState) -> Iterator[Point]:
        """Every point of the grid, in the order of its batches; each is computed when it is asked for."""
        settings = self.settings_in(state)
        start, end = 0, settings.size * settings.repeats
        while start < end:
            batch = self.batch(settings, start)
            yield from batch.points
            start = batch.to

    def override(self, state: SearchState, changes: Mapping[str, Any]) -> Decision:
        """Change the block (`grid`) or the config from here on. The whole grid is planned again; finished points stay
        finished.

        Raises:
            UsageError: They do not fit together.
        """
        config = {**state["config"], **changes.get("config", {})}
        block = merged(state["grid"], changes.get("grid", {}))
        Grid.parse(block, config, self.where)
        values = ", ".join(f"{name}={value}" for part in changes.values() for name, value in part.items())
        record = {
            "event": f"override: {values}",
            "changes": {name: dict(part) for name, part in changes.items()},
        }
        return Decision("override", record, {"next": 0, "settings": 0, "grid": block, "config": config})

    def distributions(self, params: Mapping[str, Any]) -> Mapping[str, BaseDistribution]:
        """From the first grid, so that a name keeps one range; wider for a value that an override brought."""
        first = self.settings
        return {
            name: holding(
                seeds(first.seed, first.max_seeds) if name == "seed" else self._range(name).distribution(), value
            )
            for name, value in params.items()
        }

    def settings_in(self, state: SearchState) -> GridSettings:
        """The block in force, checked."""
        # As text: 1, 1.0 and true are equal to Python and not to an objective.
        if json.dumps([state["grid"], state["config"]]) == json.dumps([self.block, self.config]):
            return self.settings
        return parse_grid(state["grid"], state["config"], self.where)

    def _point(self, setting: Setting, seed: int) -> Point:
        """Optuna shows the values that fit their range: a category that was added later does not."""
        shown = {
            name: self._range(name).shown(value)
            for name, value in (*setting.axes.items(), *setting.derived.items())
            if self._range(name).holds(value)
        }
        role = {"role": "cell", "setting": dict(setting.axes)}
        return Point(setting.config, seed, {**shown, "seed": seed}, role)

    @cached_property
    def _ranges(self) -> Mapping[str, Range]:
        sample = [each for each in self.sample if each is not None]
        return ranges_of(self.settings, sample, is_whole=len(self.sample) == self.settings.size)

    def _range(self, name: str) -> Range:
        return self._ranges.get(name, ANY_NUMBER)
