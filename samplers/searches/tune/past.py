"""What a choice is made from: the settings chosen so far, and what came of them.

It is folded from the records of a study's decisions, one by one and in order, whether they were made in this process
or long ago: there is no other way into it. A record adds one setting and ends one, so that the k-th choice costs no
more than Optuna's own; a process that begins anew folds all records once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from samplers.searches.plan import Config, merged
from samplers.searches.tune.outcome import Outcome
from samplers.searches.tune.settings import TuneSettings

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.study import Study

    from samplers.searches.tune.seen import SeenStudy

Block = Mapping[str, Any]
OLD_COORDINATES = ("cma:", "sepcma:", "cmawm:", "x_for_tell")
"""Attributes of CMA-ES, in coordinates of the space that was in force: they mean nothing in another one."""


@dataclass
class PastSetting:
    """One setting, as its record has it."""

    params: Mapping[str, Any]
    """The values of its axes, as its config has them."""
    config: Config
    attributes: dict[str, Any] = field(default_factory=dict)
    """What the sampler wrote to its trial."""
    outcome: Outcome | None = None


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
        self._block, self._config, self._parse = block, config, parse
        self._directions = directions
        self._study_attributes: dict[str, Any] = {}
        self._by_config: dict[str, int] = {}
        self._show()

    def add(self, kind: str, record: Mapping[str, Any]) -> None:
        """Take in the record of the next decision in force; `kind` is the decision's."""
        if kind == "override":
            changes = record["changes"]
            self._block = merged(self._block, changes.get("tune", {}))
            self._config = {**self._config, **changes.get("config", {})}
            self._show()
            return
        if record.get("outcome") is not None:
            self._end(Outcome.from_json(record["outcome"]))
        if record.get("setting") is not None:
            self._begin(PastSetting(record["params"], record["config"], dict(record["attributes"]["setting"])), record)

    def first_like(self, hash_of_config: str) -> int | None:
        """The number of the first setting with that configuration."""
        return self._by_config.get(hash_of_config)

    def _begin(self, setting: PastSetting, record: Mapping[str, Any]) -> None:
        number = len(self.settings)
        assert record["setting"] == number, "the records are not those in force, in order"
        self.settings.append(setting)
        self._by_config.setdefault(record["hash"], number)
        self._study_attributes |= record["attributes"]["study"]
        self.seen.set_study_attributes(record["attributes"]["study"])
        self._add_running(setting)

    def _add_running(self, setting: PastSetting) -> None:
        self.seen.add_running(self._shown(setting), self.distributions, self._attributes_of(setting))

    def _end(self, outcome: Outcome) -> None:
        setting = self.settings[outcome.setting]
        setting.outcome = outcome
        setting.attributes |= outcome.attributes
        self.tell(outcome)

    def tell(self, outcome: Outcome) -> None:
        """Show the sampler how a setting ended."""
        from optuna.trial import TrialState

        values = outcome.values if outcome.state == "COMPLETE" else None
        self.seen.set_trial_attributes(outcome.setting, outcome.attributes)
        self.seen.end(outcome.setting, TrialState[outcome.state], values)

    def _show(self) -> None:
        """Begin the study that a sampler is shown, in the space in force; with everything that is known."""
        import optuna

        from samplers.searches.tune.samplers import quiet
        from samplers.searches.tune.seen import STUDY_NAME, SeenStudy

        self.in_force = self._parse(self._block, self._config)
        self.distributions: Mapping[str, BaseDistribution] = self.in_force.space.distributions()
        self.seen: SeenStudy = SeenStudy(self._directions)
        with quiet():
            self.study: Study = optuna.Study(STUDY_NAME, self.seen, pruner=optuna.pruners.NopPruner())
        self.seen.set_study_attributes(self._study_attributes)
        for setting in self.settings:
            self._add_running(setting)
            if setting.outcome is not None:
                self.tell(setting.outcome)

    def _shown(self, setting: PastSetting) -> dict[str, Any]:
        return {name: self.in_force.space.axes[name].shown(value) for name, value in setting.params.items()}

    def _attributes_of(self, setting: PastSetting) -> Mapping[str, Any]:
        return setting.attributes
