"""A grid's trials: those of the grid in force, and those that an override or an edit has left behind."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from samplers.searches.grid.members import Members, hashed_text
from samplers.searches.grid.settings import parse_grid
from storage.records import DecisionRow, TrialRow


@dataclass(frozen=True)
class GridPoints:
    """A grid's trials, split by whether the grid in force has them."""

    in_force: Sequence[TrialRow]
    earlier: Sequence[TrialRow]
    """Planned under another config or other axes, of another seed, or withdrawn."""

    @property
    def further_seeds(self) -> Sequence[TrialRow]:
        """Of `earlier`: other seeds of settings in force."""
        mine = self._configs_in_force
        return [row for row in self.earlier if hashed_text(row.config) in mine]

    @property
    def other_settings(self) -> Sequence[TrialRow]:
        """Of `earlier`: settings that the grid in force does not have."""
        mine = self._configs_in_force
        return [row for row in self.earlier if hashed_text(row.config) not in mine]

    @cached_property
    def _configs_in_force(self) -> frozenset[str]:
        return frozenset(hashed_text(row.config) for row in self.in_force) if self.earlier else frozenset()


def apart(rows: Sequence[TrialRow], decisions: Sequence[DecisionRow]) -> GridPoints:
    """Each row is judged by its own config and seed, without enumerating the grid.

    Args:
        rows: Of `read_points`.
        decisions: Of `read_decisions`; without an override among them, all rows are of the grid in force.
    """
    if not any(row.kind == "override" for row in decisions):
        return GridPoints(rows, ())
    state = decisions[-1].state
    members = Members(parse_grid(state["grid"], state["config"], "the grid in force"))
    known: dict[str, bool] = {}
    in_force: list[TrialRow] = []
    earlier: list[TrialRow] = []
    for row in rows:
        key = hashed_text(row.config)
        if key not in known:
            known[key] = members.has(row.config, row.role.get("setting", {}))
        if row.role.get("role") == "enqueued":
            stands = _laid_over(row, state["config"])
        else:
            stands = known[key] and row.seed in members.seeds
        (in_force if stands else earlier).append(row)
    return GridPoints(in_force, earlier)


def _laid_over(row: TrialRow, config: Mapping[str, Any]) -> bool:
    """Whether a point that another program enqueued has the configuration in force below its own keys."""
    fixed = {re.split(r"[.\[]", name)[0] for name in row.role.get("setting", {})}
    mine, now = ({name: each[name] for name in each if name not in fixed} for each in (row.config, config))
    return hashed_text(mine) == hashed_text(now)
