"""The `tune:` block of a definition, checked against the configuration that it varies."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

from samplers.searches.grid.relations import Evaluated, Relations, parse_relations
from samplers.searches.nested import path_of
from samplers.searches.plan import MAX_SEED, Config
from samplers.searches.race.purchases import Allowance
from samplers.searches.race.settings import MAX_REPEATS, parse_racing
from samplers.searches.tune.constraints import Constraint
from samplers.searches.tune.samplers import SamplerChoice, parse_sampler
from samplers.searches.tune.space import Axis, Numbers, Space, parse_space
from storage.checks import check_keys, check_whole
from storage.errors import UsageError, nearest

RELATIONS = ("derive", "where", "when", "pass")
COUNTS = ("settings", "repeats", "ahead", "seed", "patience")
TUNE_KEYS = ("sampler", "space", *RELATIONS, *COUNTS, "enqueue", "constraints", "racing", "terminator")
MAX_SETTINGS = 1_000_000
MAX_AHEAD = 10_000
DEFAULT_AHEAD = 8
DEFAULT_EVERY = 10
"""Settings between two judgements of the terminator, which take a second or more."""
MAX_COUNTED_SETTINGS = 10_000
"""Of a space whose configurations are listed, so that a search ends once all of them are chosen."""


@dataclass(frozen=True)
class TuneSettings:
    """The block, checked."""

    sampler: SamplerChoice
    space: Space
    relations: Relations
    settings: int
    """How many settings are chosen."""
    repeats: int
    """Seeds of each setting: seed, seed + 1, …"""
    ahead: int
    """Settings that may be open when the next one is chosen."""
    seed: int
    enqueue: tuple[Mapping[str, Any], ...]
    """Values of axes that are tried first; the sampler chooses those that a setting leaves out."""
    constraints: tuple[Constraint, ...]
    racing: Allowance | None
    """More seeds for the best settings, once all are told."""
    terminator: int | None
    """Optuna's terminator judges the search after each so many settings."""
    patience: int | None
    """The search ends after so many settings without a better one."""
    where: str

    @property
    def seeds(self) -> range:
        """The seeds of every setting."""
        return range(self.seed, self.seed + self.repeats)

    @property
    def conditions(self) -> Mapping[str, str]:
        """Which axes exist where, as it is written."""
        return {name: condition.text for name, condition in self.relations.when.items()}

    @property
    def shown(self) -> object:
        """What decides how a setting is shown to the sampler: equal for blocks that show all settings alike."""
        return self.space, self.conditions, [constraint.text for constraint in self.constraints]

    @cached_property
    def allowed(self) -> frozenset[str] | None:
        """The configurations that the space allows, as `config_text`; None: too many to list."""
        sizes = [axis.size for axis in self.space.axes.values()]
        if None in sizes or math.prod(size or 1 for size in sizes) > MAX_COUNTED_SETTINGS:
            return None
        names = list(self.space.axes)
        found = set()
        for values in product(*(axis.listed for axis in self.space.axes.values())):
            try:
                setting = self.relations.evaluated(names, dict(zip(names, values, strict=True)).__getitem__)
            except UsageError:  # an expression has no value there
                continue
            if setting.filtered is None:
                found.add(config_text(self.config_of(setting)))
        return frozenset(found)

    def config_of(self, found: Evaluated) -> Config:
        """The whole config of a setting."""
        return self.relations.config_with({**found.axes, **found.derived})


def config_text(config: Config) -> str:
    """Equal for equal configurations alone: 1, 1.0 and true are three."""
    return json.dumps(config, sort_keys=True)


def parse_tune(given: Mapping[str, Any], config: Config, scores: int, where: str) -> TuneSettings:
    """The block as settings. A key that is null counts as missing.

    Raises:
        UsageError: A key is unknown, a value out of its range, or a name in no axis, derivation or config.
    """
    where = f"{where}: tune"
    check_keys(given, TUNE_KEYS, where)
    block = {key: value for key, value in given.items() if value is not None}
    space = parse_space(block.get("space"), f"{where}.space")
    base = {name: value for name, value in config.items() if name != "seed"}
    values: dict[str, Sequence[Any]] = {name: axis.values for name, axis in space.axes.items()}
    relations = parse_relations(block, base, values, where)
    repeats = check_whole(block.get("repeats", 1), f"{where}.repeats", 1, MAX_REPEATS)
    if "settings" not in block:
        raise UsageError("is missing; how many settings to choose, like 100", f"{where}.settings")
    settings = check_whole(block["settings"], f"{where}.settings", 1, MAX_SETTINGS)
    patience = block.get("patience")
    sampler = parse_sampler(block.get("sampler", "tpe"), scores, f"{where}.sampler")
    return TuneSettings(
        sampler=sampler,
        space=space,
        relations=relations,
        settings=settings,
        repeats=repeats,
        ahead=check_whole(block.get("ahead", DEFAULT_AHEAD), f"{where}.ahead", 1, MAX_AHEAD),
        seed=check_whole(block.get("seed", config.get("seed", 1337)), f"{where}.seed", 0, MAX_SEED - repeats),
        enqueue=_enqueued(block.get("enqueue", []), space, relations, settings, f"{where}.enqueue"),
        constraints=_constraints(block.get("constraints", []), sampler, f"{where}.constraints"),
        racing=_racing(block.get("racing"), repeats, scores, f"{where}.racing"),
        terminator=_terminator(block.get("terminator"), scores, f"{where}.terminator"),
        patience=None if patience is None else check_whole(patience, f"{where}.patience", 1, MAX_SETTINGS),
        where=where,
    )


def check_added_axes(before: TuneSettings, after: TuneSettings, config: Config) -> None:
    """Check that each axis that is added has a value in the settings that were chosen before.

    Raises:
        UsageError: One has none: neither the config nor its `default` gives it.
    """
    for name in after.space.axes:
        known = name in before.space.axes or name in before.relations.derive or path_of(name, config) is not None
        if not known and name not in after.space.defaults:
            raise UsageError(
                "the settings chosen before have no value for it; give them one, like {range: [1, 4], default: 1}",
                f"{after.where}.space.{name}",
            )


def _enqueued(
    given: object, space: Space, relations: Relations, settings: int, where: str
) -> tuple[Mapping[str, Any], ...]:
    if not isinstance(given, list) or not all(isinstance(each, Mapping) for each in given):
        raise UsageError(f"{given!r} is not a list of settings, like [{{n_layer: 2}}]", where)
    if len(given) > settings:
        raise UsageError(f"{len(given)} settings, and `settings` allows {settings}", where)
    found = []
    for index, written in enumerate(given):
        setting = {name: _of_axis(space.axes.get(name), value) for name, value in written.items()}
        found.append(setting)
        for name, value in setting.items():
            if name not in space.axes:
                raise UsageError(f"there is no axis {name!r}{nearest(str(name), space.axes)}", f"{where}[{index}]")
            if not space.axes[name].holds(value):
                raise UsageError(f"{value!r} is not on the axis", f"{where}[{index}].{name}")
        if space.axes.keys() == setting.keys():
            filtered = relations.evaluated(space.axes, setting.__getitem__).filtered
            if filtered is not None:
                raise UsageError(f"`where: {filtered}` does not allow it", f"{where}[{index}]")
    return tuple(found)


def _of_axis(axis: Axis | None, value: Any) -> Any:
    """A number as its axis has it, so that 1 and 1.0 are one setting."""
    return axis.from_user(value) if isinstance(axis, Numbers) else value


def _racing(given: object, repeats: int, scores: int, where: str) -> Allowance | None:
    if given is None:
        return None
    if scores > 1:
        raise UsageError(f"a race has one score, and there are {scores}: take it out", where)
    return parse_racing(given, repeats, where)


def _terminator(given: object, scores: int, where: str) -> int | None:
    if given is None or given is False:
        return None
    if given is not True and not isinstance(given, Mapping):
        raise UsageError(f"{given!r} is not true, or {{every: {DEFAULT_EVERY}}}", where)
    block = given if isinstance(given, Mapping) else {}
    check_keys(block, ("every",), where)
    if scores > 1:
        raise UsageError(f"Optuna's terminator judges one score, and there are {scores}: use `patience`", where)
    return check_whole(block.get("every", DEFAULT_EVERY), f"{where}.every", 1, MAX_SETTINGS)


def _constraints(given: object, sampler: SamplerChoice, where: str) -> tuple[Constraint, ...]:
    texts = given if isinstance(given, list) else [given]
    found = tuple(Constraint.parse(text, where) for text in texts)
    if found and not sampler.knows_constraints:
        raise UsageError(f"{sampler.name} does not know constraints; {sampler.constrained} do", where)
    return found
