"""Tuning: settings chosen one after another by an Optuna sampler, several open at once.

Setting k is chosen when setting k - `ahead` has ended; those between are shown to the sampler as running, even if they
have ended: how many have ended depends on the workers, and a choice may not. Each choice is a decision, made from the
results of setting k - `ahead` and from the decisions before it; what those were made from is in their records, so that
state and record do not grow.

A setting that has the configuration of an earlier one is told what came of that one: a point exists once in a study.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from samplers.searches.distributions import holding, seeds
from samplers.searches.plan import Config, Decision, Done, Need, Point, Results, SearchState, merged
from samplers.searches.plural import counted
from samplers.searches.race.settings import seeds_text
from samplers.searches.tune.allowed import check_allowed
from samplers.searches.tune.enqueued import ended_settings
from samplers.searches.tune.imported import ImportedSetting, import_step, imported_count, told_step, untold
from samplers.searches.tune.judged_again import JUDGED_AGAIN, judged_step
from samplers.searches.tune.outcome import Outcome, Score
from samplers.searches.tune.past import Past, PastSetting
from samplers.searches.tune.points import points_of
from samplers.searches.tune.progress import after_told, reason_to_stop
from samplers.searches.tune.race import NEW_RACE, race_step, sure_text
from samplers.searches.tune.settings import TuneSettings, check_added_axes, parse_tune
from samplers.searches.tune.terminator import check_terminator
from storage.other_programs import EndedTrial
from storage.records import EndKind

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

    from samplers.searches.tune.choice import Choice


@dataclass(frozen=True)
class Tune:
    """The search of a definition with `search: tune`, which needs its past: samplers/searches/plan.py's
    `RecallingSearch`."""

    config: Config
    block: Mapping[str, Any]
    scores: tuple[Score, ...]
    where: str
    recalled: Past | None = None
    """The records of the decisions in force; None before the first."""

    @staticmethod
    def parse(block: Mapping[str, Any], config: Config, scores: Sequence[Score], where: str) -> Tune:
        """From a definition's `tune:` block and config. Nothing of Optuna is imported, and no code of the user is run.

        Raises:
            UsageError: The block does not fit the config or the scores.
        """
        parsed = parse_tune(block, config, len(scores), where)
        config = {name: value for name, value in config.items() if name != "seed"}
        return Tune(config, {**block, "seed": parsed.seed}, tuple(scores), where)

    def check_here(self) -> None:
        """Check what needs Optuna, the sampler's packages and its code on this host: before a study begins or changes.

        Raises:
            UsageError: No setting is allowed, a package is missing, the class is no sampler, or it does not take its
                arguments.
        """
        settings = self._settings(self.block, self.config)
        check_allowed(settings)
        if settings.terminator is not None:
            check_terminator(f"{settings.where}.terminator")
        settings.sampler.make(0, 0)
        _rehearse(self.past(), len(self.scores))

    def past(self) -> Past:
        """The past before the first decision."""
        return Past(self.block, self.config, [direction for _, direction in self.scores], self._settings)

    def with_past(self, past: Past) -> Tune:
        """The search that has made these decisions; `past` grows by the record of each further one."""
        return replace(self, recalled=past)

    def start(self) -> SearchState:
        return {
            "next": 0,
            "open": [],
            "enqueued": 0,
            "told": 0,
            "completed": 0,
            "best": None,
            "since": 0,
            "race": dict(NEW_RACE),
            "ended": None,
            "used_up": False,
            "tune": dict(self.block),
            "config": dict(self.config),
        }

    def advance(self, state: SearchState, results: Results) -> Need | Decision | Done:
        past = self.recalled or self.past()
        assert len(past.settings) == state["next"], "the past has to hold the records of all decisions in force"
        settings = self._settings(state["tune"], state["config"])
        if untold(state):
            return told_step(state, settings, past, results, self.scores)
        if state.get(JUDGED_AGAIN):
            return judged_step(state, settings, past, results, self.scores)
        wanted = state["ended"] is None and state["next"] - imported_count(state) < settings.settings
        outcome = None
        if state["open"] and not (wanted and len(state["open"]) < settings.ahead):
            number = state["open"][0]
            points = points_of(past.settings[number], number, settings, past.seeds_of(number))
            missing = tuple(point for point in points if point.hash not in results)
            if missing:
                return Need(missing, f"setting {number}: {counted(len(missing), 'trial')}")
            outcome = Outcome.of(number, [results[point.hash] for point in points], self.scores, settings.constraints)
        elif not wanted:
            if settings.racing is not None and not state["race"]["over"]:
                return race_step(state, settings, past, results, self.scores)
            return self._end(state)
        return self._decision(state, settings, past, outcome, wanted)

    def _decision(
        self, state: SearchState, settings: TuneSettings, past: Past, outcome: Outcome | None, wanted: bool
    ) -> Decision:
        """One setting told, one chosen, or both."""
        from optuna import __version__

        after = after_told(state, outcome, past, self.scores)
        record: dict[str, Any] = {"setting": None, "outcome": outcome and outcome.to_json(), "event": None}
        event = reason_to_stop(after, settings, past, outcome is not None) if wanted else None
        if event is not None:
            return _stopped(record | _told_alone(settings, past, outcome), after, past, event)
        if not wanted or len(after["open"]) >= settings.ahead:
            assert outcome is not None
            record |= _told_alone(settings, past, outcome)
            return Decision("told", {**record, "told": _outcome_text(outcome)}, after)
        place = state["enqueued"]
        enqueued = settings.enqueue[place] if place < len(settings.enqueue) else None
        choice = _chosen(past, outcome, enqueued)
        if choice is None and enqueued is not None:  # a space that has changed since allows none with these values
            choice = _chosen(past, outcome, None)
        if choice is None:
            event = "no further setting was found that `where` allows"
            return _stopped(record | _told_alone(settings, past, outcome), after, past, event)
        number = state["next"]
        points = points_of(PastSetting(choice.axes, choice.config), number, settings)
        alike = past.first_like(points[0].hash)
        if outcome is not None:
            record["outcome"] = {**record["outcome"], "attributes": dict(choice.told_attributes)}
        record |= {
            "setting": number,
            "params": dict(choice.axes),
            "config": dict(choice.config),
            "hash": points[0].hash,
            "same_as": alike,
            "draws": choice.draws,
            "by": choice.by,
            "attributes": {"setting": dict(choice.setting_attributes), "study": dict(choice.study_attributes)},
            "optuna": __version__,
            "told": _choice_text(number, choice, alike),
        }
        after |= {"next": number + 1, "open": [*after["open"], number], "enqueued": place + (enqueued is not None)}
        return Decision("chosen", record, after, points)

    def _end(self, state: SearchState) -> Done:
        settings = self._settings(state["tune"], state["config"])
        past = self.recalled or self.past()
        imported = imported_count(state)
        own = state["next"] - imported
        count = f"{counted(own, 'setting')} × {_seeds_text(settings, past)} are done"
        count += f", {imported} more {'were' if imported > 1 else 'was'} imported" if imported else ""
        reason = count if state["ended"] is None else f"{state['ended']}; {count}"
        if not state["completed"]:
            return Done(f"{reason}; none completed", EndKind.FAILED)
        if not past.front:
            meets = any(each.outcome is not None and each.outcome.feasible for each in past.settings)
            why = "of each, a seed did not complete" if meets else "none meets the constraints"
            return Done(f"{reason}; {why}", EndKind.FAILED)
        if len(self.scores) > 1:
            return Done(f"{reason}; {len(past.front)} of them form the front")
        best = state["best"]
        sure = f" ({sure_text(best['sure'])})" if "sure" in best else ""
        return Done(f"{reason}; the best is setting {best['setting']}: {best['value']:g}{sure}")

    def outlook(self, state: SearchState) -> Sequence[Point]:
        """The points of the open settings and of the race; of a search without a past, those that it begins with."""
        past = self.recalled or self.past()
        if not past.settings:
            past, state = self._opened({**self.start(), "tune": state["tune"], "config": state["config"]})
        settings = self._settings(state["tune"], state["config"])
        counts = {**dict.fromkeys([*untold(state), *state["open"]]), **dict(state["race"]["seeds"])}
        return [
            point
            for number, count in counts.items()
            for point in points_of(past.settings[number], number, settings, count)
        ]

    def _opened(self, state: SearchState) -> tuple[Past, SearchState]:
        """The search once it waits for its first result."""
        past = self.past()
        if (state["tune"], state["config"]) != (self.block, self.config):
            past.add("override", {"changes": {"tune": state["tune"], "config": state["config"]}})
        while isinstance(step := self.with_past(past).advance(state, {}), Decision):
            past.add(step.kind, step.record)
            state = step.state
        return past, state

    def override(self, state: SearchState, changes: Mapping[str, Any]) -> Decision:
        """Change the block (`tune`) or the config from here on. The sampler is told the past again, in the new space.

        Raises:
            UsageError: They do not fit together.
        """
        config = {**state["config"], **changes.get("config", {})}
        block = merged(state["tune"], changes.get("tune", {}))
        after = self._settings(block, config)
        if state["next"]:
            check_added_axes(self._settings(state["tune"], state["config"]), after, state["config"])
        values = ", ".join(f"{name}={value}" for part in changes.values() for name, value in part.items())
        record = {
            "event": f"override: {values}",
            "changes": {name: dict(part) for name, part in changes.items()},
        }
        before = self._settings(state["tune"], state["config"])
        again = {
            "ended": None,
            "used_up": False,
            "since": 0,
            "race": {**state["race"], "over": False},
            "enqueued": _tried_of(after, before.enqueue[: state["enqueued"]]),
        }
        if [each.text for each in before.constraints] != [each.text for each in after.constraints] and state["told"]:
            again[JUDGED_AGAIN] = True
        return Decision("override", record, {**state, **again, "tune": block, "config": config})

    def imported(self, state: SearchState, given: Sequence[ImportedSetting], source: str) -> Decision:
        """Take in settings that ran elsewhere, none of which is in the past; `source` names where they are from."""
        return import_step(state, self.settings_in(state), self.recalled or self.past(), given, source)

    def distributions(self, params: Mapping[str, Any]) -> Mapping[str, BaseDistribution]:
        """Of the space in force, and wider for a value that lies beyond it."""
        past = self.recalled or self.past()
        settings = past.in_force
        return {
            name: holding(seeds(settings.seed, settings.repeats) if name == "seed" else past.distributions[name], value)
            for name, value in params.items()
        }

    def ended(self, state: SearchState, trials: Sequence[EndedTrial]) -> Decision | None:
        """Take in the settings of trials that another program enqueued and that have ended; None: nothing is new."""
        found = ended_settings(self.settings_in(state), self.recalled or self.past(), trials)
        if found is None:
            return None
        return replace(self.imported(state, found.settings, found.source), points=())  # they are planned

    def shown(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Values of axes as parameters of Optuna."""
        axes = self._settings(self.block, self.config).space.axes
        return {name: axes[name].shown(value) for name, value in params.items()}

    def settings_in(self, state: SearchState) -> TuneSettings:
        """The block in force, checked."""
        return self._settings(state["tune"], state["config"])

    def in_force(self, state: SearchState) -> Tune:
        """The search as it would begin with the block and the config of a state."""
        return replace(self, block=state["tune"], config=state["config"], recalled=None)

    def _settings(self, block: Mapping[str, Any], config: Config) -> TuneSettings:
        """The block in force, checked."""
        # As text: 1, 1.0 and true are equal to Python and not to an objective.
        return _parsed(json.dumps([block, config]), len(self.scores), self.where)


@lru_cache(maxsize=16)
def _parsed(text: str, scores: int, where: str) -> TuneSettings:
    block, config = json.loads(text)
    return parse_tune(block, config, scores, where)


def _seeds_text(settings: TuneSettings, past: Past) -> str:
    """`3 seeds`; `1 to 3 seeds` where the settings chosen before the block asked for more have fewer."""
    known = (len(each.outcome.by_seed) for each in past.settings if each.outcome is not None and each.seeds is None)
    fewest = min(known, default=settings.repeats)
    if fewest >= settings.repeats:
        return seeds_text(settings.repeats, settings.racing)
    most = settings.repeats if settings.racing is None else settings.racing.max_seeds
    return f"{fewest} to {counted(most, 'seed')}"


def _tried_of(settings: TuneSettings, tried: Sequence[Mapping[str, Any]]) -> int:
    """How many of the enqueued settings, from the first on, are those that were tried already."""
    pairs = zip(settings.enqueue, tried, strict=False)
    return next((place for place, (new, old) in enumerate(pairs) if new != old), min(len(settings.enqueue), len(tried)))


def _chosen(past: Past, outcome: Outcome | None, enqueued: Mapping[str, Any] | None) -> Choice | None:
    from samplers.searches.tune.choice import choose  # which imports Optuna

    return choose(past, outcome, enqueued)


def _told_alone(settings: TuneSettings, past: Past, outcome: Outcome | None) -> dict[str, Any]:
    """What the record of a decision that tells and chooses nothing has besides: what a class outside Optuna wrote when
    it was told. Optuna's own samplers write nothing then."""
    if outcome is None or not settings.sampler.is_code:
        return {}
    from optuna import __version__

    from samplers.searches.tune.choice import tell

    told = tell(past, outcome)
    return {
        "outcome": {**outcome.to_json(), "attributes": dict(told.told_attributes)},
        "attributes": {"setting": {}, "study": dict(told.study_attributes)},
        "optuna": __version__,
    }


def _stopped(record: Mapping[str, Any], after: SearchState, past: Past, event: str) -> Decision:
    """The end of the choices, and why."""
    ended = {"ended": event, "used_up": past.is_used_up}
    return Decision("stopped", {**record, "told": event, "event": event}, {**after, **ended})


def _rehearse(past: Past, scores: int) -> None:
    from samplers.searches.tune.rehearsal import rehearse  # which imports Optuna

    rehearse(past, scores)


def _choice_text(number: int, choice: Choice, alike: int | None) -> str:
    values = ", ".join(f"{name}={_short(value)}" for name, value in choice.axes.items())
    return f"setting {number}: {values}" + ("" if alike is None else f", as setting {alike}")


def _outcome_text(outcome: Outcome) -> str:
    if outcome.values is None:
        return f"setting {outcome.setting}: {outcome.reason or outcome.cause}"
    return f"setting {outcome.setting}: {', '.join(map(_short, outcome.values))}"


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
