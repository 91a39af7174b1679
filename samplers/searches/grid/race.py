"""More seeds for a grid's best settings, once all of its batches have ended: the race for the best setting.

Each purchase is a decision with its table, and so is the end of the race. Settings of which a seed failed or was pruned
are out of it, as are those that the objective refused.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from samplers.searches.grid.settings import GridSettings
from samplers.searches.noise import mean
from samplers.searches.plan import Decision, Need, Point, Results, SearchState
from samplers.searches.race.leaders import Standing, standing


@dataclass(frozen=True)
class GridRace:
    """The race of one grid."""

    settings: GridSettings
    metric: str
    direction: str

    def step(self, state: SearchState, grid: Iterable[Point], results: Results) -> Need | Decision | None:
        """What the race needs, or its next decision; None: no two settings are left of which one leads.

        Args:
            state: With `bought`, the numbers of seeds by the hash of a setting's first point.
            grid: Every point of the grid, without those that were bought.
            results: Of all points that have ended, or none.
        """
        firsts = {point.hash: point for point in grid if point.seed == self.settings.seed}
        bought: Mapping[str, int] = state.get("bought", {})
        points = [self._points(first, bought.get(first.hash, 0)) for first in firsts.values()]
        if not any(point.hash in results for each in points for point in each):
            return Need(
                tuple(point for each in points for point in each), "the race waits for all trials", settled=True
            )
        scored = [(each, scores) for each in points if (scores := self._scores(each, results)) is not None]
        if len(scored) < 2:
            return None
        assert self.settings.racing is not None
        race = standing(dict(enumerate(scores for _, scores in scored)), self.direction, self.settings.racing)
        if race is None:
            return None
        more = {scored[place][0][0].hash: count for place, count in race.more.items()}
        new = [
            point
            for hash_, count in more.items()
            for point in self._points(firsts[hash_], count)[bought.get(hash_, self.settings.repeats) :]
        ]
        after = {**state, "bought": {**bought, **more}, "raced": not more}
        return Decision("raced", self._record(race, scored, len(new)), after, tuple(new))

    def _points(self, first: Point, count: int) -> list[Point]:
        """The setting's points: those of the grid, and those that were bought."""
        seeds = range(first.seed, first.seed + max(self.settings.repeats, count))
        return [Point(first.config, seed, {**first.params, "seed": seed}, first.role) for seed in seeds]

    def _scores(self, points: Sequence[Point], results: Results) -> list[float] | None:
        scores = []
        for point in points:
            result = results.get(point.hash)
            score = math.nan if result is None else result.metrics.get(self.metric, math.nan)
            if result is None or result.state != "COMPLETE" or not math.isfinite(score):
                return None
            scores.append(score)
        return scores

    def _record(
        self, race: Standing, scored: Sequence[tuple[Sequence[Point], Sequence[float]]], points: int
    ) -> dict[str, Any]:
        """Rounded, so that it is the same on every machine."""
        likeliest = sorted(race.rivals, key=lambda place: -race.rivals[place].p)
        sure = math.floor(100 * race.sure) / 100
        best = scored[race.leader][0][0].role["setting"]
        told = (
            f"{points} more trials of {len(race.more)} settings whose order is unsure (sure {sure:.2f})"
            if race.more
            else f"no more seeds are worth their trials (sure {min(0.99, sure):.2f})"
        )
        return {
            "rule": "loss race",
            "best": best,
            "sure": round(race.sure, 4),
            "table": [
                {
                    "setting": scored[place][0][0].role["setting"],
                    "mean": mean(scored[place][1]),
                    "seeds": len(scored[place][1]),
                    "better": None if place == race.leader else round(race.rivals[place].p, 4),
                    "more": race.more.get(place, 0) and race.more[place] - len(scored[place][1]),
                }
                for place in [race.leader, *likeliest]
            ],
            "points": points,
            "told": told,
            "event": None,
        }
