"""A growth, run without an engine."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from samplers.searches.growth.growth import Growth
from samplers.searches.plan import Decision, Done, Need, Result
from tests.support.growth_trace import BASELINE, landscape

Objective = Callable[[Mapping[str, Any]], Mapping[str, float] | None]


def growth(block: Mapping[str, Any], config: Mapping[str, Any] | None = None, cost: str = "params") -> Growth:
    return Growth.parse(block, {**BASELINE, **(config or {})}, ("score", "maximize"), cost, "test.yaml")


def run(search: Growth, objective: Objective = landscape) -> tuple[list[Decision], Done, dict[str, Result]]:
    """Plan and evaluate until the search is done: its decisions, its end, and every point that it asked for."""
    state, made, results = search.start(), [], {}
    for _ in range(10_000):
        match search.advance(state, results):
            case Need(points):
                assert len({point.hash for point in points}) == len(points) and points
                for point in points:
                    assert point.hash not in results, "asked for twice"
                    metrics = objective({**point.config, "seed": point.seed})
                    number = len(results)
                    results[point.hash] = (
                        Result(number, "FAIL", {}, "broken") if metrics is None else Result(number, "COMPLETE", metrics)
                    )
            case Decision() as decision:
                made.append(decision)
                state = json.loads(json.dumps(decision.state))
            case Done() as done:
                return made, done, results
    raise AssertionError("it does not end")
