"""The `tune:` block of a definition, checked against the configuration that it varies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from samplers.searches.grid.relations import Evaluated, Relations, parse_relations
from samplers.searches.plan import MAX_SEED, Config
from samplers.searches.tune.samplers import SamplerChoice, parse_sampler
from samplers.searches.tune.space import Space, parse_space
from storage.checks import check_keys, check_whole
from storage.errors import UsageError

TUNE_KEYS = ("sampler", "space", "derive", "where", "when", "pass", "settings", "repeats", "ahead", "seed")
MAX_SETTINGS = 1_000_000
MAX_AHEAD = 10_000
MAX_REPEATS = 10_000
DEFAULT_AHEAD = 8


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
    where: str

    @property
    def seeds(self) -> range:
        """The seeds of every setting."""
        return range(self.seed, self.seed + self.repeats)

    def config_of(self, found: Evaluated) -> Config:
        """The whole config of a setting."""
        return self.relations.config_with({**found.axes, **found.derived})


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
    repeats = check_whole(block.get("repeats", 1), f"{where}.repeats", 1, MAX_REPEATS)
    if "settings" not in block:
        raise UsageError("is missing; how many settings to choose, like 100", f"{where}.settings")
    return TuneSettings(
        sampler=parse_sampler(block.get("sampler", "tpe"), scores, f"{where}.sampler"),
        space=space,
        relations=parse_relations(block, base, values, where),
        settings=check_whole(block["settings"], f"{where}.settings", 1, MAX_SETTINGS),
        repeats=repeats,
        ahead=check_whole(block.get("ahead", DEFAULT_AHEAD), f"{where}.ahead", 1, MAX_AHEAD),
        seed=check_whole(block.get("seed", config.get("seed", 1337)), f"{where}.seed", 0, MAX_SEED - repeats),
        where=where,
    )
