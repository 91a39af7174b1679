"""The `depth:` block of a definition: which targets, on which widths (or depths), between which bounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from storage.checks import check_keys, check_whole
from storage.errors import UsageError, nearest

SOLVE = ("layers", "width")
COMMON_KEYS = ("targets", "num_heads", "solve", "verify", "keys")
SOLVE_KEYS = {
    "layers": ("widths", "min_layers", "max_layers", "uniform"),
    "width": ("layers", "min_width", "max_width", "width_step"),
}
"""Keys that are used with one value of `solve` only."""
DEPTH_KEYS = (*COMMON_KEYS, *SOLVE_KEYS["layers"], *SOLVE_KEYS["width"])
VERIFY_KEYS = ("batch_size", "seq_length")
CONFIG_NAMES = {"layers": "n_layer", "width": "n_embd", "heads": "n_head"}

MAX_LAYERS = 10_000
MAX_WIDTH = 2**24
MAX_PARAMS = 2**53
"""Counts come back as floating point numbers: up to here they are exact."""
MAX_LIST_LENGTH = 10_000
"""Targets, widths or depths in one study, and values between the bounds of a width."""
AUTOMATIC_WIDTHS = 20


@dataclass(frozen=True)
class DepthSettings:
    """What is solved for, and between which bounds: index i of the range stands for the value low + i · step."""

    targets: tuple[int, ...]
    solve: str
    fixed: tuple[int, ...]
    """The widths whose numbers of layers are wanted; with `solve: width`, the depths whose widths are."""
    low: int
    step: int
    last: int
    """The range's last index, counted from 0."""
    num_heads: int
    verify: Mapping[str, int] | None
    """Sizes of the training step at each answer, by their key in the config; None: no training step."""
    uniform: bool | None
    """Whether the definition says that counts lie on a line in the number of layers; None: it leaves that open."""
    names: Mapping[str, str | None]
    """The key of the config for `layers`, `width` and `heads`; `heads: null` sets none."""

    def value(self, index: int) -> int:
        return self.low + index * self.step

    def shape(self, fixed: int, index: int) -> tuple[int, int]:
        """Layers and width at an index of the range.

        With widths 8 and 16 and 3 … 9 layers, index 2 of width 16 is 5 layers of width 16:

        >>> settings = parse_settings({"targets": 70, "widths": [8, 16], "min_layers": 3, "max_layers": 9}, "example")
        >>> settings.shape(16, 2)
        (5, 16)
        """
        value = self.value(index)
        return (value, fixed) if self.solve == "layers" else (fixed, value)


def parse_settings(block: Mapping[str, Any], where: str) -> DepthSettings:
    """The block as settings.

    Raises:
        UsageError: A key is unknown, or a value out of its range.
    """
    here = f"{where}: depth"
    check_keys(block, DEPTH_KEYS, here)
    solve = block.get("solve", "layers")
    if solve not in SOLVE:
        raise UsageError(f"{here}.solve: {solve!r} is not one of {', '.join(SOLVE)}{nearest(str(solve), SOLVE)}")
    for key in block:
        if key not in (*COMMON_KEYS, *SOLVE_KEYS[solve]):
            raise UsageError(f"{here}.{key}: is not used with `solve: {solve}`{nearest(key, SOLVE_KEYS[solve])}")
    names = _config_names(block.get("keys", {}), here)
    heads = _size(block.get("num_heads", 8), f"{here}.num_heads", MAX_WIDTH)
    divisor = heads if names["heads"] is not None else 1
    if solve == "layers":
        low = _size(block.get("min_layers", 1), f"{here}.min_layers", MAX_LAYERS)
        high = _size(block.get("max_layers", 100), f"{here}.max_layers", MAX_LAYERS)
        step, fixed = 1, _widths(block.get("widths", "auto"), heads, divisor, f"{here}.widths")
    else:
        step = _width(block.get("width_step", 2 * heads), divisor, f"{here}.width_step")
        low = _width(block.get("min_width", step), divisor, f"{here}.min_width")
        high = _size(block.get("max_width", low + 200 * step), f"{here}.max_width", MAX_WIDTH)
        fixed = _sizes(block.get("layers"), f"{here}.layers", MAX_LAYERS)
    if low > high:
        raise UsageError(f"{here}: min_{solve} {low} is above max_{solve} {high}")
    last = (high - low) // step
    if last >= MAX_LIST_LENGTH:
        raise UsageError(f"{here}: {last + 1:,} widths between the bounds are too many; {MAX_LIST_LENGTH:,} at most")
    return DepthSettings(
        targets=_sizes(block.get("targets"), f"{here}.targets", MAX_PARAMS),
        solve=solve,
        fixed=fixed,
        low=low,
        step=step,
        last=last,
        num_heads=heads,
        verify=_verify(block.get("verify", False), f"{here}.verify"),
        uniform=_optional_bool(block.get("uniform"), f"{here}.uniform"),
        names=names,
    )


def _optional_bool(value: object, where: str) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise UsageError(f"{where}: {value!r} is not true or false")
    return value


def _size(value: object, where: str, most: int) -> int:
    return check_whole(value, where, 1, most)


def _sizes(value: object, where: str, most: int) -> tuple[int, ...]:
    """One whole number, or a list of different ones."""
    if value is None:
        raise UsageError(f"{where}: is missing; give a list of whole numbers")
    values = value if isinstance(value, list | tuple) else [value]
    if not values:
        raise UsageError(f"{where}: the list is empty; give one or more whole numbers")
    if len(values) > MAX_LIST_LENGTH:
        raise UsageError(f"{where}: {len(values):,} values are too many; {MAX_LIST_LENGTH:,} at most")
    sizes = tuple(_size(each, where, most) for each in values)
    seen: set[int] = set()
    for size in sizes:
        if size in seen:
            raise UsageError(f"{where}: {size} is listed twice")
        seen.add(size)
    return sizes


def _widths(value: object, heads: int, divisor: int, where: str) -> tuple[int, ...]:
    if value == "auto":
        return tuple(2 * heads * multiple for multiple in range(1, AUTOMATIC_WIDTHS + 1))
    if isinstance(value, str):
        raise UsageError(f"{where}: {value!r} is neither `auto` nor a list of whole numbers")
    return tuple(_width(each, divisor, where) for each in _sizes(value, where, MAX_WIDTH))


def _width(value: object, divisor: int, where: str) -> int:
    width = _size(value, where, MAX_WIDTH)
    if width % divisor:
        below = width // divisor * divisor
        near = f"multiples are {below} and {below + divisor}" if below else f"multiple is {divisor}"
        raise UsageError(f"{where}: num_heads {divisor} does not divide {width}; the nearest {near}")
    return width


def _verify(value: object, where: str) -> Mapping[str, int] | None:
    if isinstance(value, bool):
        return {} if value else None
    if not isinstance(value, Mapping):
        raise UsageError(f"{where}: {value!r} is not true, false or {{batch_size: N, seq_length: N}}")
    check_keys(value, VERIFY_KEYS, where)
    return {key: _size(each, f"{where}.{key}", MAX_WIDTH) for key, each in value.items()}


def _config_names(value: object, where: str) -> Mapping[str, str | None]:
    if not isinstance(value, Mapping):
        raise UsageError(f"{where}.keys: {value!r} is not a mapping like {CONFIG_NAMES}")
    check_keys(value, CONFIG_NAMES, f"{where}.keys")
    for key, name in value.items():
        if not (isinstance(name, str) and name) and not (key == "heads" and name is None):
            raise UsageError(f"{where}.keys.{key}: {name!r} is not the name of a key of the config")
    names = {**CONFIG_NAMES, **value}
    given = [name for name in names.values() if name is not None]
    if len(set(given)) < len(given):
        raise UsageError(f"{where}.keys: {', '.join(given)}: each needs a key of its own")
    return names
