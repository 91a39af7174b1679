"""The growth search: try every candidate one step up, keep the one that gains most for its cost, go on from there.

Each round (rounds.py) compares the candidates (candidates.py) with the baseline (comparison.py). Its choice is the
baseline of the next round. Everything here is a pure function of the state after the last round and of the results.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from samplers.searches.distributions import holding, seeds
from samplers.searches.growth.candidates import baseline_role, candidate_role, candidates, points_of, shown_params
from samplers.searches.growth.certainty import Certainty, certainty
from samplers.searches.growth.comparison import Scoring, best
from samplers.searches.growth.loss_race import RULE
from samplers.searches.growth.record import round_record
from samplers.searches.growth.rounds import CandidateProgress, Ranking, Round
from samplers.searches.growth.settings import GrowthSettings, parse_settings
from samplers.searches.nested import named_value, path_of, with_named
from samplers.searches.plan import MAX_SEED, Config, Decision, Done, Need, Point, Results, SearchState, merged
from samplers.searches.race.residuals import Noise
from storage.errors import UsageError
from storage.records import EndKind

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

ONE_STEP = "1 step is done"


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

    def start(self) -> SearchState:
        """A growth that version 0.3 began has no `rule` and no `noise` in its states: it goes on under its own rule."""
        start = {"step": 0, "config": dict(self.config), "grow": dict(self.block), "ended": None}
        return {**start, "rule": RULE, "noise": None}

    def advance(self, state: SearchState, results: Results) -> Need | Decision | Done:
        """The points that the round needs next; once all have finished, the round's decision.

        >>> from samplers.searches.plan import Result
        >>> search = Growth.parse({"increments": {"heads": 1}}, {"heads": 1}, ("score", "maximize"), "params", "here")
        >>> state, results = search.start(), {}
        >>> baseline = search.advance(state, results)
        >>> baseline.why
        'round 0: the baseline, 1 trial'
        >>> results[baseline.points[0].hash] = Result(0, "COMPLETE", {"score": 1.0, "params": 10.0})
        >>> candidate = search.advance(state, results)
        >>> candidate.why, candidate.points[0].config
        ('round 0: 1 candidate, 1 trial', {'heads': 2})
        >>> results[candidate.points[0].hash] = Result(1, "COMPLETE", {"score": 1.5, "params": 15.0})
        >>> decision = search.advance(state, results)
        >>> decision.kind, decision.record["chosen"], decision.state["config"]
        ('chosen', {'param': 'heads', 'value': 2}, {'heads': 2})
        """
        if state["ended"] is not None:
            return Done(state["ended"], EndKind.STALLED)
        round_ = self._round(state, results)
        if round_.step >= (round_.settings.steps if self.steps is None else self.steps):
            return Done(ONE_STEP if round_.step == 1 else f"{round_.step} steps are done", EndKind.STEPS)
        ranking = round_.ranking()
        if not isinstance(ranking, Ranking):
            return ranking
        said = certainty(ranking.standing, f"{round_.settings.seed}:{round_.step}") if ranking.standing else Certainty()
        return self._decision(state, round_.settings, ranking, said)

    def _round(self, state: SearchState, results: Results) -> Round:
        settings = parse_settings(state["grow"], state["config"], self.where)
        scoring = Scoring(self.metric, self.direction, self.cost)
        earlier = Noise(**(state.get("noise") or {}))
        return Round(state["step"], state["config"], settings, scoring, results, state.get("rule"), earlier)

    def _decision(self, state: SearchState, settings: GrowthSettings, ranking: Ranking, said: Certainty) -> Decision:
        """The step up to the best finalist; without one, a stall: raise `on_stall`, or end."""
        chosen = best(ranking.finalists)
        config, ended, raised, event = state["config"], None, {}, None
        if chosen is not None:
            config = dict(chosen.candidate.config)
        elif settings.on_stall:
            raised = {name: named_value(config, name) + amount for name, amount in settings.on_stall.items()}
            for name, value in raised.items():
                config = with_named(config, name, value)
            values = ", ".join(f"{name} raised to {value}" for name, value in raised.items())
            event = f"no candidate helps: {values}, the baseline is measured again"
        else:
            ended = event = "no candidate helps"
        record = round_record(state["step"], ranking, said, chosen, event, raised, settings)
        after = {**state, "step": state["step"] + 1, "config": config, "ended": ended}
        if ranking.standing is not None:
            after["noise"] = None if raised else ranking.standing.noise_for_next
        return Decision("stalled" if chosen is None else "chosen", record, after)

    def guess(self, state: SearchState, results: Results) -> Decision | None:
        """The decision if the round's race ended with the seeds that have all finished; None where it has none yet.
        Its record does not say how sure it is, which takes a thousand draws: nobody keeps a guess."""
        round_ = self._round(state, results)
        ranking = round_.ranking(closed=True) if state["ended"] is None else None
        return self._decision(state, round_.settings, ranking, Certainty()) if isinstance(ranking, Ranking) else None

    def likely_seeds(self, state: SearchState, results: Results) -> Sequence[Point]:
        """The points that the round's race will ask for next if those that it waits for change nothing."""
        return self._round(state, results).likely_seeds() if state["ended"] is None else []

    def progress(self, state: SearchState, results: Results) -> list[CandidateProgress]:
        """How far the current round has come, the baseline first."""
        return self._round(state, results).progress()

    def outlook(self, state: SearchState) -> Sequence[Point]:
        """Every point that the current round will ask for without a race: the baseline and all candidates."""
        config, step = state["config"], state["step"]
        settings = parse_settings(state["grow"], config, self.where)
        points = points_of(config, settings.repeats, baseline_role(step), settings)
        for candidate in candidates(config, settings):
            points += points_of(candidate.config, settings.repeats, candidate_role(candidate, step), settings)
        return points

    def override(self, state: SearchState, changes: Mapping[str, Any]) -> Decision:
        """Change values of the config or the `grow:` block from here on; the baseline is measured again.

        Raises:
            UsageError: A changed setting is wrong, or a parameter leaves the range that the study gave Optuna.
        """
        config = {**state["config"], **changes.get("config", {})}
        block = merged(state["grow"], changes.get("grow", {}))
        settings = parse_settings(block, config, self.where)
        shown = shown_params(config, settings)
        for name, value in shown.items():
            distribution = self._distribution(name, value)
            try:
                holding(distribution, value)
            except ValueError as error:
                raise UsageError(
                    f"{name}={value!r} lies outside the range that this study gave Optuna: {distribution}"
                ) from error
        values = ", ".join(f"{name}={value}" for part in changes.values() for name, value in part.items())
        record = {
            "round": state["step"],
            "baseline": None,
            "candidates": [],
            "chosen": None,
            "event": f"override: {values}",
            "changes": {name: dict(part) for name, part in changes.items()},
        }
        after = {**state, "config": config, "grow": block, "ended": None}
        racing = changes.get("grow", {}).get("racing")
        if "rule" in state or (isinstance(racing, Mapping) and "within" in racing):
            after |= {"rule": RULE, "noise": None}  # a growth of version 0.3 comes to this rule by `within`
        return Decision("override", record, after)

    def distributions(self, params: Mapping[str, Any]) -> Mapping[str, BaseDistribution]:
        """From the first baseline to what all steps could make of it, so that a name keeps one range; wider for a value
        that an override or a larger budget brought. Sizes are on a log scale."""
        return {name: holding(self._distribution(name, value), value) for name, value in params.items()}

    def _distribution(self, name: str, value: float) -> BaseDistribution:
        from optuna.distributions import FloatDistribution, IntDistribution

        first = self.settings
        if name == "seed":
            return seeds(first.seed, max(first.repeats, first.max_repeats or 0))
        name = name.partition("[")[0]
        baseline = 1 if path_of(name, self.config) is None else named_value(self.config, name)
        values = baseline if isinstance(baseline, list) else [baseline]
        low = min(values)
        multiples = first.multiples_of.get(name, first.multiples)
        step = max(first.increments.get(name, 0) * multiples, (first.on_stall or {}).get(name, 0))
        high = max(values) + step * (first.steps + 1)  # one to spare: sums of floats are not exact
        if isinstance(value, int):
            return IntDistribution(low, min(int(high), max(MAX_SEED, low)), log=low >= 1)
        return FloatDistribution(low, high, log=low > 0)
