"""The depth search: for each target and width, the number of layers whose parameter count is closest.

Every width is searched on its own by closest.py and all are asked for at once; each gets one decision, in the
order of the definition, as soon as its own counts allow it. A stack that is uniform by construction (a family of the
objective `parameters`, or `uniform: true`) takes three counts a width: both ends predict, a third confirms. Of any
other, the answer itself and its neighbour on the other side of the target are counted before it is called reached. With
`solve: width` it is the other way round: the width for a fixed number of layers, whose counts grow but not in a line. A
count that failed is never taken for a large one, and from counts that fall nothing is concluded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from samplers.searches.depth.closed_form import ClosedForm
from samplers.searches.depth.closest import Answer, Fall, closest
from samplers.searches.depth.settings import MOST_LAYERS, OWN, WIDEST, DepthSettings, parse_settings
from samplers.searches.depth.uniform import is_uniform
from samplers.searches.plan import Config, Decision, Done, Need, Point, Result, Results, State, merged

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

AHEAD = 256
"""Widths that are asked for at once: whatever is planned is looked through each time a count comes in."""


@dataclass(frozen=True)
class Depth:
    """The search of a definition with `search: depth`: studies call it through samplers/searches/plan.py's `Search`."""

    config: Config
    block: Mapping[str, Any]
    metric: str
    where: str
    families: bool = False
    """Whether counts are those of the objective `parameters`: it is known which of its stacks are uniform."""

    @staticmethod
    def parse(
        block: Mapping[str, Any], config: Config, where: str, metric: str = "params", families: bool = False
    ) -> Depth:
        """From a definition's `depth:` block and config; `metric` is the count's name in the results.

        Raises:
            UsageError: The block is wrong.
        """
        parse_settings(block, where)
        config = {name: value for name, value in config.items() if name != "seed"}
        return Depth(config, dict(block), metric, where, families)

    def start(self) -> State:
        return self._from_here(self.config, self.block)

    def _from_here(self, config: Config, block: Mapping[str, Any]) -> State:
        return {
            "answered": 0,
            "reached": 0,
            "uncounted": 0,
            "config": dict(config),
            "depth": dict(block),
            "ended": None,
        }

    def advance(self, state: State, results: Results) -> Need | Decision | Done:
        settings, answered = parse_settings(state["depth"], self.where), state["answered"]
        if answered == len(settings.fixed):
            reason = f"{state['reached']} of {len(settings.targets) * answered} targets reached"
            uncounted = state["uncounted"]
            told = f"; {uncounted} of {answered} {_plural(settings)} could not be counted" if uncounted else ""
            return Done(reason + told, failed=uncounted == answered)
        # The next in order first: its decision is then made from its own counts alone.
        mine = self._question(settings, state, settings.fixed[answered]).solve(results)
        if mine.rows is not None:
            return self._decision(state, settings, mine.rows)
        missing = list(mine.missing)
        for fixed in settings.fixed[answered + 1 : answered + AHEAD]:
            missing += self._question(settings, state, fixed).solve(results).missing
        open_ = len(settings.fixed) - answered
        return Need(tuple(missing), f"{open_} of {len(settings.fixed)} {_plural(settings)} open: {len(missing)} counts")

    def _question(self, settings: DepthSettings, state: State, fixed: int) -> _Question:
        uniform = self.families and is_uniform(state["config"]) if settings.uniform is None else settings.uniform
        return _Question(self.metric, settings, state["config"], fixed, uniform and settings.solve == "layers")

    def _decision(self, state: State, settings: DepthSettings, rows: Sequence[Mapping[str, Any]]) -> Decision:
        fixed = settings.fixed[state["answered"]]
        reached = sum(row["reached"] for row in rows)
        uncounted = any(row["params"] is None for row in rows)
        what = f"{'width' if settings.solve == 'layers' else 'layers'} {fixed}"
        event = rows[0]["reason"] if uncounted else f"{reached} of {len(rows)} targets reached"
        record = {"solve": settings.solve, "fixed": fixed, "event": f"{what}: {event}", "results": list(rows)}
        after = {
            **state,
            "answered": state["answered"] + 1,
            "reached": state["reached"] + reached,
            "uncounted": state["uncounted"] + uncounted,
        }
        return Decision("answered", record, after)

    def outlook(self, state: State) -> Sequence[Point]:
        """The first two counts of every width that has no answer yet."""
        settings = parse_settings(state["depth"], self.where)
        return [
            point
            for fixed in settings.fixed[state["answered"] : state["answered"] + AHEAD]
            for point in self._question(settings, state, fixed).solve({}).missing
        ]

    def override(self, state: State, changes: Mapping[str, Any]) -> Decision:
        """Other targets, widths or config: everything is answered anew; counts that are known already serve.

        Raises:
            UsageError: A changed setting is wrong.
        """
        config = {**state["config"], **changes.get("config", {})}
        block = merged(state["depth"], changes.get("depth", {}))
        other = [key for solve, keys in OWN.items() if solve != block.get("solve", "layers") for key in keys]
        block = {key: value for key, value in block.items() if key in changes.get("depth", {}) or key not in other}
        parse_settings(block, self.where)
        told = ", ".join(f"{name}={value}" for each in changes.values() for name, value in each.items())
        record = {"event": f"override: {told}", "changes": {name: dict(each) for name, each in changes.items()}}
        return Decision("override", record, self._from_here(config, block))

    def distributions(self, params: Mapping[str, Any]) -> Mapping[str, BaseDistribution]:
        """Wide enough for any bounds, so that an override may move them."""
        from optuna.distributions import IntDistribution

        names = parse_settings(self.block, self.where).names
        return {
            name: IntDistribution(1, MOST_LAYERS if name == names["layers"] else WIDEST, log=True) for name in params
        }


@dataclass(frozen=True)
class _Found:
    """How far one width has come: points that are missing, or else a row for each target."""

    missing: Sequence[Point] = ()
    rows: Sequence[Mapping[str, Any]] | None = None


@dataclass(frozen=True)
class _Question:
    """One width whose numbers of layers are wanted; with `solve: width`, one depth whose widths are."""

    metric: str
    settings: DepthSettings
    config: Config
    fixed: int
    uniform: bool

    def solve(self, results: Results) -> _Found:
        """Fold closest.py over the results, one stage after the other: whatever came early, the same counts
        are asked for."""
        settings = self.settings
        search = closest(settings.targets, settings.last, self.uniform)
        places: Sequence[int] = next(search)
        known: dict[int, int] = {}
        while True:
            points = {place: self._point(place) for place in places}
            missing = [point for point in points.values() if point.hash not in results]
            if missing:
                return _Found(missing)
            for place, point in points.items():
                count = self._count(results[point.hash])
                if isinstance(count, str):
                    return _Found(rows=[self._failed(target, count, len(known)) for target in settings.targets])
                known[place] = count
            try:
                places = search.send({place: known[place] for place in places})
            except StopIteration as end:
                return self._told(end.value, known, results)

    def _told(self, answers: Sequence[Answer] | Fall, known: Mapping[int, int], results: Results) -> _Found:
        settings = self.settings
        if isinstance(answers, Fall):
            first, second = (settings.value(place) for place in (answers.earlier, answers.later))
            counts = f"{known[answers.earlier]:,} at {first}, {known[answers.later]:,} at {second}"
            reason = f"counts do not grow with {settings.solve}: {counts}"
            return _Found(rows=[self._failed(target, reason, len(known)) for target in settings.targets])
        rows = [
            self._row(target, answer, answer.place in known, len(known))
            for target, answer in zip(settings.targets, answers, strict=True)
        ]
        if settings.verify is None:
            return _Found(rows=rows)
        checks = {answer.place: self._point(answer.place, verify=True) for answer in answers if not answer.beyond}
        missing = [point for point in checks.values() if point.hash not in results]
        if missing:
            return _Found(missing)
        findings = {place: _finding(results[point.hash]) for place, point in checks.items()}
        told = zip(rows, answers, strict=True)
        return _Found(
            rows=[{**row, "verify": None if answer.beyond else findings[answer.place]} for row, answer in told]
        )

    def _point(self, place: int, verify: bool = False) -> Point:
        layers, width = self.settings.shape(self.fixed, place)
        names = self.settings.names
        sizes = {names["layers"]: layers, names["width"]: width, names["heads"]: self.settings.num_heads}
        given = {name: value for name, value in sizes.items() if name is not None}
        if verify:
            given |= {**(self.settings.verify or {}), "verify": True}
        param, value = ("layers", layers) if self.settings.solve == "layers" else ("width", width)
        role = {"role": "verify" if verify else "count", "param": names[param], "value": value}
        role["width" if param == "layers" else "layers"] = self.fixed
        return Point({**self.config, **given}, 0, {str(names["layers"]): layers, str(names["width"]): width}, role)

    def _count(self, result: Result) -> int | str:
        """The count, or why there is none."""
        if result.state != "COMPLETE":
            what = "was pruned" if result.state == "PRUNED" else "failed"
            return f"trial {result.trial} {what}: {result.reason or 'no reason kept'}"
        count = result.metrics.get(self.metric)
        if count is None:
            return f"trial {result.trial} returned no metric {self.metric!r}"
        if count != count or not 0 <= count < float("inf") or count != int(count):
            return f"trial {result.trial} returned {self.metric} {count}: not a number of parameters"
        return int(count)

    def _row(self, target: int, answer: Answer, counted: bool, counts: int) -> dict[str, Any]:
        """`counts` is what the width took in all; `counted` whether this very place was, or follows from a line."""
        layers, width = self.settings.shape(self.fixed, answer.place)
        form, reason = ClosedForm.of(self.config), None
        if answer.beyond:
            bound, far = ("max", "still {:,} short") if answer.beyond > 0 else ("min", "already {:,} over")
            value = self.settings.value(answer.place)
            at = f"{bound}_{self.settings.solve} {value}"
            reason = f"out of reach: at {at} {far.format(abs(answer.beyond))}"
        return {
            "target": target,
            "width": width,
            "layers": layers,
            "params": answer.count,
            "difference": answer.count - target,
            "percent": abs(answer.count - target) / target * 100,
            "reached": not answer.beyond,
            "reason": reason,
            "counts": counts,
            "counted": counted,
            "estimate": self._estimate(target),
            "calibration_ratio": None if form is None else answer.count / form.params(layers, width),
        }

    def _failed(self, target: int, reason: str, counts: int) -> dict[str, Any]:
        unknown = dict.fromkeys(("width", "layers", "params", "difference", "percent"))
        unknown["width" if self.settings.solve == "layers" else "layers"] = self.fixed
        told = {"reached": False, "reason": reason, "counts": counts, "counted": False}
        return {"target": target, **unknown, **told, "estimate": self._estimate(target), "calibration_ratio": None}

    def _estimate(self, target: int) -> int | None:
        """What the closed form says: layers, or the width."""
        form = ClosedForm.of(self.config)
        if form is None:
            return None
        return form.layers(target, self.fixed) if self.settings.solve == "layers" else form.width(target, self.fixed)


def _finding(result: Result) -> dict[str, Any]:
    """What the training step at an answer showed. Running out of memory or time is a finding as well."""
    if result.state == "COMPLETE":
        figures = {name: result.metrics.get(name) for name in ("peak_memory", "memory_fraction", "seconds")}
        return {"trial": result.trial, "outcome": "completed", **figures}
    return {"trial": result.trial, "outcome": result.outcome or "failed", "reason": result.reason}


def _plural(settings: DepthSettings) -> str:
    return "widths" if settings.solve == "layers" else "depths"
