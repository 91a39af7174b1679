"""Values that `--set` cannot give: where the search would not look for them, and keys that only the file has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from samplers.searches.depth.settings import CONFIG_NAMES
from storage.errors import UsageError
from studies.definition.assignments import Path

Block = Mapping[str, Any]


def check_effect(search: str, settings: Block, path: Path, text: str) -> None:
    """Check that the config's value at `path` reaches a trial.

    Args:
        search: The definition's.
        settings: The search's block, with all that `--set` changes in it.
        path: Into the config.
        text: `KEY=VALUE` as typed.

    Raises:
        UsageError: The search sets that key itself in every trial; the message says what to set instead.
    """
    value = text.partition("=")[2].strip()
    instead = next(_instead(search, settings, path, value), None)
    if instead is not None:
        raise UsageError(instead, "--set")


def not_settable(search: str, path: Path, text: str, searches: Sequence[str]) -> str:
    """Why `--set` does not change a key of the file itself; `searches` are those that there are."""
    key = path[0]
    if key == "config":
        return f"{text!r}: a key of the config is set under its own name: --set {text.removeprefix('config.')}"
    if key == search:
        return f"{text!r}: the keys of the block are set one by one: --set {search}.KEY=VALUE"
    if key in searches:
        return f"{text!r}: this is a {search} search, without a block {key!r}"
    if key == "search":
        return f"search: a study keeps its search, {search}; write another definition for a study of its own"
    if key == "laptop":
        return "laptop: a block of the file, which --laptop lays over it: change it there"
    return f"{key}: all results come from it, and the file names it: change it there"


def _instead(search: str, settings: Block, path: Path, value: str) -> Iterator[str]:
    if path == ("seed",) and settings.get("seed") is not None:
        yield f"seed: the seeds begin at {search}.seed; --set {search}.seed={value}"
    match search:
        case "grid":
            yield from _of_grid(settings, path, value)
        case "fit" if ".".join(map(str, path)) == settings.get("axis") and {"low", "high"} <= settings.keys():
            yield f"{settings['axis']} is the axis; --set fit.low=LOW and --set fit.high=HIGH"
        case "depth":
            yield from _of_depth(settings, path, value)


def _of_grid(settings: Block, path: Path, value: str) -> Iterator[str]:
    """A grid of groups: only if every group sets the key."""
    groups = settings.get("groups")
    blocks = {f"grid.groups[{index}]": each for index, each in enumerate(groups)} if groups else {"grid": settings}
    found = [_of_block(block, where, path, value) for where, block in blocks.items()]
    if found and None not in found:
        yield str(found[0])


def _of_block(block: object, where: str, path: Path, value: str) -> str | None:
    """What to set in place of the key, if the block sets it in every point."""
    if not isinstance(block, Mapping):
        return None
    axis = _name_of(path, [name for name in _mapping(block, "axes") if name not in _mapping(block, "when")])
    if axis is not None:
        return (
            f"{axis} is an axis; --set {_assignment(where, 'axes', axis, value if value[:1] == '[' else f'[{value}]')}"
        )
    derived = _name_of(path, list(_mapping(block, "derive")))
    if derived is not None:
        return f"{derived} is derived; --set {_assignment(where, 'derive', derived, value)}"
    own = _name_of(path, list(_mapping(block, "config")))
    return None if own is None else f"{own} is set by each group; --set {_assignment(where, 'config', own, value)}"


def _mapping(block: Block, key: str) -> Block:
    value = block.get(key)
    return value if isinstance(value, Mapping) else {}


def _name_of(path: Path, names: Sequence[str]) -> str | None:
    """The name that is at `path`, or that it lies below. A name may have dots."""
    dotted = ".".join(map(str, path))
    return next((name for name in names if dotted == name or dotted.startswith(f"{name}.")), None)


def _assignment(where: str, part: str, name: str, value: str) -> str:
    """A name with dots is no path."""
    return f"{where}.{part}='{{{name}: {value}}}'" if "." in name else f"{where}.{part}.{name}={value}"


def _of_depth(settings: Block, path: Path, value: str) -> Iterator[str]:
    names = {**CONFIG_NAMES, **_mapping(settings, "keys")}
    instead = {
        "layers": {"layers": "min_layers=LOW and --set depth.max_layers=HIGH", "width": f"widths=[{value}]"},
        "width": {"layers": f"layers=[{value}]", "width": "min_width=LOW and --set depth.max_width=HIGH"},
    }[str(settings.get("solve", "layers"))]
    for what, assignment in {**instead, "heads": f"num_heads={value}"}.items():
        if ".".join(map(str, path)) == names[what]:
            yield f"{names[what]} is set by the search in every trial; --set depth.{assignment}"
