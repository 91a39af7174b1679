"""Studies for chaos.py, with closed forms for objectives, and the end that each reaches undisturbed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samplers.searches.plan import Decision, Done, Need, Point, Result
from studies.definition.definition import Definition
from studies.definition.searches import search_of

OBJECTIVES = '''
"""A landscape for growths, a parameter count for depths, a polynomial for grids; each sleeps `seconds`."""

import time


def landscape(config):
    time.sleep(config["seconds"])
    a, b, c, d = (config[name] for name in "abcd")
    score = -(1.0 / a + 0.8 / b**1.2 + 0.5 / c**0.7 + 0.3 / d) - 1e-5 * (7919 * config["seed"] % 1009)
    return {"score": score, "params": 100.0 * a + 70.0 * b * b + 30.0 * a * c + 11.0 * d}


def layers(config):
    time.sleep(config["seconds"])
    if config["n_embd"] > 72:
        raise MemoryError("n_embd is too large")
    width, layers = config["n_embd"], config["n_layer"]
    return {"params": float(width * (100 + layers * (12 * width + layers)))}


def polynomial(config):
    time.sleep(config["seconds"])
    return {"score": config["x"] ** 2 - 3 * config["x"] * config["y"] + config["seed"] / 1e6}
'''
GROW = """
search: grow
objective: own.py:landscape
score: {metric: score, direction: maximize}
cost: params
attempts: 999
grow: {increments: {a: 1, b: 1, c: 1, d: 1}, steps: STEPS, repeats: 2}
config: {a: 1, b: 1, c: 1, d: 1, seconds: SECONDS}
"""
DEPTH = """
search: depth
objective: own.py:layers
score: {metric: params, direction: minimize}
attempts: 999
depth: {targets: [20000, 90000, 300000], widths: WIDTHS, num_heads: 4, max_layers: 60}
config: {n_embd: 8, n_layer: 1, seconds: SECONDS}
"""
GRID = """
search: grid
objective: own.py:polynomial
score: {metric: score, direction: maximize}
attempts: 999
grid: {axes: {x: {range: [1, XS, 1]}, y: [1, 2, 3, 4]}, repeats: 2}
config: {x: 0, y: 0, seconds: SECONDS}
"""
FIT = """
search: fit
objective: own.py:layers
score: {metric: params, direction: minimize}
attempts: 999
fit: {axis: n_embd, low: 2, high: 4000}
config: {n_embd: 8, n_layer: 1, seconds: SECONDS}
"""

Outcome = tuple[list[Mapping[str, Any]], dict[str, tuple[str, Mapping[str, float]]]]
"""Every decision's record, and every point's state and metrics by hash."""


@dataclass(frozen=True)
class Study:
    """A definition's file, and the end that its study must reach."""

    search: str
    file: Path
    expected: Outcome


def studies_of(folder: Path, searches: Sequence[str], seconds: float, size: int) -> list[Study]:
    """A study of each of these searches; a growth, a depth and a grid have at least about `10 * size` points."""
    scope: dict[str, Any] = {}
    exec(OBJECTIVES, scope)
    (folder / "own.py").write_text(OBJECTIVES)
    widths = [8 * n for n in range(1, max(2, 2 * size) + 1)]
    texts = {
        "grow": (GROW, "landscape"),
        "depth": (DEPTH, "layers"),
        "grid": (GRID, "polynomial"),
        "fit": (FIT, "layers"),
    }
    made = []
    for search in searches:
        text, objective = texts[search]
        for name, value in (("STEPS", size), ("WIDTHS", widths), ("XS", 2 * size), ("SECONDS", seconds)):
            text = text.replace(name, str(value))
        file = folder / f"{search}.yaml"
        file.write_text(text)
        made.append(Study(search, file, undisturbed(Definition.load(file, search), scope[objective])))
    return made


def undisturbed(definition: Definition, objective: Callable[[Mapping[str, Any]], Mapping[str, float]]) -> Outcome:
    """The same search in a plain loop: one process, no database, no sleep, nothing killed."""
    search = search_of(definition, "the benchmark")
    state = search.start()
    results: dict[str, Result] = {}
    records: list[Mapping[str, Any]] = []
    while True:
        step = search.advance(state, results)
        match step:
            case Done():
                return records, {hash_: (result.state, result.metrics) for hash_, result in results.items()}
            case Decision():
                records.append(step.record)
                state = step.state
                results |= {point.hash: _result(objective, point) for point in step.points}
            case Need():
                results |= {point.hash: _result(objective, point) for point in step.points}


def _result(objective: Callable[[Mapping[str, Any]], Mapping[str, float]], point: Point) -> Result:
    try:
        return Result(0, "COMPLETE", objective({**point.config, "seed": point.seed, "seconds": 0.0}))
    except MemoryError as error:
        return Result(0, "FAIL", {}, f"out of memory: MemoryError: {error}", "out_of_memory")


def timeless(value: Any) -> Any:
    """A record without the numbers of its trials, in JSON's types."""
    if isinstance(value, Mapping):
        return {key: timeless(each) for key, each in value.items() if key not in ("trial", "trials", "refused")}
    if isinstance(value, list | tuple):
        return [timeless(each) for each in value]
    return re.sub(r"\btrial \d+", "trial", value) if isinstance(value, str) else value
