"""A tune search run to its end without an engine: its decisions, as a ledger keeps them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from samplers.searches.plan import Decision, Done, Need, Point, Result
from samplers.searches.tune.tune import Tune

Objective = Callable[[Point], Mapping[str, float] | Result]
CONFIG: Mapping[str, Any] = {"x": 0.0, "rate": 0.01, "n": 1, "bias": True, "width": 8}
MINIMIZE = (("loss", "minimize"),)
SPACE: Mapping[str, Any] = {
    "x": {"float": [-5, 10]},
    "rate": {"log": [1e-4, 1e-1]},
    "n": {"range": [1, 4]},
    "bias": [True, False],
}


def tune(scores: Sequence[tuple[str, str]] = MINIMIZE, config: Mapping[str, Any] | None = None, **block: Any) -> Tune:
    """A small search; `block` changes its block."""
    given = {"sampler": "tpe", "space": SPACE, "settings": 20, "ahead": 4, "seed": 1, **block}
    return Tune.parse(given, CONFIG if config is None else config, scores, "own.yaml")


def loss(point: Point) -> Mapping[str, float]:
    """A bowl with a little noise over seeds."""
    config = point.config
    value = (config["x"] - 2) ** 2 + config["n"] + abs(config["rate"] - 0.01) + point.seed * 0.01
    return {"loss": value, "size": -config["n"] - config["x"], "vram": 1000.0 * config["n"]}


class Run:
    """The decisions of one search and the results of its points."""

    def __init__(self, search: Tune, objective: Objective = loss) -> None:
        self.search, self.objective = search, objective
        self.state = search.start()
        self.past = search.past()
        self.decisions: list[Decision] = []
        self.results: dict[str, Result] = {}
        self.needs: list[Need] = []

    def go(self, decisions: int | None = None) -> Done | None:
        """Take decisions: to the end, or at most so many more."""
        wanted = None if decisions is None else len(self.decisions) + decisions
        while wanted is None or len(self.decisions) < wanted:
            step = self.search.with_past(self.past).advance(self.state, self.results)
            match step:
                case Need():
                    self.needs.append(step)
                    self.results |= {point.hash: self._result(point) for point in step.points}
                case Decision():
                    self.take(step)
                case Done():
                    return step
        return None

    def take(self, step: Decision) -> None:
        """Keep a decision as a ledger does."""
        made = Decision(step.kind, _stored(step.record), _stored(step.state), step.points)
        self.decisions.append(made)
        self.state = made.state
        self.past.add(made.kind, made.record)

    def override(self, **changes: Any) -> None:
        """Change the block from here on."""
        self.take(self.search.with_past(self.past).override(self.state, {"tune": changes}))

    @property
    def chosen(self) -> list[Mapping[str, Any]]:
        """The parameters of every setting, in order."""
        return [decision.record["params"] for decision in self.decisions if decision.kind == "chosen"]

    def _result(self, point: Point) -> Result:
        found = self.objective(point)
        return found if isinstance(found, Result) else Result(len(self.results), "COMPLETE", found)


def _stored(value: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(value))
    return found
