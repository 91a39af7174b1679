"""The path of a growth study: each configuration with its cost and score, and the candidates that were tried."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from samplers.searches.noise import mean
from studies.history.decisions import in_force


@dataclass(frozen=True)
class Measured:
    """A configuration that was measured: means over its seeds."""

    label: str
    config: Mapping[str, Any]
    """Empty of a candidate that was not chosen."""
    score: float
    cost: float
    metrics: Mapping[str, float]
    trials: Sequence[int]
    """Numbers of its trials, one a seed."""

    def value(self, name: str, score: str, cost: str) -> float:
        """A metric's mean; NaN where it has none."""
        return {**self.metrics, score: self.score, cost: self.cost}.get(name, math.nan)


@dataclass
class Stretch:
    """A part of the path whose scores can be compared: nothing was raised or overridden within it."""

    places: list[Measured] = field(default_factory=list)
    tried: list[Measured] = field(default_factory=list)
    """Everything measured: the places, and candidates that were not chosen."""
    tied: int = 0
    """Steps with a tie, or with one seed."""


def stretches(start: Mapping[str, Any], decisions: Sequence[Any]) -> list[Stretch]:
    """The path, cut where the budget or the configuration changed."""
    config, found, cut = start, [Stretch()], False
    for row in in_force(decisions):
        record = row.record
        if row.kind == "override":
            config, cut = row.state["config"], True
            continue
        if record["baseline"] is not None and record["baseline"]["score"] is not None:
            if cut and found[-1].places:
                found.append(Stretch())
            if not found[-1].places:
                base = _place("start" if len(found) == 1 else "measured again", config, record["baseline"])
                found[-1].places.append(base)
                found[-1].tried.append(base)
            for each in record["candidates"]:
                if each["score"] is None:
                    continue
                place = _place(
                    f"{each['param']} → {each['value']}", row.state["config"] if each["chosen"] else {}, each
                )
                found[-1].tried.append(place)
                if each["chosen"]:
                    found[-1].places.append(place)
                    found[-1].tied += bool(each["tie"]) or len(each["seeds"]) < 2
        config, cut = row.state["config"], bool(record.get("raised"))
    return [each for each in found if each.places]


def longest(found: Sequence[Stretch]) -> Stretch:
    """The stretch with most places, the latest of several; an empty one without any."""
    return max(reversed(found), key=lambda each: len(each.places), default=Stretch())


def _place(label: str, config: Mapping[str, Any], measured: Mapping[str, Any]) -> Measured:
    seeds = [each["metrics"] for each in measured["seeds"]]
    names = [name for name in (seeds[0] if seeds else {}) if all(name in each for each in seeds)]
    return Measured(
        label,
        config,
        measured["score"],
        measured["cost"],
        {name: mean(each[name] for each in seeds) for name in names},
        measured["trials"],
    )
