"""Slots that wait for the last trial of a round, with speculation and without: a simulation on a virtual clock.

    python benchmarks/barrier.py [--slots 8 64 512] [--seeds 10]

The real search (growth.py) decides; only time is simulated. A trial lasts as long as its configuration makes
it, times a log-normal factor. Two growths: of 7 candidates a round, one seed; and of 84, seven parameters by four
multiples by three seeds. Speculation begins likely points of the next round on slots that would wait
(speculation.py). Prints the share of slot time that waits, the share that is spent in vain, and how much
sooner a growth of twelve steps ends.
"""

from __future__ import annotations

import argparse
import heapq
import math
import random
import sys
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from samplers.searches.growth.growth import Growth
from samplers.searches.growth.speculation import likely_next
from samplers.searches.plan import Decision, Done, Need, Point, Result
from tests.support.growth_trace import BASELINE, INCREMENTS, landscape

STEPS = 12
SPREAD = 0.35
"""Standard deviation of the logarithm of a trial's length: one in twenty takes 1.8 times the median or more."""
WIDTHS = {"7 a round": {}, "84 a round": {"multiples": 4, "repeats": 3}}


@dataclass
class Simulation:
    """One growth on a number of slots."""

    search: Growth
    slots: int
    speculate: bool
    seed: int
    now: float = 0.0
    queue: list[Point] = field(default_factory=list)
    running: list[tuple[float, int, Point]] = field(default_factory=list)
    results: dict[str, Result] = field(default_factory=dict)
    begun: dict[str, float] = field(default_factory=dict)
    """Seconds that each started point takes."""
    used: set[str] = field(default_factory=set)
    path: list[object] = field(default_factory=list)

    def run(self) -> None:
        """Run the search to its end."""
        state = self.search.start()
        while True:
            step = self.search.advance(state, self.results)
            match step:
                case Done():
                    return
                case Decision():
                    self.path.append(step.record["chosen"])
                    state = step.state
                    self.queue.clear()  # speculative points that have not started are withdrawn
                case Need():
                    self.used |= {point.hash for point in step.points}
                    waiting = {point.hash for point in self.queue}
                    self.queue += [p for p in step.points if p.hash not in self.begun and p.hash not in waiting]
                    self._fill(state)
                    self._wait()

    def _fill(self, state: object) -> None:
        idle = self.slots - len(self.running)
        for point in self.queue[:idle]:
            self._begin(point)
        del self.queue[:idle]
        idle = self.slots - len(self.running)
        if self.speculate and idle and not self.queue:
            open_points = {point.hash for _, _, point in self.running}
            likely = likely_next(self.search, state, self.results, idle + len(open_points))  # type: ignore[arg-type]
            for point in [each for each in likely if each.hash not in open_points][:idle]:
                self._begin(point)

    def _begin(self, point: Point) -> None:
        length = landscape({**point.config, "seed": point.seed})["iter"]
        # The same point takes the same time in both runs: its luck is its own.
        luck = random.Random(f"{self.seed}{point.hash}").gauss(0, SPREAD)
        self.begun[point.hash] = length * math.exp(luck)
        heapq.heappush(self.running, (self.now + self.begun[point.hash], len(self.begun), point))

    def _wait(self) -> None:
        self.now, number, point = heapq.heappop(self.running)
        self.results[point.hash] = Result(number, "COMPLETE", landscape({**point.config, "seed": point.seed}))

    @property
    def wanted(self) -> float:
        """Slot seconds of the points that decisions were made from."""
        return sum(self.begun[hash_] for hash_ in self.used)

    @property
    def in_vain(self) -> float:
        """Slot seconds of the other points until the end."""
        left = sum(end - self.now for end, _, point in self.running if point.hash not in self.used)
        return sum(seconds for hash_, seconds in self.begun.items() if hash_ not in self.used) - left


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--slots", type=int, nargs="+", default=[8, 64, 512])
    parser.add_argument("--seeds", type=int, default=10)
    asked = parser.parse_args()
    print("round        slots   waits   with speculation: waits   in vain   ends sooner by")
    for name, more in WIDTHS.items():
        for slots in asked.slots:
            plain, ahead = (
                [_simulated(more, slots, each, seed) for seed in range(asked.seeds)] for each in (False, True)
            )
            assert [each.path for each in plain] == [each.path for each in ahead], "speculation changed a decision"
            waits, waits_ahead = (
                fmean(1 - (each.wanted + each.in_vain) / (slots * each.now) for each in runs) for runs in (plain, ahead)
            )
            vain = fmean(each.in_vain / (slots * each.now) for each in ahead)
            sooner = fmean(1 - b.now / a.now for a, b in zip(plain, ahead, strict=True))
            print(
                f"{name:12} {slots:5}   {waits:5.1%}   {waits_ahead:23.1%}   {vain:7.1%}   {sooner:14.1%}", flush=True
            )


def _simulated(more: dict[str, int], slots: int, speculate: bool, seed: int) -> Simulation:
    block = {"increments": INCREMENTS, "steps": STEPS, **more}
    search = Growth.parse(block, {**BASELINE, "noise": 0.004}, ("score", "maximize"), "params", "the simulation")
    simulation = Simulation(search, slots, speculate, seed)
    simulation.run()
    return simulation


if __name__ == "__main__":
    main()
