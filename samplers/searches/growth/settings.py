"""The `grow:` block of a definition, checked against the configuration that it grows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from samplers.searches.growth.layers import PER_LAYER_SUFFIX, is_layers, layer_lists
from samplers.searches.nested import flattened, named_value, path_of
from samplers.searches.race.purchases import DEFAULT_WITHIN
from samplers.searches.race.settings import MAX_REPEATS, parse_racing
from storage.checks import check_keys, check_whole
from storage.errors import UsageError, nearest

GROWTH_KEYS = ("increments", "multiples", "repeats", "seed", "steps", "on_stall", "racing", "n_layer", "speculate")
DUPLICATION = ("middle", "each")
MAX_AMOUNT = 2**31 - 1
MAX_FACTORS = {"multiples": 1000, "repeats": MAX_REPEATS}
"""Bounds of the settings that multiply the trials of a round."""


@dataclass(frozen=True)
class GrowthSettings:
    """What a round tries, and with how many seeds."""

    increments: dict[str, float]
    """By dotted name."""
    multiples: int = 1
    """Each increment is tried 1 to this many times."""
    multiples_of: dict[str, int] = field(default_factory=dict)
    """The same for single parameters."""
    repeats: int = 1
    """Seeds of each candidate, the same for the baseline: seed, seed + 1, …"""
    seed: int = 1337
    steps: int = 20_000
    on_stall: dict[str, float] | None = None
    """If no candidate helps: raise these keys of the configuration by these amounts, and measure the baseline again."""
    max_repeats: int | None = None
    """Racing: candidates get more seeds where a wrong choice would cost most, up to this many."""
    within: float = DEFAULT_WITHIN
    """Racing ends where a wrong choice is expected to cost less than this share of the leader's efficiency."""
    duplication: str = "middle"
    """Which layer a new layer copies: the middle one, or each in turn as a candidate of its own."""
    speculate: bool = False
    """Whether idle slots begin points that the next round will probably ask for."""


def parse_settings(block: Mapping[str, Any], config: Mapping[str, Any], where: str) -> GrowthSettings:
    """The block as settings.

    Raises:
        UsageError: A key is unknown, a value out of its range, or a parameter not in the configuration.
    """
    check_keys(block, GROWTH_KEYS, f"{where}: grow")
    repeats = _whole(block, "repeats", 1, 1, where)
    racing = block.get("racing")
    racing_settings = None if racing is None else parse_racing(racing, repeats, f"{where}: grow.racing")
    duplication = block.get("n_layer", DUPLICATION[0])
    if duplication not in DUPLICATION:
        raise UsageError(f"{where}: grow.n_layer: {duplication!r} is not one of {', '.join(DUPLICATION)}")
    on_stall, speculate = block.get("on_stall"), block.get("speculate", False)
    if not isinstance(speculate, bool):
        raise UsageError(f"{where}: grow.speculate: {speculate!r} is not true or false")
    increments = _amounts(block.get("increments"), config, f"{where}: grow.increments")
    _check_layers(increments, config, f"{where}: grow.increments")
    single = isinstance(block.get("multiples"), Mapping)
    return GrowthSettings(
        increments=increments,
        multiples=1 if single else _whole(block, "multiples", 1, 1, where),
        multiples_of=_multiples(block["multiples"], increments, where) if single else {},
        repeats=repeats,
        seed=_whole(block, "seed", config.get("seed", 1337), 0, where),
        steps=_whole(block, "steps", 20_000, 0, where),
        on_stall=None if on_stall is None else _raises(on_stall, config, f"{where}: grow.on_stall"),
        max_repeats=None if racing_settings is None else racing_settings.max_seeds,
        within=DEFAULT_WITHIN if racing_settings is None else racing_settings.within,
        duplication=duplication,
        speculate=speculate,
    )


def _whole(block: Mapping[str, Any], key: str, default: int, least: int, where: str) -> int:
    return check_whole(block.get(key, default), f"{where}: grow.{key}", least, MAX_FACTORS.get(key, MAX_AMOUNT))


def _multiples(block: Mapping[str, Any], increments: Mapping[str, float], where: str) -> dict[str, int]:
    """`{n_embd: 3, model.depth: 2}`; the parameters that are not named have one."""
    given = flattened(block)
    for name, value in given.items():
        if name not in increments:
            raise UsageError(f"{where}: grow.multiples: there is no increment {name!r}{nearest(name, increments)}")
        check_whole(value, f"{where}: grow.multiples.{name}", 1, MAX_FACTORS["multiples"])
    return given


def _amounts(block: object, config: Mapping[str, Any], where: str) -> dict[str, float]:
    if not isinstance(block, Mapping) or not block:
        raise UsageError(f"{where}: {block!r} is not a mapping of parameters to amounts")
    amounts, flat = flattened(block), flattened(config)
    for name, amount in amounts.items():
        if name not in config and name not in flat:
            raise UsageError(
                f"{where}: there is no parameter {name!r} in the config, whose value growth begins from"
                + nearest(name, flat)
            )
        if isinstance(amount, bool) or not isinstance(amount, int | float) or not 0 < amount <= MAX_AMOUNT:
            raise UsageError(f"{where}.{name}: {amount!r} is not a number above zero and at most {MAX_AMOUNT:,}")
        if is_layers(name) and amount != int(amount):
            raise UsageError(f"{where}.{name}: {amount!r} is not a whole number of layers")
        own = named_value(config, name)
        values = own if isinstance(own, list) else [own]
        if not values or any(isinstance(each, bool) or not isinstance(each, int | float) for each in values):
            raise UsageError(f"{where}.{name}: {own!r} in the config is not a number that can grow")
    return amounts


def _raises(block: object, config: Mapping[str, Any], where: str) -> dict[str, float]:
    """What a stall raises: single numbers."""
    amounts = _amounts(block, config, where)
    for name in amounts:
        if isinstance(own := named_value(config, name), list):
            raise UsageError(f"{where}.{name}: {own!r} in the config is a list: a stall raises single numbers")
    return amounts


def _check_layers(increments: Mapping[str, float], config: Mapping[str, Any], where: str) -> None:
    """A number of layers is one number; with per-layer lists beside it, there is a layer to copy."""
    for name in filter(is_layers, increments):
        path = path_of(name, config)
        assert path is not None
        own, lists = named_value(config, name), layer_lists(config, path)
        if isinstance(own, list) or (lists and not isinstance(own, int)):
            raise UsageError(f"{where}.{name}: {own!r} in the config is not a whole number of layers")
        if lists and own < 1:
            raise UsageError(
                f"{where}.{name}: {own!r} in the config has no layer to copy: beside a list …{PER_LAYER_SUFFIX}, layers"
                " grow from 1 on"
            )
