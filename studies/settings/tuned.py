"""The settings of a tune study, each with its seeds: ranked by one score, or the front of several."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from samplers.searches.noise import mean
from samplers.searches.tune.constraints import Constraint
from samplers.searches.tune.front import front, knee, losses
from storage.records import DecisionRow, Score, StudyRow, TrialRow
from studies.history.decisions import in_force
from studies.settings.grid_cells import Cell, Ranking, cells_of, ranking_of
from studies.tables.digits import bound_text


@dataclass(frozen=True)
class TunedSetting:
    """One setting that the search has chosen."""

    number: int
    cells: Sequence[Cell]
    """Its seeds, once for each score."""
    excess: Mapping[str, float]
    """By how much each constraint is missed, the mean over its seeds; at most 0 where it is met."""

    @property
    def cell(self) -> Cell:
        """By the first score."""
        return self.cells[0]

    @property
    def means(self) -> list[float]:
        """Of each score."""
        return [cell.mean for cell in self.cells]

    @property
    def is_whole(self) -> bool:
        """Whether each of its seeds has all scores."""
        return all(cell.is_whole for cell in self.cells)

    @property
    def is_feasible(self) -> bool:
        """Whether it meets all constraints."""
        return all(excess <= 0 for excess in self.excess.values())


@dataclass(frozen=True)
class Tuned:
    """What a tune study has found so far."""

    scores: Sequence[Score]
    settings: Sequence[TunedSetting]
    """Of the decisions in force, in the order of their choice."""
    ranking: Ranking
    """By the first score, of those that meet all constraints."""
    others: Sequence[TrialRow]
    """Trials of settings that no decision in force has chosen: enqueued by another program, or chosen before a
    correction."""

    @cached_property
    def ranked(self) -> list[TunedSetting]:
        """Those with a score, the best first by the first score; those that miss a constraint last."""
        place = {id(cell): index for index, cell in enumerate(self.ranking.scored)}
        scored = [each for each in self.settings if each.cell.scores and not each.cell.pruned]
        return sorted(scored, key=lambda each: (not each.is_feasible, place.get(id(each.cell), len(place))))

    @cached_property
    def listed(self) -> list[TunedSetting]:
        """All of them: ranked ones first, then in the order of their choice."""
        known = {each.number for each in self.ranked}
        return [*self.ranked, *(each for each in self.settings if each.number not in known)]

    @cached_property
    def front_numbers(self) -> frozenset[int]:
        return frozenset(each.number for each in self.front)

    @cached_property
    def front(self) -> list[TunedSetting]:
        """Those that no other one dominates, in the order of the first score."""
        whole = self._whole
        return sorted((whole[index] for index in front(self._losses)), key=lambda each: self._loss(each))

    @property
    def front_first(self) -> list[TunedSetting]:
        """All settings, those of the front first."""
        return [*self.front, *(each for each in self.listed if each.number not in self.front_numbers)]

    @cached_property
    def knee(self) -> TunedSetting | None:
        """The setting of the front that gives up least of every score."""
        index = knee(self._losses)
        return None if index is None else self._whole[index]

    def no_knee(self, study: str) -> str | None:
        """Why none of a front's settings is the best, and what chooses one; None if one is, or there is no front."""
        if not self.front or len(self.scores) == 1 or self.best is not None:
            return None
        middle, score = self.front[len(self.front) // 2], self.scores[1]
        bound = f"{score.metric} {bound_text(middle.means[1], score.direction)}"
        where = bound if all(part.isidentifier() for part in score.metric.split(".")) else "CONDITION"
        return f'no knee: the front has no bend; choose with: best {study} --where "{where}"'

    @property
    def best(self) -> TunedSetting | None:
        """The first of the ranking; of several scores, the knee, or the only setting of the front. None of a front
        without a bend: which of its settings is best is the user's to say."""
        if len(self.scores) > 1:
            return self.front[0] if len(self.front) == 1 else self.knee
        first = next(iter(self.ranking.ranked), None)
        return next((each for each in self.settings if each.cell is first), None)

    @cached_property
    def _whole(self) -> list[TunedSetting]:
        return [each for each in self.settings if each.is_whole and each.is_feasible]

    def _loss(self, setting: TunedSetting) -> tuple[float, ...]:
        return losses(setting.means, [each.direction for each in self.scores])

    @cached_property
    def _losses(self) -> list[tuple[float, ...]]:
        return [self._loss(each) for each in self._whole]


def tuned(rows: Sequence[TrialRow], decisions: Sequence[DecisionRow], study: StudyRow) -> Tuned:
    """The settings of a study, from its trials and decisions."""
    numbers: dict[str, int] = {}
    for made in in_force(decisions):
        for each in (made.record, *made.record.get("settings", ())):
            if each.get("config") is not None:
                numbers.setdefault(_key(each["config"]), int(each["setting"]))
    mine: list[TrialRow] = []
    others: list[TrialRow] = []
    for row in rows:
        (mine if _key(row.config) in numbers else others).append(row)
    by_score = [cells_of(mine, each.metric) for each in study.scores]
    block = decisions[-1].state["tune"] if decisions else study.origin["tune"]
    constraints = _constraints(block, study)
    settings = [
        TunedSetting(numbers[_key(cells[0].config)], cells, _excess(cells[0], constraints))
        for cells in zip(*by_score, strict=True)
    ]
    ranked = ranking_of([each.cell for each in settings if each.is_feasible], study.scores[0].direction)
    settings.sort(key=lambda each: each.number)
    return Tuned(study.scores, settings, ranked, others)


def _constraints(block: Mapping[str, Any], study: StudyRow) -> list[Constraint]:
    given = block.get("constraints") or []
    return [Constraint.parse(text, study.name) for text in (given if isinstance(given, list) else [given])]


def _excess(cell: Cell, constraints: Sequence[Constraint]) -> dict[str, float]:
    """Of a setting whose seeds have all ended with a score; one that cannot be judged yet meets them."""
    found = {}
    for constraint in constraints:
        values = [constraint.value(row.metrics) for row in cell.rows if row.state == "COMPLETE"]
        known = [value for value in values if value is not None]
        if known:
            found[constraint.text] = mean(known)
    return found


def _key(config: Mapping[str, Any]) -> str:
    return json.dumps(config, sort_keys=True)
