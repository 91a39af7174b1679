"""The growth search: try every candidate one step up, keep the one that gains most for what it costs, go on from there.

With the seeds S that a candidate and the baseline share,

    gain       = mean over S of score(candidate, s) - score(baseline, s)      (its negative when minimizing)
    added cost = mean over S of cost(candidate, s) - cost(baseline, s)
    efficiency = gain / added cost

A gain of zero or less is never eligible; a gain at no added cost beats any gain at a cost, the larger gain first; the
rest go by efficiency. Ties: the smaller added cost, then the order of the definition. A candidate with a point that
failed is out. Everything here is a pure function of the state after the last step and the results of this one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from samplers.searches.growth.candidates import Candidate, candidates
from samplers.searches.growth.settings import GrowthSettings, parse_settings
from samplers.searches.noise import inseparable, mean, standard_error
from samplers.searches.plan import Config, Decision, Done, Need, Point, Result, Results, State, merged
from storage.errors import UsageError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

MOST_SEEDS = 2**31 - 1
FARTHEST = 2**14
"""Steps, and growth by this factor, that a parameter's distribution leaves room for."""


@dataclass(frozen=True)
class Measured:
    """A baseline or candidate with its finished points, one a seed. `reason` says why it is out of the round."""

    config: Config
    results: Sequence[Result]
    scores: Sequence[float]
    costs: Sequence[float]
    reason: str | None = None


@dataclass(frozen=True)
class Row:
    """One line of a round's table."""

    candidate: Candidate
    measured: Measured
    gains: Sequence[float]
    """Paired differences of the score, one a seed."""
    gain: float | None
    added_cost: float | None
    efficiency: float | None
    reason: str | None

    @property
    def eligible(self) -> bool:
        return self.gain is not None and self.gain > 0

    @property
    def free(self) -> bool:
        """A gain at no added cost."""
        return self.eligible and self.added_cost is not None and self.added_cost <= 0

    @property
    def worth(self) -> Sequence[float]:
        """What it is ranked by, a value a seed: its gain if that is free, else its gain for its added cost."""
        if self.free or not self.added_cost:
            return self.gains
        return [gain / self.added_cost for gain in self.gains]

    @property
    def rank(self) -> tuple[float, ...]:
        """Smaller is better."""
        assert self.gain is not None and self.added_cost is not None
        worth = self.gain if self.free else self.efficiency
        assert worth is not None
        return (not self.free, -worth, self.added_cost)


@dataclass(frozen=True)
class Standing:
    """One candidate, or the baseline, of a round that is under way."""

    candidate: Candidate | None
    """None: the baseline."""
    points: Sequence[Point]
    """One a seed, those of a race included that has not been run."""
    measured: Measured
    """Over what has finished."""
    row: Row | None
    """Over the seeds that it shares with the baseline; None while there is none."""


@dataclass(frozen=True)
class Growth:
    """The search of a definition with `search: grow`: studies call it through samplers/searches/plan.py's `Search`."""

    config: Config
    settings: GrowthSettings
    block: Mapping[str, Any]
    metric: str
    direction: str
    cost: str
    where: str
    steps: int | None = None
    """The budget of the command line; None: the block's own."""

    @staticmethod
    def parse(settings: Mapping[str, Any], config: Config, score: tuple[str, str], cost: str, where: str) -> Growth:
        """From a definition's `grow:` block and config.

        Raises:
            UsageError: The block does not fit the config.
        """
        parsed = parse_settings(settings, config, where)
        config = {name: value for name, value in config.items() if name != "seed"}
        block = {**settings, "seed": parsed.seed}
        return Growth(config, parsed, block, score[0], score[1], cost, where)

    def start(self) -> State:
        return {"step": 0, "config": dict(self.config), "grow": dict(self.block), "ended": None}

    def advance(self, state: State, results: Results) -> Need | Decision | Done:
        if state["ended"] is not None:
            return Done(state["ended"])
        step, config = state["step"], state["config"]
        settings = parse_settings(state["grow"], config, self.where)
        if step >= (settings.steps if self.steps is None else self.steps):
            return Done(f"{step} steps are done")
        repeats = settings.repeats
        tried = list(candidates(config, settings))
        counts = [repeats] * len(tried)
        runners = set(range(len(tried)))
        while True:
            role = {"role": "baseline", "step": step}
            asked = [
                self._point(config, settings.seed + index, role, settings) for index in range(max(repeats, *counts))
            ]
            missing = [point for point in asked if point.hash not in results]
            if missing:
                return Need(tuple(missing), f"round {step}: the baseline, {len(missing)} trials")
            baseline = self._measured(config, [results[point.hash] for point in asked])
            if baseline.reason is not None:
                return Done(f"the baseline cannot be measured: {baseline.reason}", failed=True)
            need, rows = self._rows(step, baseline, tried, counts, settings, results)
            if need is not None:
                return need
            # Whoever was once told from the leader is out of the race (as in F-Race, Birattari et al. 2002): with fewer
            # seeds than the others it could not be compared again.
            tied = tie([row for index, row in enumerate(rows) if index in runners])
            more = [
                index for index, row in enumerate(rows) if row in tied and counts[index] < (settings.max_repeats or 0)
            ]
            if not more:
                raced = [row for index, row in enumerate(rows) if index in runners and row.eligible]
                return self._decide(state, settings, baseline, rows, raced or rows, tied)
            runners = set(more)
            for index in more:
                counts[index] += 1

    def _rows(
        self,
        step: int,
        baseline: Measured,
        tried: Sequence[Candidate],
        counts: Sequence[int],
        settings: GrowthSettings,
        results: Results,
    ) -> tuple[Need | None, list[Row]]:
        missing: dict[str, Point] = {}
        rows = []
        for candidate, count in zip(tried, counts, strict=True):
            role = {"role": "candidate", "step": step, "param": candidate.param, "value": candidate.value}
            points = [self._point(candidate.config, settings.seed + index, role, settings) for index in range(count)]
            absent = {point.hash: point for point in points if point.hash not in results}
            missing |= {hash_: point for hash_, point in absent.items() if hash_ not in missing}
            if not absent:
                measured = self._measured(candidate.config, [results[point.hash] for point in points])
                rows.append(self._row(candidate, measured, baseline))
        if missing:
            return Need(tuple(missing.values()), f"round {step}: {len(tried)} candidates, {len(missing)} trials"), []
        return None, rows

    def _measured(self, config: Config, results: Sequence[Result]) -> Measured:
        for result in results:
            if result.state != "COMPLETE":
                what = "was pruned" if result.state == "PRUNED" else "failed"
                return Measured(
                    config, results, (), (), f"trial {result.trial} {what}: {result.reason or 'no reason kept'}"
                )
            for name in (self.metric, self.cost):
                if name not in result.metrics:
                    return Measured(config, results, (), (), f"trial {result.trial} returned no metric {name!r}")
        scores = [result.metrics[self.metric] for result in results]
        return Measured(config, results, scores, [result.metrics[self.cost] for result in results])

    def _row(self, candidate: Candidate, measured: Measured, baseline: Measured) -> Row:
        if measured.reason is not None:
            return Row(candidate, measured, (), None, None, None, measured.reason)
        sign = 1.0 if self.direction == "maximize" else -1.0
        gains = [sign * (mine - theirs) for mine, theirs in zip(measured.scores, baseline.scores, strict=False)]
        extra = [mine - theirs for mine, theirs in zip(measured.costs, baseline.costs, strict=False)]
        if not all(map(math.isfinite, (*gains, *extra))):
            return Row(candidate, measured, (), None, None, None, "its gain or added cost is too large for a number")
        gain, added = mean(gains), mean(extra)
        efficiency = gain / added if added > 0 else None
        if efficiency is not None and not math.isfinite(efficiency):
            return Row(candidate, measured, (), None, None, None, "its efficiency is too large for a number")
        reason = "no gain" if gain <= 0 else "a gain at no added cost" if added <= 0 else None
        return Row(candidate, measured, gains, gain, added, efficiency, reason)

    def _decide(
        self,
        state: State,
        settings: GrowthSettings,
        baseline: Measured,
        rows: Sequence[Row],
        leaders: Sequence[Row],
        tied: Sequence[Row],
    ) -> Decision:
        """The round's table, and the step up that it leads to: the best of the leaders."""
        eligible = [row for row in leaders if row.eligible]
        chosen = min(eligible, key=lambda row: row.rank) if eligible else None
        step, config, ended, raised, event = state["step"], state["config"], None, {}, None
        if chosen is not None:
            config = dict(chosen.candidate.config)
        elif settings.on_stall:
            raised = {name: config[name] + amount for name, amount in settings.on_stall.items()}
            config = {**config, **raised}
            told = ", ".join(f"{name} raised to {value}" for name, value in raised.items())
            event = f"no candidate helps: {told}, the baseline is measured again"
        else:
            ended = event = "no candidate helps"
        record = {
            "round": step,
            "baseline": self._told(baseline, settings),
            "candidates": [self._line(row, row is chosen, row in tied, settings) for row in rows],
            "chosen": None if chosen is None else {"param": chosen.candidate.param, "value": chosen.candidate.value},
            "event": event,
            "raised": raised,
        }
        after = {**state, "step": step + 1, "config": config, "ended": ended}
        return Decision("stalled" if chosen is None else "chosen", record, after)

    def _told(self, measured: Measured, settings: GrowthSettings) -> dict[str, Any]:
        """A baseline's or candidate's figures: means, and every seed's own."""
        out = measured.reason is not None
        return {
            "score": None if out else mean(measured.scores),
            "cost": None if out else mean(measured.costs),
            "trials": [result.trial for result in measured.results],
            "seeds": []
            if out
            else [
                {
                    "seed": settings.seed + index,
                    "score": score,
                    "cost": cost,
                    "trial": result.trial,
                    "metrics": {name: value for name, value in result.metrics.items() if math.isfinite(value)},
                }
                for index, (score, cost, result) in enumerate(
                    zip(measured.scores, measured.costs, measured.results, strict=True)
                )
            ],
        }

    def _line(self, row: Row, chosen: bool, tied: bool, settings: GrowthSettings) -> dict[str, Any]:
        known = row.gain is not None
        told = self._told(row.measured, settings)
        return {
            "param": row.candidate.param,
            "value": row.candidate.value,
            "score": told["score"],
            "cost": told["cost"],
            "gain": row.gain,
            "added_cost": row.added_cost,
            "efficiency": row.efficiency,
            "eligible": row.eligible,
            "chosen": chosen,
            "tie": tied,
            "reason": row.reason,
            "gain_error": _finite(standard_error(row.gains)) if known else None,
            "efficiency_error": _finite(standard_error(row.worth)) if known and row.efficiency is not None else None,
            "dup": row.candidate.copied,
            "trials": told["trials"],
            "seeds": told["seeds"],
        }

    def standings(self, state: State, results: Results) -> list[Standing]:
        """The round at hand as far as it has come, the baseline first."""
        config, step = state["config"], state["step"]
        settings = parse_settings(state["grow"], config, self.where)
        seeds = [settings.seed + index for index in range(max(settings.repeats, settings.max_repeats or 0))]
        told: list[Standing] = []
        for candidate in (None, *candidates(config, settings)):
            own = config if candidate is None else candidate.config
            points = [self._point(own, seed, {"step": step}, settings) for seed in seeds]
            measured = self._measured(own, [results[point.hash] for point in points if point.hash in results])
            row = None
            if candidate is not None:
                pairs = zip(points, told[0].points, strict=True)
                both = [(a, b) for a, b in pairs if a.hash in results and b.hash in results]
                mine = self._measured(own, [results[a.hash] for a, _ in both])
                theirs = self._measured(config, [results[b.hash] for _, b in both])
                row = self._row(candidate, mine, theirs) if both and theirs.reason is None else None
            told.append(Standing(candidate, points, measured, row))
        return told

    def outlook(self, state: State) -> Sequence[Point]:
        """Every point that the step ahead will ask for, but for racing: the baseline and all candidates."""
        config = state["config"]
        settings = parse_settings(state["grow"], config, self.where)
        wanted = [(config, {"role": "baseline", "step": state["step"]})]
        for each in candidates(config, settings):
            role = {"role": "candidate", "step": state["step"], "param": each.param, "value": each.value}
            wanted.append((each.config, role))
        return [
            self._point(config, settings.seed + index, role, settings)
            for config, role in wanted
            for index in range(settings.repeats)
        ]

    def override(self, state: State, changes: Mapping[str, Any]) -> Decision:
        """Other values in the config or the `grow:` block, from here on; the baseline is measured again.

        Raises:
            UsageError: A changed setting is wrong, or a parameter leaves the range that Optuna was told.
        """
        config = {**state["config"], **changes.get("config", {})}
        block = merged(state["grow"], changes.get("grow", {}))
        settings = parse_settings(block, config, self.where)
        shown = _params(config, settings)
        for name, distribution in self.distributions(shown).items():
            if not distribution._contains(float(shown[name])):
                raise UsageError(f"{name}={shown[name]!r} lies outside what this study told Optuna: {distribution}")
        told = ", ".join(f"{name}={value}" for each in changes.values() for name, value in each.items())
        record = {
            "round": state["step"],
            "baseline": None,
            "candidates": [],
            "chosen": None,
            "event": f"override: {told}",
            "changes": {name: dict(each) for name, each in changes.items()},
        }
        return Decision("override", record, {**state, "config": config, "grow": block, "ended": None})

    def distributions(self, params: Mapping[str, Any]) -> Mapping[str, BaseDistribution]:
        """From the baseline of the start alone, so that a name means one range throughout; sizes are on a log scale."""
        return {name: self._distribution(name, value) for name, value in params.items()}

    def _distribution(self, name: str, value: float) -> BaseDistribution:
        from optuna.distributions import FloatDistribution, IntDistribution

        if name == "seed":
            return IntDistribution(0, MOST_SEEDS)
        name = name.partition("[")[0]
        first = self.config.get(name, 1)
        amount = (self.settings.increments | (self.settings.on_stall or {})).get(name, 1)
        values = first if isinstance(first, list) else [first]
        least, most = min(values), max(*values, 1) * FARTHEST + amount * self.settings.multiples * FARTHEST
        if isinstance(value, int):
            return IntDistribution(min(1, least), min(int(most), MOST_SEEDS), log=least >= 1)
        return FloatDistribution(least / FARTHEST if least > 0 else least, most, log=least > 0)

    def _point(self, config: Config, seed: int, role: Mapping[str, Any], settings: GrowthSettings) -> Point:
        return Point(config, seed, {**_params(config, settings), "seed": seed}, role)


def tie(rows: Sequence[Row]) -> list[Row]:
    """The leader and those that its seeds cannot tell from it; empty if there is nobody to tell it from."""
    eligible = [row for row in rows if row.eligible]
    if not eligible:
        return []
    leader = min(eligible, key=lambda row: row.rank)
    near = [
        row
        for row in eligible
        if row is not leader and row.free == leader.free and inseparable(leader.worth, row.worth)
    ]
    return [leader, *near] if near else []


def _params(config: Config, settings: GrowthSettings) -> dict[str, Any]:
    """What Optuna shows: each parameter that grows or is raised, lists element by element."""
    shown: dict[str, Any] = {}
    for name in (*settings.increments, *(settings.on_stall or ())):
        value = config[name]
        elements = {f"{name}[{index}]": each for index, each in enumerate(value)} if isinstance(value, list) else None
        shown |= {name: value} if elements is None else elements
    return shown


def _finite(value: float | None) -> float | None:
    """None where it is too large for a number: a record is JSON."""
    return value if value is not None and math.isfinite(value) else None
