"""The fit search: the largest value of one axis that runs, by doubling and then bisection. Each probe is a real trial.

The search assumes that if a value does not fit, no larger one does. A value that the objective refuses says nothing
about others; if only such a value bounds the answer, the answer says so. The search keeps the largest value that fits
and the smallest that does not, and asks for one between them until none is left. That takes about
log2(answer / low) + log2(answer / multiple) probes (Bentley and Yao, 1976). They run one after another, since two at
once on one device would take each other's memory.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from samplers.searches.distributions import holding, seeds
from samplers.searches.fit.settings import FitSettings, parse_fit
from samplers.searches.nested import with_named
from samplers.searches.plan import Config, Decision, Done, Need, Point, Result, Results, SearchState, merged
from storage.records import EndKind

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

FATAL_OUTCOMES = ("error", "killed", "diverged")
"""Outcomes that say nothing about size: the search ends there, rather than take the value for too large."""


@dataclass(frozen=True)
class Fit:
    """The search of a definition with `search: fit`."""

    config: Config
    block: Mapping[str, Any]
    metric: str
    direction: str
    where: str

    @staticmethod
    def parse(block: Mapping[str, Any], config: Config, score: tuple[str, str], where: str) -> Fit:
        """From a definition's `fit:` block and config.

        Raises:
            UsageError: The block does not fit the config.
        """
        block = {**block, "seed": parse_fit(block, config, where).seed}
        return Fit({name: value for name, value in config.items() if name != "seed"}, block, *score, where)

    def start(self) -> SearchState:
        return self._state(self.config, self.block)

    def _state(self, config: Config, block: Mapping[str, Any]) -> SearchState:
        return {
            "config": dict(config),
            "fit": dict(block),
            "step": 0,
            "fits": None,
            "fails": None,
            "refused": None,
            "best": None,
            "ended": None,
            "failed": False,
        }

    def advance(self, state: SearchState, results: Results) -> Need | Decision | Done:
        if state["ended"] is not None:
            return Done(state["ended"], EndKind.FAILED if state["failed"] else EndKind.ANSWERED)
        settings = parse_fit(state["fit"], state["config"], self.where)
        value = next_value(settings, state["fits"], state["fails"])
        assert value is not None, "a search without a next value has ended"
        point = self._point(state["config"], settings, value)
        if point.hash not in results:
            return Need((point,), f"probe {state['step']}: {settings.axis} {value}")
        return self._decision(state, settings, value, results[point.hash])

    def _decision(self, state: SearchState, settings: FitSettings, value: int, result: Result) -> Decision:
        """The decision on one probe: whether its value fits, and whether another probe is needed."""
        fits = result.state == "COMPLETE"
        failure = f"{settings.axis} {value}: {result.reason or 'no reason kept'}"
        record = {
            "round": state["step"],
            "axis": settings.axis,
            "value": value,
            "fits": fits,
            "reason": None if fits else result.reason,
            "trial": result.trial,
            "metrics": {name: each for name, each in result.metrics.items() if math.isfinite(each)},
            "told": f"{settings.axis} {value} fits" if fits else failure,
            "event": None,
        }
        after = {**state, "step": state["step"] + 1, "fits" if fits else "fails": value}
        if not fits:
            after["refused"] = result.reason if _refused(result) else None
        score = result.metrics.get(self.metric)
        if fits and score is not None and math.isfinite(score) and self._better(score, state["best"]):
            after["best"] = {"value": value, "score": score}
        if result.state == "PRUNED" or (not fits and result.outcome in FATAL_OUTCOMES):
            return Decision("failed", {**record, "event": failure}, {**after, "ended": failure, "failed": True})
        if next_value(settings, after["fits"], after["fails"]) is not None:
            return Decision("probed", record, after)
        ended = self._answer(settings, after, failure)
        none = after["fits"] is None
        return Decision("found", {**record, "event": ended}, {**after, "ended": ended, "failed": none})

    def _better(self, score: float, best: Mapping[str, Any] | None) -> bool:
        sign = 1.0 if self.direction == "maximize" else -1.0
        return best is None or sign * score > sign * float(best["score"])

    def _answer(self, settings: FitSettings, state: SearchState, failure: str) -> str:
        if state["fits"] is None:
            return f"not even the lowest value fits: {failure}"
        fits, fails, best = state["fits"], state["fails"], state["best"]
        limit = "the highest value asked for: no limit was met" if fails is None else f"{fails} does not"
        answer = f"the largest {settings.axis} that fits is {fits}, {limit}"
        refused = state.get("refused")
        if refused is not None:
            answer = (
                f"{fits} is the largest {settings.axis} that was found to fit; {fails} was refused "
                f"({refused}), which says nothing of larger ones: `multiple` leaves such values out"
            )
        return answer + ("" if best is None else f"; the best {self.metric} is at {best['value']}")

    def outlook(self, state: SearchState) -> Sequence[Point]:
        """The next probe; the later ones depend on its result."""
        settings = parse_fit(state["fit"], state["config"], self.where)
        value = next_value(settings, state["fits"], state["fails"])
        return [] if value is None else [self._point(state["config"], settings, value)]

    def override(self, state: SearchState, changes: Mapping[str, Any]) -> Decision:
        """Begin again with other values; the results of earlier probes stay known.

        Raises:
            UsageError: A changed setting is wrong.
        """
        config = {**state["config"], **changes.get("config", {})}
        block = merged(state["fit"], changes.get("fit", {}))
        parse_fit(block, config, self.where)
        values = ", ".join(f"{name}={value}" for part in changes.values() for name, value in part.items())
        record = {
            "round": state["step"],
            "event": f"override: {values}",
            "changes": {name: dict(each) for name, each in changes.items()},
        }
        return Decision("override", record, self._state(config, block))

    def distributions(self, params: Mapping[str, Any]) -> Mapping[str, BaseDistribution]:
        """From low to high of the first block, on a log scale."""
        from optuna.distributions import IntDistribution

        first = parse_fit(self.block, self.config, self.where)
        axis = IntDistribution(first.low, first.high, log=True)
        return {
            name: holding(seeds(first.seed, 1) if name == "seed" else axis, value) for name, value in params.items()
        }

    def _point(self, config: Config, settings: FitSettings, value: int) -> Point:
        params = {settings.axis: value, "seed": settings.seed}
        role = {"role": "probe", "param": settings.axis, "value": value}
        return Point(with_named(config, settings.axis, value), settings.seed, params, role)


def _refused(result: Result) -> bool:
    """Whether the objective refused the config, which need not be a matter of size."""
    return result.outcome == "invalid" or result.refused


def next_value(settings: FitSettings, fits: int | None, fails: int | None) -> int | None:
    """The next value to try, from the largest that fits and the smallest that does not; None if the answer is known.

    Doubles until a value fails, then takes the middle of the values left, in multiples of `multiple`:

    >>> settings = FitSettings("batch_size", low=4, high=64, multiple=4)
    >>> [next_value(settings, *known) for known in [(None, None), (4, None), (16, 32), (16, 24), (20, 24)]]
    [4, 8, 24, 20, None]
    """
    low, high, unit = settings.low, settings.high, settings.multiple
    if fits is None:
        return low if fails is None else None
    if fails is None:
        return min(2 * fits, high) if fits < high else None
    middle = (fits // unit + fails // unit) // 2 * unit
    return middle if fits < middle < fails else None
