"""Tuning on functions whose lowest value is known: the product's own search and Optuna's study under one virtual clock.

Eight slots, trials of log-normal length; a slot that is free takes the next setting. Ours may wait for setting
k - `ahead`; Optuna's never waits, and tells its sampler whatever has ended. Same number of trainings, same lengths.

`idle` is the share of slots that wait, by `ahead` and by how much the lengths of trials differ.
"""

from __future__ import annotations

import heapq
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

import optuna

from samplers.searches.plan import Decision, Done, Point, Result
from samplers.searches.tune.tune import Tune

SLOTS = 8
TRAININGS = 100
REPEATS = 20
SPREAD = 0.5
"""Of the logarithm of a trial's length: 0.5 is as if every axis changed it, 0.1 as if none did."""
SPREADS = (0.1, 0.3, 0.5)
MINIMIZE = (("loss", "minimize"),)


class Function:
    """A function to minimize, with its space and its lowest value."""

    def __init__(
        self, space: Mapping[str, Any], lowest: float, value: Callable[[Sequence[float]], float], noise: float = 0.0
    ) -> None:
        self.space, self.lowest, self._value, self.noise = space, lowest, value, noise

    def __call__(self, config: Mapping[str, Any], seed: int) -> float:
        """The value with the noise of a seed: the same for the same setting and seed."""
        exact = self.exact(config)
        return exact + self.noise * Random(f"{sorted(config.items())} {seed}").gauss(0, 1) if self.noise else exact

    def exact(self, config: Mapping[str, Any]) -> float:
        """The value without noise."""
        return self._value([config[name] for name in self.space])


def branin(x: Sequence[float]) -> float:
    """Dixon and Szegő (1978), "The global optimization problem: an introduction", Towards Global Optimization 2."""
    a, b = x
    return (
        (b - 5.1 / (4 * math.pi**2) * a**2 + 5 / math.pi * a - 6) ** 2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(a) + 10
    )


def hartmann(x: Sequence[float]) -> float:
    """The six-dimensional function of Hartmann (1973), with the constants of Dixon and Szegő (1978)."""
    weights = (1.0, 1.2, 3.0, 3.2)
    scales = (
        (10, 3, 17, 3.5, 1.7, 8),
        (0.05, 10, 17, 0.1, 8, 14),
        (3, 3.5, 1.7, 10, 17, 8),
        (17, 8, 0.05, 10, 0.1, 14),
    )
    centres = (
        (0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886),
        (0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991),
        (0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650),
        (0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381),
    )
    return -sum(
        weight * math.exp(-sum(s * (each - c) ** 2 for s, each, c in zip(scale, x, centre, strict=True)))
        for weight, scale, centre in zip(weights, scales, centres, strict=True)
    )


BRANIN_SPACE = {"a": {"float": [-5.0, 10.0]}, "b": {"float": [0.0, 15.0]}}
FUNCTIONS = {
    "Branin": Function(BRANIN_SPACE, 0.397887, branin),
    "Hartmann-6": Function({name: {"float": [0.0, 1.0]} for name in "abcdef"}, -3.32237, hartmann),
    "Branin with noise": Function(BRANIN_SPACE, 0.397887, branin, noise=2.0),
}


def functions() -> None:
    """The regret of the best setting after all trainings, and the share of slots that wait."""
    print(f"{TRAININGS} trainings, {SLOTS} slots, {REPEATS} repeats: median regret (quartiles), slots that wait")
    for name, function in FUNCTIONS.items():
        rows = [("Optuna", [_optuna_run(function, seed) for seed in range(REPEATS)])]
        rows += [
            (f"ahead {ahead}", [_our_run(function, seed, ahead) for seed in range(REPEATS)]) for ahead in (8, 16, 24)
        ]
        for label, runs in rows:
            regrets = [regret for regret, _ in runs]
            low, middle, high = statistics.quantiles(regrets, n=4)
            waiting = statistics.mean(share for _, share in runs)
            print(f"{name:>18} {label:>9}: {middle:8.4f} ({low:.4f} to {high:.4f}), {waiting:6.1%}")


def idle() -> None:
    """The share of slots that wait, while settings are left to choose."""
    print(f"{SLOTS} slots, {TRAININGS} trainings, mean of {REPEATS}: slots that wait")
    print("spread of lengths  " + "  ".join(f"ahead {ahead:>2}" for ahead in (8, 12, 16, 24)))
    for spread in SPREADS:
        shares = [
            statistics.mean(_our_run(FUNCTIONS["Branin"], seed, ahead, "random", spread)[1] for seed in range(REPEATS))
            for ahead in (8, 12, 16, 24)
        ]
        print(f"{spread:>17}  " + "  ".join(f"{share:>8.1%}" for share in shares))


def _lengths(seed: int, spread: float = SPREAD) -> Callable[[], float]:
    random = Random(seed)
    return lambda: math.exp(random.gauss(0, spread))


def _optuna_run(function: Function, seed: int) -> tuple[float, float]:
    """Eight processes: each slot asks once it is free, and tells when its trial ends."""
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    ranges = {name: optuna.distributions.FloatDistribution(*axis["float"]) for name, axis in function.space.items()}
    length, busy, found = _lengths(seed), list[tuple[float, int, optuna.Trial]](), list[tuple[float, float]]()
    for number in range(TRAININGS):
        clock = 0.0
        if len(busy) == SLOTS:
            clock, _, ended = heapq.heappop(busy)
            _tell(study, ended, function, seed, found)
        heapq.heappush(busy, (clock + length(), number, study.ask(ranges)))
    for _, _, ended in sorted(busy, key=lambda each: each[:2]):
        _tell(study, ended, function, seed, found)
    return min(found)[1] - function.lowest, 0.0


def _tell(
    study: optuna.Study, trial: optuna.Trial, function: Function, seed: int, found: list[tuple[float, float]]
) -> None:
    value = function(trial.params, seed)
    study.tell(trial, value)
    found.append((value, function.exact(trial.params)))


def _our_run(
    function: Function, seed: int, ahead: int, sampler: str = "tpe", spread: float = SPREAD
) -> tuple[float, float]:
    """The product's search under the same clock: a free slot takes the next point that is planned."""
    block = {"sampler": sampler, "space": function.space, "settings": TRAININGS, "ahead": ahead, "seed": seed}
    search = Tune.parse(block, dict.fromkeys(function.space, 0.0), MINIMIZE, "")
    state, past = search.start(), search.past()
    results: dict[str, Result] = {}
    waiting: list[Point] = []
    busy: list[tuple[float, int, Point]] = []
    found: list[tuple[float, float]] = []
    length, clock, waited, begun = _lengths(seed, spread), 0.0, 0.0, 0
    while True:
        step = search.with_past(past).advance(state, results)
        if isinstance(step, Decision):
            past.add(step.kind, step.record)
            state = step.state
            waiting += [point for point in step.points if point.hash not in results]
            if step.kind == "chosen" and len(waiting) + len(busy) < SLOTS:
                continue
        while waiting and len(busy) < SLOTS:
            heapq.heappush(busy, (clock + length(), begun, waiting.pop(0)))
            begun += 1
        if isinstance(step, Done):
            return min(found)[1] - function.lowest, waited / (clock * SLOTS)
        if isinstance(step, Decision) and len(busy) < SLOTS:
            continue
        if not busy:
            continue
        end, _, point = heapq.heappop(busy)
        if begun < TRAININGS:
            waited += (SLOTS - len(busy) - 1) * (end - clock)
        clock = end
        value = function(point.config, seed)
        results[point.hash] = Result(begun, "COMPLETE", {"loss": value})
        found.append((value, function.exact(point.config)))
