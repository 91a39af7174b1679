"""A decision on one line."""

from __future__ import annotations

from random import Random

from samplers.searches.plan import Point
from studies.history.state import race_text
from tests.support.tuning import Run, loss, tune


def noisy(point: Point) -> dict[str, float]:
    return {"loss": loss(point)["loss"] + Random(f"{sorted(point.config.items())} {point.seed}").gauss(0, 2)}


def test_a_race_says_when_it_begins_how_many_trials_it_buys_and_what_it_ends_with() -> None:
    run = Run(tune(sampler="random", settings=40, racing={"max_repeats": 9}), noisy)
    run.go()
    first, *_, last = (each.record for each in run.decisions if each.kind == "raced")
    numbers = ", ".join(str(number) for number, _ in first["more"])
    leader = first["standing"]["leader"]
    assert race_text(first) == f"racing begins: setting {leader} leads; more seeds for {numbers} (8 more trials)"
    assert race_text(last) == f"racing: {last['told']}" and "is the best" in last["told"]
