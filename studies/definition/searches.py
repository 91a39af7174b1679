"""From a definition to its search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from samplers.searches.plan import Search
from storage.errors import UsageError
from storage.ledger import Ledger
from storage.records import StudyRow
from studies.definition.definition import Definition

UNLIMITED_STEPS = 2**31
PARAMS = "params"
"""The metric that a depth study counts where its definition names none."""
LINEAR_COUNTS = (PARAMS, "non_embedding_params")
"""Counts of the objective `parameters` that lie on a line in depth, for its own families."""


def search_of(definition: Definition, where: str, steps: int | None = None) -> Search:
    """The search that a definition asks for, with its own block checked; `steps`, where given, is the budget.

    Raises:
        UsageError: The search's block is wrong.
    """
    block, config = definition.settings, definition.config
    score = (definition.score_metric, definition.direction)
    match definition.search:
        case "grow":
            from samplers.searches.growth.growth import Growth

            if definition.cost is None:
                raise UsageError(f"{where}: cost: is missing; a growth search needs one, like params")
            growth = Growth.parse(block, config, score, definition.cost, where)
            return replace(growth, steps=steps)
        case "depth":
            from samplers.searches.depth.depth import Depth

            metric = definition.score_metric
            families = definition.objective == "parameters" and metric in LINEAR_COUNTS
            return Depth.parse(block, config, where, metric, families, predicts=metric == PARAMS)
        case "grid":
            from samplers.searches.grid.grid import Grid

            return Grid.parse(block, config, where, score)
        case "tune":
            from samplers.searches.tune.tune import Tune

            return Tune.parse(block, config, definition.scores, where)
        case _:
            from samplers.searches.fit.fit import Fit

            return Fit.parse(block, config, score, where)


def search_in_force(study: StudyRow) -> Search:
    """A study's search: as it was started, with the budget of steps in force. Later changes are in its state."""
    return search_of(Definition.from_json(study.origin), f"study {study.name}", study.steps)


def search_without_budget(study: StudyRow) -> Search:
    """A study's search for replay: a decision made under any earlier budget can be derived without one."""
    return search_of(Definition.from_json(study.origin), f"study {study.name}", UNLIMITED_STEPS)


def current_state(ledger: Ledger, study: StudyRow) -> Mapping[str, Any]:
    """The search's state after the last decision."""
    last = ledger.last_decision()
    return search_in_force(study).start() if last is None else last[1]
