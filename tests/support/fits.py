"""A fit, run without an engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from samplers.searches.fit.fit import Fit
from samplers.searches.plan import Decision, Done, Result

OOM = Result(0, "FAIL", {}, "out of memory: held 7 GiB", "out_of_memory")


def fit(**block: Any) -> Fit:
    block = {"axis": "batch_size", **block}
    config = {"batch_size": 1, "n_layer": 2, "seed": 7, "dataset": "stdlib", "learning_rate": 0.1, "compile": True}
    return Fit.parse(block, config, ("speed", "maximize"), "fit.yaml")


def run(search: Fit, probe: Callable[[int], Result]) -> tuple[list[int], list[Decision], Done]:
    """The values tried, every decision, and the end."""
    state, results, tried, made = search.start(), dict[str, Result](), list[int](), list[Decision]()
    while not isinstance(step := search.advance(state, results), Done):
        if isinstance(step, Decision):
            made.append(step)
            state = step.state
        else:
            (point,) = step.points
            tried.append(point.config["batch_size"])
            results[point.hash] = probe(tried[-1])
    return tried, made, step


def up_to(limit: int) -> Callable[[int], Result]:
    return lambda value: Result(value, "COMPLETE", {"speed": -abs(value - 5.0)}) if value <= limit else OOM
