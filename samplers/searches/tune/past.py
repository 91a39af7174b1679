"""What a choice is made from: the settings chosen so far, and what came of them.

It is folded from the records of a study's decisions, one by one and in order, whether they were made in this process
or long ago: there is no other way into it. A record adds one setting and ends one, so that the k-th choice costs no
more than Optuna's own; a process that begins anew folds all records once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from samplers.searches.nested import path_of, value_at
from samplers.searches.plan import Config, merged
from samplers.searches.tune.cmaes_state import as_optuna_keeps_it
from samplers.searches.tune.constraints import PREFIX
from samplers.searches.tune.front import Point, losses, with_point
from samplers.searches.tune.outcome import Outcome
from samplers.searches.tune.settings import TuneSettings, config_text
from storage.errors import UsageError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler
    from optuna.study import Study

    from samplers.searches.tune.seen import SeenStudy

Block = Mapping[str, Any]
IN_COORDINATES = ("cma:", "sepcma:", "cmawm:", "x_for_tell")
"""Attributes of CMA-ES, in coordinates of the space that was in force: they mean nothing in another one."""
PARENTS = ":parent:"
"""In the names of the attributes in which NSGA-II and NSGA-III keep the parents of a generation, by their numbers. In
another space, one of them may not be shown any more; they are found again from the generations of the settings."""


@dataclass
class PastSetting:
    """One setting, as its record has it."""

    params: Mapping[str, Any]
    """The values of its axes, as its config has them."""
    config: Config
    hash: str = ""
    """Of its first point."""
    attributes: dict[str, Any] = field(default_factory=dict)
    """What the sampler wrote to its trial."""
    outcome: Outcome | None = None
    shown: bool = True
    """Whether it lies in the space in force. If not, the sampler is shown a failed trial in its place."""
    seeds: int | None = None
    """Of an imported setting: how many it begins with; None: as many as the block in force says."""
    seed: int | None = None
    """The first of its seeds; None: that of the block in force."""


class Past:
    """The settings of one study, and the study that a sampler is shown."""

    def __init__(
        self, block: Block, config: Config, directions: Sequence[str], parse: Callable[[Block, Config], TuneSettings]
    ) -> None:
        """
        Args:
            block: The first `tune:` block.
            config: The first config.
            directions: Of the scores.
            parse: From a block and a config to settings.
        """
        self.settings: list[PastSetting] = []
        self.front: list[Point] = []
        """The losses of the settings that no other dominates; with one score, the best."""
        self.in_force = parse(block, config)
        self._block, self._config, self._parse = block, config, parse
        self._directions = directions
        self._study_attributes: dict[str, Any] = {}
        self._alike: dict[str, list[int]] = {}
        """The numbers of the settings that have one configuration, by the hash of their first point."""
        self._configs: dict[int, set[str]] = {}
        """The configurations of the settings, by their first seed."""
        self._show()

    def add(self, kind: str, record: Mapping[str, Any]) -> None:
        """Take in the record of the next decision in force; `kind` is the decision's."""
        if kind == "override":
            self._override(record["changes"])
            return
        if record.get("outcome") is not None:
            self._end([Outcome.from_json(record["outcome"])])
        if record.get("outcomes"):
            self._end([Outcome.from_json(outcome) for outcome in record["outcomes"]])
        if record.get("setting") is not None:
            self._begin(record)
        elif record.get("attributes") is not None:
            self._keep(record["attributes"]["study"])
        for imported in record.get("settings", ()):
            self._begin(imported)

    @property
    def is_used_up(self) -> bool:
        """Whether each configuration that the space in force allows is that of a setting, with the seed in force."""
        allowed = self.in_force.allowed
        return allowed is not None and allowed <= self._configs.get(self.in_force.seed, set())

    def first_like(self, point_hash: str) -> int | None:
        """The number of the first setting whose first point has that hash."""
        return next(iter(self._alike.get(point_hash, ())), None)

    def seeds_of(self, number: int) -> int:
        """How many seeds tell a setting: those that every one gets, or all that are known of its configuration."""
        setting = self.settings[number]
        outcomes = [self.settings[each].outcome for each in self._alike[setting.hash]]
        known = (len(outcome.by_seed) for outcome in outcomes if outcome is not None)
        return max(setting.seeds or self.in_force.repeats, *known, 0)

    def with_told(self, outcomes: Iterable[Outcome]) -> dict[int, Outcome]:
        """The outcomes of all settings once these are told, too, by the settings' numbers."""
        known = {number: each.outcome for number, each in enumerate(self.settings) if each.outcome is not None}
        for outcome in outcomes:
            known |= self._shared(outcome)
        return known

    def corrects(self, outcome: Outcome) -> bool:
        """Whether something else is known of a setting's configuration than was told of it before."""
        return len(self._shared(outcome)) > 1

    def is_on_front(self, outcome: Outcome) -> bool:
        """Whether nothing that was told is better; of one score, whether it is the best value."""
        if not outcome.ranked or outcome.values is None:
            return False
        return losses(outcome.values, self._directions) in self.front

    def is_better(self, outcome: Outcome) -> bool:
        """Whether no setting that was told before is at least as good."""
        if not outcome.ranked or outcome.values is None:
            return False
        return with_point(self.front, losses(outcome.values, self._directions)) is not None

    def tell(self, outcome: Outcome) -> None:
        """Show the sampler how a setting ended."""
        from optuna.trial import TrialState

        if not self.settings[outcome.setting].shown:
            self.seen.end(outcome.setting, TrialState.FAIL, None)
            return
        attributes = {**as_optuna_keeps_it(outcome.attributes), **self._constraints_of(outcome)}
        self.seen.set_trial_attributes(outcome.setting, attributes)
        reports = {} if outcome.last_report is None else {outcome.last_report[0]: outcome.last_report[1]}
        self.seen.end(outcome.setting, TrialState[outcome.state], outcome.values, intermediate_values=reports)

    def share_search_space(self, sampler: BaseSampler) -> None:
        """Spare a fresh sampler to go through all trials for what their parameters have in common.

        Optuna's samplers keep that in a cache which only saves time: without it, a choice among 5,000 settings takes
        twice as long. A sampler that keeps it elsewhere, or not at all, works as well.
        """
        from optuna.search_space import IntersectionSearchSpace

        from samplers.searches.tune.seen import STUDY_ID

        for name in ("_search_space", "_intersection_search_space"):
            own = getattr(sampler, name, None)
            if isinstance(own, IntersectionSearchSpace):
                common = self._common[own._include_pruned]
                own._search_space = None if common is None else {each: self.distributions[each] for each in common}
                own._cached_trial_number, own._study_id = self._first_open, STUDY_ID

    def _keep_common(self, number: int) -> None:
        """Take in the parameters of a setting that has ended; `_first_open` is the first that has not."""
        trial = self.seen.get_trial(number)
        for include_pruned, common in self._common.items():
            if trial.state.name == "COMPLETE" or (trial.state.name == "PRUNED" and include_pruned):
                names = trial.params.keys()
                self._common[include_pruned] = frozenset(names if common is None else common & names)
        while self._first_open < len(self.settings) and self.settings[self._first_open].outcome is not None:
            self._first_open += 1

    def _constraints_of(self, outcome: Outcome) -> dict[str, float]:
        """The constraints in force, as attributes of Optuna, which wants the same of all trials that completed. One of
        whose metrics a setting knows nothing is taken to be just met."""
        if outcome.state != "COMPLETE":
            return {}
        texts = [constraint.text for constraint in self.in_force.constraints]
        return {f"{PREFIX}{text}": outcome.constraints.get(text, 0.0) for text in texts}

    def _begin(self, record: Mapping[str, Any]) -> None:
        """Take in a new setting."""
        number = len(self.settings)
        assert record["setting"] == number, "the records are not those in force, in order"
        attributes = as_optuna_keeps_it(record["attributes"]["setting"])
        setting = PastSetting(record["params"], record["config"], record["hash"], attributes)
        setting.seeds, setting.seed = record.get("seeds"), self.in_force.seed
        self.settings.append(setting)
        self._alike.setdefault(record["hash"], []).append(number)
        self._configs.setdefault(self.in_force.seed, set()).add(config_text(record["config"]))
        self._keep(record["attributes"]["study"])
        self._add_running(setting, setting.params)

    def _keep(self, attributes: Mapping[str, Any]) -> None:
        """Take in what the sampler wrote to the study."""
        self._study_attributes |= attributes
        self.seen.set_study_attributes(attributes)

    def _shared(self, outcome: Outcome) -> dict[int, Outcome]:
        """An outcome as that of its setting, and of the settings of the same configuration that were told before, by
        their numbers: what more seeds say of one of them, they say of all."""
        shared = {outcome.setting: outcome}
        for number in self._alike[self.settings[outcome.setting].hash]:
            told = self.settings[number].outcome
            if number != outcome.setting and told is not None and _findings(told) != _findings(outcome):
                shared[number] = replace(outcome, setting=number, attributes=told.attributes)
        return shared

    def _end(self, outcomes: Sequence[Outcome]) -> None:
        """Take in how settings ended: once, or again, with more seeds or under other constraints."""
        told = {number: each for outcome in outcomes for number, each in self._shared(outcome).items()}
        again = any(self.settings[number].outcome is not None for number in told)
        for number, outcome in told.items():
            self.settings[number].outcome = outcome
            self.settings[number].attributes |= as_optuna_keeps_it(outcome.attributes)
        if again:
            self.front = []
        for each in [setting.outcome for setting in self.settings] if again else told.values():
            if each is not None and each.ranked and each.values is not None:
                self.front = with_point(self.front, losses(each.values, self._directions)) or self.front
        for number, outcome in told.items():
            self.tell(outcome)
            self._keep_common(number)

    def _override(self, changes: Mapping[str, Any]) -> None:
        """Put another block or config into force. In another space, the sampler is told everything again."""
        before = self.in_force
        self._block = merged(self._block, changes.get("tune", {}))
        self._config = {**self._config, **changes.get("config", {})}
        self.in_force = self._parse(self._block, self._config)
        if before.space.axes != self.in_force.space.axes:
            self._study_attributes = {
                name: value for name, value in self._study_attributes.items() if PARENTS not in name
            }
            for setting in self.settings:
                setting.attributes = {
                    name: value for name, value in setting.attributes.items() if not name.startswith(IN_COORDINATES)
                }
        if before.shown != self.in_force.shown:
            self._show()

    def _show(self) -> None:
        """Begin the study that a sampler is shown, in the space in force, with everything that is known."""
        import optuna

        from samplers.searches.tune.samplers import quiet
        from samplers.searches.tune.seen import STUDY_NAME, SeenStudy

        self.distributions: Mapping[str, BaseDistribution] = self.in_force.space.distributions()
        self.seen: SeenStudy = SeenStudy(self._directions)
        with quiet():
            self.study: Study = optuna.Study(STUDY_NAME, self.seen, pruner=optuna.pruners.NopPruner())
        self._common: dict[bool, frozenset[str] | None] = {False: None, True: None}
        """The parameters that all completed settings have, and all completed and pruned ones."""
        self._first_open = 0
        self.seen.set_study_attributes(self._study_attributes)
        for setting in self.settings:
            params = self._params_in_force(setting)
            setting.shown = params is not None
            self._add_running(setting, params or {})
            if setting.outcome is not None:
                self.tell(setting.outcome)
                self._keep_common(setting.outcome.setting)

    def _params_in_force(self, setting: PastSetting) -> Mapping[str, Any] | None:
        """A setting's parameters in the space in force; None if it does not lie there.

        An axis that was added has the value of the setting's config, and else the axis' default.
        """
        axes = self.in_force.space.axes

        def value_of(name: str) -> Any:
            if name in setting.params:
                value = setting.params[name]
            elif (path := path_of(name, setting.config)) is not None:
                value = value_at(setting.config, path)
            else:
                value = self.in_force.space.defaults.get(name)
            if not axes[name].holds(value):
                raise UsageError(f"{value!r} is not on the axis {name}")
            return value

        try:
            return self.in_force.relations.evaluated(axes, value_of).axes
        except UsageError:
            return None

    def _add_running(self, setting: PastSetting, params: Mapping[str, Any]) -> None:
        shown = {name: self.in_force.space.axes[name].shown(value) for name, value in params.items()}
        self.seen.add_running(shown, self.distributions, setting.attributes)


def _findings(outcome: Outcome) -> object:
    """What an outcome says of its configuration, whichever setting has it."""
    return outcome.state, outcome.values, outcome.constraints, outcome.by_seed
