"""The depth search: for each target and width, the number of layers whose parameter count is closest.

Any other metric that grows with depth is counted in the same way: FLOPs, bytes, parameters without embeddings. The
closed form (closed_form.py) is of parameters alone, and predicts nothing of those.

Every width is searched on its own (fixed_size.py) and all are asked for at once; each gets one decision, in the order
of the definition, as soon as its own counts allow it. A stack that is uniform by construction (a family of the
objective `parameters`, or `uniform: true`) takes three counts a width: both ends predict, a third confirms. Of any
other stack, the answer itself and its neighbour on the other side of the target are counted before the target is called
reached.

With `solve: width` the search looks for the width of a fixed number of layers. Counts then grow, but not in a line.

A count that failed is never taken for a large one, and nothing is concluded from counts that fall.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from samplers.searches.depth.fixed_size import Answered, FixedSizeSearch, Row, count_in
from samplers.searches.depth.settings import SOLVE_KEYS, DepthSettings, parse_settings
from samplers.searches.depth.uniform import is_uniform
from samplers.searches.distributions import holding
from samplers.searches.nested import new_path
from samplers.searches.plan import Config, Decision, Done, Need, Point, Results, SearchState, merged
from samplers.searches.plural import counted
from storage.records import EndKind

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

MAX_OPEN_SIZES = 256
"""Widths that are asked for at once: the engine goes through all planned points each time a count finishes."""


@dataclass(frozen=True)
class Depth:
    """The search of a definition with `search: depth`: studies call it through samplers/searches/plan.py's `Search`."""

    config: Config
    block: Mapping[str, Any]
    metric: str
    where: str
    families: bool = False
    """Whether the objective is `parameters`, whose families are known to be uniform."""
    predicts: bool = True
    """Whether the metric is a number of parameters, of which the closed form says something."""

    @staticmethod
    def parse(
        block: Mapping[str, Any],
        config: Config,
        where: str,
        metric: str = "params",
        families: bool = False,
        predicts: bool = True,
    ) -> Depth:
        """From a definition's `depth:` block and config; `metric` is the count's name in the results.

        Raises:
            UsageError: The block is wrong.
        """
        config = {name: value for name, value in config.items() if name != "seed"}
        _check_places(parse_settings(block, where), config, where)
        return Depth(config, dict(block), metric, where, families, predicts)

    def start(self) -> SearchState:
        return self._start_from(self.config, self.block, _has_dots(self.block))

    def _start_from(self, config: Config, block: Mapping[str, Any], nested: bool) -> SearchState:
        return {
            "answered": 0,
            "reached": 0,
            "uncounted": 0,
            "config": dict(config),
            "depth": dict(block),
            "ended": None,
            **({} if self.predicts else {"metric": self.metric}),
            **({"nested": True} if nested else {}),
        }

    def advance(self, state: SearchState, results: Results) -> Need | Decision | Done:
        """The decision for the next width in order, as soon as its own counts allow it; else the counts of all widths.

        >>> from samplers.searches.plan import Result
        >>> search = Depth.parse({"targets": 70, "widths": [8, 16], "max_layers": 9}, {}, "example")
        >>> state, results = search.start(), {}
        >>> step = search.advance(state, results)
        >>> step.why, [(point.config["n_embd"], point.config["n_layer"]) for point in step.points]
        ('2 of 2 widths open: 4 counts', [(8, 4), (8, 9), (16, 4), (16, 9)])
        >>> for point in step.points:  # counts that end exactly at the target
        ...     results[point.hash] = Result(0, "COMPLETE", {"params": 70.0 + point.config["n_layer"] - 9})
        >>> [(point.config["n_embd"], point.config["n_layer"]) for point in search.advance(state, results).points]
        [(8, 8), (16, 8)]
        >>> for point in search.advance(state, results).points:
        ...     results[point.hash] = Result(0, "COMPLETE", {"params": 69.0})
        >>> decision = search.advance(state, results)
        >>> decision.record["event"], decision.state["answered"]
        ('width 8: 1 of 1 targets reached', 1)
        """
        settings, answered = parse_settings(state["depth"], self.where), state["answered"]
        if answered == len(settings.fixed):
            return self._done(settings, state)
        # The decision of the next width is made from its own counts alone, whatever the others have.
        step = self._size_search(settings, state, settings.fixed[answered]).solve(results)
        if isinstance(step, Answered):
            return self._decision(state, settings, step.rows)
        missing = list(step.points)
        for fixed in settings.fixed[answered + 1 : answered + MAX_OPEN_SIZES]:
            step = self._size_search(settings, state, fixed).solve(results)
            if not isinstance(step, Answered):
                missing += step.points
        open_sizes = f"{len(settings.fixed) - answered} of {len(settings.fixed)} {_plural(settings)} open"
        return Need(tuple(missing), f"{open_sizes}: {counted(len(missing), 'count')}")

    def _done(self, settings: DepthSettings, state: SearchState) -> Done:
        answered, uncounted = state["answered"], state["uncounted"]
        reason = f"{state['reached']} of {len(settings.targets) * answered} targets reached"
        if uncounted:
            reason += f"; {uncounted} of {answered} {_plural(settings)} could not be counted"
        return Done(reason, EndKind.FAILED if uncounted == answered else EndKind.ANSWERED)

    def _size_search(self, settings: DepthSettings, state: SearchState, fixed: int) -> FixedSizeSearch:
        uniform = self.families and is_uniform(state["config"]) if settings.uniform is None else settings.uniform
        uniform = uniform and settings.solve == "layers"
        nested = "nested" in state
        if not self.predicts and "metric" not in state:  # begun before version 0.4, which counted nothing else
            return FixedSizeSearch("params", settings, state["config"], fixed, uniform, nested=nested)
        return FixedSizeSearch(self.metric, settings, state["config"], fixed, uniform, self.predicts, nested)

    def _decision(self, state: SearchState, settings: DepthSettings, rows: Sequence[Row]) -> Decision:
        fixed = settings.fixed[state["answered"]]
        reached = sum(row["reached"] for row in rows)
        uncounted = any(count_in(row) is None for row in rows)
        size = f"{'width' if settings.solve == 'layers' else 'layers'} {fixed}"
        event = rows[0]["reason"] if uncounted else f"{reached} of {len(rows)} targets reached"
        record = {"solve": settings.solve, "fixed": fixed, "event": f"{size}: {event}", "results": list(rows)}
        after = {
            **state,
            "answered": state["answered"] + 1,
            "reached": state["reached"] + reached,
            "uncounted": state["uncounted"] + uncounted,
        }
        return Decision("answered", record, after)

    def outlook(self, state: SearchState) -> Sequence[Point]:
        """The first two counts of every width that has no answer yet."""
        settings = parse_settings(state["depth"], self.where)
        points: list[Point] = []
        for fixed in settings.fixed[state["answered"] : state["answered"] + MAX_OPEN_SIZES]:
            step = self._size_search(settings, state, fixed).solve({})
            points += [] if isinstance(step, Answered) else step.points
        return points

    def override(self, state: SearchState, changes: Mapping[str, Any]) -> Decision:
        """Other targets, widths or config: everything is answered anew from the counts that are known already.

        Raises:
            UsageError: A changed setting is wrong.
        """
        config = {**state["config"], **changes.get("config", {})}
        block = merged(state["depth"], changes.get("depth", {}))
        solve = block.get("solve", "layers")
        foreign = [key for other, keys in SOLVE_KEYS.items() if other != solve for key in keys]
        block = {key: value for key, value in block.items() if key in changes.get("depth", {}) or key not in foreign}
        _check_places(parse_settings(block, self.where), config, self.where)
        nested = "nested" in state or (_has_dots(block) and not _has_dots(state["depth"]))
        values = ", ".join(f"{name}={value}" for part in changes.values() for name, value in part.items())
        record = {"event": f"override: {values}", "changes": {name: dict(part) for name, part in changes.items()}}
        return Decision("override", record, self._start_from(config, block, nested))

    def distributions(self, params: Mapping[str, Any]) -> Mapping[str, BaseDistribution]:
        """Between the bounds of the first block, and from its smallest to its largest width (or depth)."""
        from optuna.distributions import IntDistribution

        first = parse_settings(self.block, self.where)
        solved = IntDistribution(first.low, first.value(first.last), log=True)
        fixed = IntDistribution(min(first.fixed), max(first.fixed), log=True)
        return {
            name: holding(solved if name == first.names[first.solve] else fixed, value)
            for name, value in params.items()
        }


def _has_dots(block: Mapping[str, Any]) -> bool:
    """Whether `keys:` names a place inside a nested config."""
    return any("." in name for name in block.get("keys", {}).values() if name is not None)


def _check_places(settings: DepthSettings, config: Config, where: str) -> None:
    """Raises:
    UsageError: A name of `keys:` lies below a value of the config that is no mapping.
    """
    for what, name in settings.names.items():
        if name is not None:
            new_path(name, config, f"{where}: depth.keys.{what}")


def _plural(settings: DepthSettings) -> str:
    return "widths" if settings.solve == "layers" else "depths"
