"""From a definition to its search."""

from __future__ import annotations

from dataclasses import replace

from samplers.plan import Search
from storage.errors import UsageError, nearest
from studies.definition import SEARCHES, Definition


def search_of(definition: Definition, where: str, steps: int | None = None) -> Search:
    """The search that a definition asks for, with its own block checked; `steps`, where given, is the budget.

    Raises:
        UsageError: The search's block is wrong.
    """
    block, config = definition.settings, definition.config
    score = (definition.score_metric, definition.direction)
    match definition.search:
        case "grow":
            from samplers.growth import Growth

            if definition.cost is None:
                raise UsageError(f"{where}: cost: is missing; a growth search needs one, like params")
            growth = Growth.parse(block, config, score, definition.cost, where)
            return replace(growth, steps=steps)
        case "depth":
            from samplers.layers import Depth

            return Depth.parse(block, config, where, families=definition.objective == "parameters")
        case "grid":
            from samplers.sweep import Grid

            return Grid.parse(block, config, where)
        case "fit":
            from samplers.fitting import Fit

            return Fit.parse(block, config, score, where)
        case other:
            raise UsageError(f"{where}: search: no search {other!r}{nearest(other, SEARCHES)}")
