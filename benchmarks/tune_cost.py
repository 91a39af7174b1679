"""What a choice costs: the whole step of ours, beside Optuna's `tell` and `ask` on its storage in memory, its fastest.

Both sides choose 5,000 settings one after another with the same sampler, in turn, eight open at a time; the cost at a
size is the median of the choices around it. Ours: the results told, a fresh sampler made, the setting chosen, its
record written as JSON and folded. Optuna's sampler is kept. Times are of the processor: the load matters little.
"""

from __future__ import annotations

import json
import math
import random
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import optuna

from samplers.searches.plan import Decision, Need, Point, Result
from samplers.searches.tune.tune import Tune

SIZES = (100, 1000, 5000)
SAMPLERS: Mapping[str, Callable[[], optuna.samplers.BaseSampler]] = {
    "random": lambda: optuna.samplers.RandomSampler(seed=1),
    "nsgaii": lambda: optuna.samplers.NSGAIISampler(seed=1),
    "cmaes": lambda: optuna.samplers.CmaEsSampler(seed=1),
    "tpe": lambda: optuna.samplers.TPESampler(seed=1),
}
SPACES: Mapping[str, Mapping[str, Any]] = {
    "cmaes": {
        "learning_rate": {"log": [1e-4, 1e-1]},
        "n_layer": {"range": [1, 12]},
        "dropout": {"float": [0.0, 0.5]},
        "momentum": {"float": [0.0, 1.0]},
    },
}
SPACE = {
    "learning_rate": {"log": [1e-4, 1e-1]},
    "n_layer": {"range": [1, 12]},
    "dropout": {"float": [0.0, 0.5]},
    "bias": [True, False],
}
CONFIG = {"learning_rate": 0.01, "n_layer": 1, "dropout": 0.0, "bias": True, "momentum": 0.9}
MINIMIZE = (("loss", "minimize"),)
AHEAD = 8
CHOICES = 60
"""Around each size, of which the median is taken."""


def loss(config: Mapping[str, Any]) -> float:
    """Anything smooth, with noise as of a training: without it CMA-ES would end up with one setting for ever."""
    noise = random.Random(repr(sorted(config.items()))).gauss(0, 0.3)
    return (math.log10(config["learning_rate"]) + 2.5) ** 2 + config["dropout"] + abs(config["n_layer"] - 6) / 6 + noise


def block(sampler: str) -> dict[str, Any]:
    """The `tune:` block of a study; CMA-ES has numbers alone."""
    return {"sampler": sampler, "space": SPACES.get(sampler, SPACE), "settings": 10**6, "ahead": AHEAD, "seed": 1}


def search_of(sampler: str) -> Tune:
    return Tune.parse(block(sampler), CONFIG, MINIMIZE, "")


def main() -> None:
    """One choice, ours and Optuna's, at each size."""
    print(f"{'sampler':>8} {'settings':>8} {'ours':>9} {'ask':>9} {'ratio':>6} {'rebuilt':>8}")
    for name in SAMPLERS:
        ours, theirs = Ours(name), Theirs(name)
        for _ in range(SIZES[-1] + CHOICES // 2):
            ours.choose()
            theirs.choose()
        for size in SIZES:
            mine, its = around(ours.seconds, size), around(theirs.seconds, size)
            rebuilt = ours.rebuilt(size)
            print(
                f"{name:>8} {size:>8,} {1e3 * mine:>6.1f} ms {1e3 * its:>6.1f} ms {mine / its:>6.2f} "
                f"{1e3 * rebuilt:>5.0f} ms",
                flush=True,
            )


def around(seconds: list[float], size: int) -> float:
    """The median of the choices around a size."""
    return statistics.median(seconds[size - CHOICES // 2 : size + CHOICES // 2])


class Ours:
    """Our search, as one process goes on with it."""

    def __init__(self, sampler: str) -> None:
        self.search = search_of(sampler)
        self.past, self.state = self.search.past(), self.search.start()
        self.results: dict[str, Result] = {}
        self.records: list[tuple[str, Mapping[str, Any]]] = []
        self.seconds: list[float] = []

    def choose(self) -> None:
        """One setting more."""
        if len(self.state["open"]) == AHEAD:
            need = self.search.with_past(self.past).advance(self.state, {})
            assert isinstance(need, Need)
            self.results = {point.hash: self._result(point) for point in need.points}
        began = time.process_time()
        step = self.search.with_past(self.past).advance(self.state, self.results)
        assert isinstance(step, Decision) and step.kind == "chosen"
        record, self.state = json.loads(json.dumps([step.record, step.state]))
        self.past.add(step.kind, record)
        self.seconds.append(time.process_time() - began)
        self.records.append((step.kind, record))

    def rebuilt(self, size: int) -> float:
        """Seconds in which a process that begins anew folds so many records."""
        past, began = self.search.past(), time.process_time()
        for kind, record in self.records[:size]:
            past.add(kind, record)
        return time.process_time() - began

    def _result(self, point: Point) -> Result:
        return Result(0, "COMPLETE", {"loss": loss(point.config)})


class Theirs:
    """A study of plain Optuna in memory."""

    def __init__(self, sampler: str) -> None:
        self.study = optuna.create_study(sampler=SAMPLERS[sampler]())
        self.asked = dict(search_of(sampler).past().distributions)
        self.open: list[optuna.Trial] = []
        self.seconds: list[float] = []

    def choose(self) -> None:
        """One setting more; the oldest of eight is told before."""
        done = self.open.pop(0) if len(self.open) == AHEAD else None
        value = None if done is None else loss(done.params)
        began = time.process_time()
        if done is not None:
            self.study.tell(done, value)
        self.open.append(self.study.ask(self.asked))
        self.seconds.append(time.process_time() - began)
