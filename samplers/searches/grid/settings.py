"""The `grid:` block of a definition, checked against the configuration that it varies.

An axis or derived name is set in the config of every point; the config need not have it. A name that the config does
not have and that an expression uses is a helper, which never reaches the objective, unless `pass` lists it. With
`groups`, each group is a grid of its own over the same config, with its own axes and all that belongs to them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from samplers.searches.grid.axes import parse_axis
from samplers.searches.grid.relations import Relations, parse_relations
from samplers.searches.plan import MAX_SEED, Config
from samplers.searches.race.purchases import Allowance
from samplers.searches.race.settings import parse_racing
from storage.checks import check_keys, check_whole
from storage.errors import UsageError, nearest

BLOCK_KEYS = ("axes", "derive", "where", "zip", "when", "pass")
"""Keys of the grid, or of each of its groups."""
GRID_KEYS = (*BLOCK_KEYS, "groups", "repeats", "seed", "order", "racing")
GROUP_KEYS = (*BLOCK_KEYS, "config")
SEED_ORDERS = ("inner", "outer")

MAX_GRID_POINTS = 10_000_000
"""Of a grid before any filter, all seeds counted."""
MAX_RACED_POINTS = 10_000
"""The same of a grid whose settings race: every decision of the race reads all of them."""


@dataclass(frozen=True)
class Dimension:
    """One axis, or several that move together (`zip`)."""

    axes: Mapping[str, Sequence[Any]]
    length: int


@dataclass(frozen=True)
class Block(Relations):
    """One grid over one configuration."""

    dimensions: tuple[Dimension, ...]
    """The last one changes fastest from combination to combination."""
    size: int
    """Combinations, before any filter."""

    @property
    def names(self) -> list[str]:
        """Axes, then derived names, in the order of the definition."""
        return [*(name for each in self.dimensions for name in each.axes), *self.derive]


@dataclass(frozen=True)
class GridSettings:
    """All blocks, and the seeds of every setting: seed, seed + 1, …"""

    blocks: tuple[Block, ...]
    repeats: int = 1
    seed: int = 1337
    outer: bool = False
    """Whether every setting runs with its first seed before any runs with its second."""
    racing: Allowance | None = None
    """How many seeds the best settings may get, and when more are not worth it; None: as many as all others."""

    @property
    def max_seeds(self) -> int:
        """Seeds that a setting may have."""
        return self.repeats if self.racing is None else self.racing.max_seeds

    @property
    def size(self) -> int:
        """Combinations of all blocks, before any filter."""
        return sum(block.size for block in self.blocks)

    def setting_and_repeat(self, index: int) -> tuple[int, int]:
        """The number of a point's combination, and which of its seeds the point has.

        Seeds are inside (all seeds of a combination, then the next combination) or outside (all combinations with the
        first seed, then all with the second). With 3 combinations and 2 seeds:

            point      0      1      2      3      4      5
            inner    0, 0   0, 1   1, 0   1, 1   2, 0   2, 1
            outer    0, 0   1, 0   2, 0   0, 1   1, 1   2, 1

        >>> grid = {"axes": {"x": [1, 2, 3]}, "repeats": 2}
        >>> inner = parse_grid(grid, {"x": 1}, "example")
        >>> outer = parse_grid({**grid, "order": {"seeds": "outer"}}, {"x": 1}, "example")
        >>> inner.setting_and_repeat(4), outer.setting_and_repeat(4)
        ((2, 0), (1, 1))
        """
        if self.outer:
            repeat, number = divmod(index, self.size)
        else:
            number, repeat = divmod(index, self.repeats)
        return number, repeat


def parse_grid(given: Mapping[str, Any], config: Config, where: str) -> GridSettings:
    """The block as settings. A key that is null counts as missing.

    Raises:
        UsageError: A key is unknown, a value out of its range, or a name in no axis, derivation or config.
    """
    block = _keys(given, GRID_KEYS, f"{where}: grid")
    where = f"{where}: grid"
    base = {name: value for name, value in config.items() if name != "seed"}
    repeats = _whole(block, "repeats", 1, 1, MAX_GRID_POINTS, where)
    if "groups" in block:
        beside = next((key for key in BLOCK_KEYS if key in block), None)
        if beside is not None:
            raise UsageError(f"{where}.{beside}: cannot stand beside `groups`; move it into each group")
        groups = block["groups"]
        if not isinstance(groups, list) or not groups:
            raise UsageError(f"{where}.groups: {groups!r} is not a list of grids")
        blocks = [_group(each, base, f"{where}.groups[{index}]") for index, each in enumerate(groups)]
    else:
        blocks = [_block(block, base, where)]
    size = sum(each.size for each in blocks) * repeats
    if size > MAX_GRID_POINTS:
        raise UsageError(f"{where}: {size:.4g} points before any filter; {MAX_GRID_POINTS:,} are allowed")
    racing = parse_racing(block["racing"], repeats, f"{where}.racing") if "racing" in block else None
    if racing is not None and size > MAX_RACED_POINTS:
        raise UsageError(f"{where}.racing: {size:,} points before any filter; {MAX_RACED_POINTS:,} can race")
    most = repeats if racing is None else racing.max_seeds
    return GridSettings(
        tuple(blocks),
        repeats,
        _whole(block, "seed", config.get("seed", 1337), 0, MAX_SEED - most, where),
        _outer(block.get("order", {}), where),
        racing,
    )


def _keys(given: object, allowed: Sequence[str], where: str) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise UsageError(f"{where}: {given!r} is not a mapping")
    check_keys(given, allowed, where)
    return {key: value for key, value in given.items() if value is not None}


def _whole(block: Mapping[str, Any], key: str, default: int, least: int, most: int, where: str) -> int:
    return check_whole(block.get(key, default), f"{where}.{key}", least, most)


def _outer(order: object, where: str) -> bool:
    seeds = _keys(order, ("seeds",), f"{where}.order").get("seeds", "inner")
    if seeds not in SEED_ORDERS:
        raise UsageError(f"{where}.order.seeds: {seeds!r}{nearest(seeds, SEED_ORDERS)}")
    return bool(seeds == "outer")


def _group(given: object, base: Config, where: str) -> Block:
    group = _keys(given, GROUP_KEYS, where)
    own = group.get("config", {})
    if not isinstance(own, Mapping) or "seed" in own:
        raise UsageError(f"{where}.config: {own!r} is not a mapping of keys (without seed) to values")
    return _block(group, {**base, **own}, where)


def _block(block: Mapping[str, Any], config: Config, where: str) -> Block:
    given = block.get("axes")
    if not isinstance(given, Mapping) or not given:
        raise UsageError(f"{where}.axes: " + ("is missing" if given is None else f"{given!r} names no axis"))
    axes = {name: parse_axis(values, f"{where}.axes.{name}") for name, values in given.items()}
    relations = parse_relations(block, config, axes, where)
    dimensions = _dimensions(axes, block.get("zip", []), where)
    return Block(
        **{each.name: getattr(relations, each.name) for each in fields(relations)},
        dimensions=dimensions,
        size=math.prod(each.length for each in dimensions),
    )


def _dimensions(axes: Mapping[str, Sequence[Any]], zips: object, where: str) -> tuple[Dimension, ...]:
    """One dimension for each axis or zip, in the order of their first axis."""
    if not isinstance(zips, list) or not all(
        isinstance(each, list) and len(each) > 1 and all(isinstance(name, str) for name in each) for each in zips
    ):
        raise UsageError(f"{where}.zip: {zips!r} is not a list of lists of axes, like [[n_layer, n_embd]]")
    together: dict[str, list[str]] = {}
    for names in zips:
        for name in names:
            if name not in axes:
                raise UsageError(f"{where}.zip: there is no axis {name!r}{nearest(name, axes)}")
            if name in together:
                raise UsageError(f"{where}.zip: {name!r} is listed twice")
            together[name] = names
        if len({len(axes[name]) for name in names}) > 1:
            lengths = ", ".join(f"{name} has {len(axes[name])}" for name in names)
            raise UsageError(f"{where}.zip: axes that move together need the same number of values: {lengths}")
    dimensions = []
    for name, values in axes.items():
        names = together.get(name, [name])
        first = min(names, key=list(axes).index)
        if name == first:
            dimensions.append(Dimension({each: axes[each] for each in axes if each in names}, len(values)))
    return tuple(dimensions)
