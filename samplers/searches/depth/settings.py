"""The `depth:` block of a definition: which targets, on which widths (or depths), between which bounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from storage.checks import known_keys, whole
from storage.errors import UsageError, nearest

SOLVED = ("layers", "width")
COMMON = ("targets", "num_heads", "solve", "verify", "keys")
OWN = {
    "layers": ("widths", "min_layers", "max_layers", "uniform"),
    "width": ("layers", "min_width", "max_width", "width_step"),
}
"""Keys that make sense for one of `solve` only."""
KEYS = (*COMMON, *OWN["layers"], *OWN["width"])
VERIFY = ("batch_size", "seq_length")
NAMES = {"layers": "n_layer", "width": "n_embd", "heads": "n_head"}

MOST_LAYERS = 10_000
MOST_VALUES = 10_000
"""Targets, widths or depths in one study; places between the bounds of a width."""
WIDEST = 2**24
MOST_PARAMS = 2**53
"""Counts come back as floating point numbers: up to here they are exact."""
AUTOMATIC = 20


@dataclass(frozen=True)
class DepthSettings:
    """What is solved for, and between which bounds: place i of the range stands for the value low + i · step."""

    targets: tuple[int, ...]
    solve: str
    fixed: tuple[int, ...]
    """The widths whose number of layers is wanted; with `solve: width`, the depths whose width is."""
    low: int
    step: int
    last: int
    """The range's last place, counted from 0."""
    num_heads: int
    verify: Mapping[str, int] | None
    """Sizes of the training step at each answer, by their key in the config; None: there is none."""
    uniform: bool | None
    """Whether counts are on a line in the number of layers, as the user says; None: nothing is said."""
    names: Mapping[str, str | None]
    """Keys of the config that are set, by what they say: `heads: null` sets none."""

    def value(self, place: int) -> int:
        return self.low + place * self.step

    def shape(self, fixed: int, place: int) -> tuple[int, int]:
        """Layers and width at a place of the range."""
        value = self.value(place)
        return (value, fixed) if self.solve == "layers" else (fixed, value)


def parse_settings(block: Mapping[str, Any], where: str) -> DepthSettings:
    """The block as settings.

    Raises:
        UsageError: A key is unknown, or a value out of its range.
    """
    here = f"{where}: depth"
    known_keys(block, KEYS, here)
    solve = block.get("solve", "layers")
    if solve not in SOLVED:
        raise UsageError(f"{here}.solve: {solve!r} is not one of {', '.join(SOLVED)}{nearest(str(solve), SOLVED)}")
    for key in block:
        if key not in (*COMMON, *OWN[solve]):
            raise UsageError(f"{here}.{key}: has no meaning with `solve: {solve}`{nearest(key, OWN[solve])}")
    names = _names(block.get("keys", {}), here)
    heads = _whole(block.get("num_heads", 8), f"{here}.num_heads", WIDEST)
    divisor = heads if names["heads"] is not None else 1
    if solve == "layers":
        low = _whole(block.get("min_layers", 1), f"{here}.min_layers", MOST_LAYERS)
        high = _whole(block.get("max_layers", 100), f"{here}.max_layers", MOST_LAYERS)
        step, fixed = 1, _widths(block.get("widths", "auto"), heads, divisor, f"{here}.widths")
    else:
        step = _wide(block.get("width_step", 2 * heads), divisor, f"{here}.width_step")
        low = _wide(block.get("min_width", step), divisor, f"{here}.min_width")
        high = _whole(block.get("max_width", low + 200 * step), f"{here}.max_width", WIDEST)
        fixed = _list(block.get("layers"), f"{here}.layers", MOST_LAYERS)
    if low > high:
        what = "layers" if solve == "layers" else "width"
        raise UsageError(f"{here}: min_{what} {low} is above max_{what} {high}")
    last = (high - low) // step
    if last >= MOST_VALUES:
        raise UsageError(f"{here}: {last + 1:,} widths between the bounds are too many; {MOST_VALUES:,} at most")
    return DepthSettings(
        targets=_list(block.get("targets"), f"{here}.targets", MOST_PARAMS),
        solve=solve,
        fixed=fixed,
        low=low,
        step=step,
        last=last,
        num_heads=heads,
        verify=_verify(block.get("verify", False), f"{here}.verify"),
        uniform=_said(block.get("uniform"), f"{here}.uniform"),
        names=names,
    )


def _said(value: object, where: str) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise UsageError(f"{where}: {value!r} is not true or false")
    return value


def _whole(value: object, where: str, most: int) -> int:
    return whole(value, where, 1, most)


def _list(value: object, where: str, most: int) -> tuple[int, ...]:
    """One whole number, or a list of different ones."""
    if value is None:
        raise UsageError(f"{where}: is missing; a list of whole numbers")
    values = value if isinstance(value, list | tuple) else [value]
    if not values:
        raise UsageError(f"{where}: the list is empty; one or more whole numbers")
    if len(values) > MOST_VALUES:
        raise UsageError(f"{where}: {len(values):,} values are too many; {MOST_VALUES:,} at most")
    read = tuple(_whole(each, where, most) for each in values)
    seen: set[int] = set()
    for each in read:
        if each in seen:
            raise UsageError(f"{where}: {each} is there twice")
        seen.add(each)
    return read


def _widths(value: object, heads: int, divisor: int, where: str) -> tuple[int, ...]:
    if value == "auto":
        return tuple(2 * heads * m for m in range(1, AUTOMATIC + 1))
    if isinstance(value, str):
        raise UsageError(f"{where}: {value!r} is neither `auto` nor a list of whole numbers")
    return tuple(_wide(each, divisor, where) for each in _list(value, where, WIDEST))


def _wide(value: object, divisor: int, where: str) -> int:
    width = _whole(value, where, WIDEST)
    if width % divisor:
        below = width // divisor * divisor
        raise UsageError(
            f"{where}: num_heads {divisor} does not divide {width}; the nearest that it divides: "
            f"{f'{below}, ' if below else ''}{below + divisor}"
        )
    return width


def _verify(value: object, where: str) -> Mapping[str, int] | None:
    if isinstance(value, bool):
        return {} if value else None
    if not isinstance(value, Mapping):
        raise UsageError(f"{where}: {value!r} is not true, false or {{batch_size: N, seq_length: N}}")
    known_keys(value, VERIFY, where)
    return {key: _whole(each, f"{where}.{key}", WIDEST) for key, each in value.items()}


def _names(value: object, where: str) -> Mapping[str, str | None]:
    if not isinstance(value, Mapping):
        raise UsageError(f"{where}.keys: {value!r} is not a mapping like {NAMES}")
    known_keys(value, NAMES, f"{where}.keys")
    for key, name in value.items():
        if not (isinstance(name, str) and name) and not (key == "heads" and name is None):
            raise UsageError(f"{where}.keys.{key}: {name!r} is not the name of a key of the config")
    names = {**NAMES, **value}
    given = [name for name in names.values() if name is not None]
    if len(set(given)) < len(given):
        raise UsageError(f"{where}.keys: {', '.join(given)}: each needs a key of its own")
    return names
