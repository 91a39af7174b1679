"""Names that a config lacks: which of them the objective is given, and which are misspelt."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from samplers.searches.grid.relations import expression_names
from samplers.searches.nested import flattened, path_of
from samplers.searches.spelling import misspelt
from storage.errors import UsageError, nearest

Block = Mapping[str, Any]
AXES = {"grid": "axes", "tune": "space"}
"""The key of a search's block that names what is varied."""


def refusal(name: str, config: Block, named: Collection[str], closed: bool) -> str | None:
    """Why a name that the config lacks is refused, as the end of a line; None: it is a key of its own.

    Args:
        named: The keys that the objective names.
        closed: Whether it certainly reads no other key.
    """
    if _is_named(name, named):
        return None
    known = sorted({*flattened(config), *config, *named})
    if closed:
        return f"the objective reads no such key{nearest(name, known)}"
    meant = misspelt(name, known)
    return None if meant is None else f"did you mean {meant!r}?"


def with_new_names(
    block: Block, config: Block, named: Collection[str], closed: bool, where: str, search: str = "grid"
) -> Block:
    """A grid's or tune's block, with the names that only its expressions use and that the objective names in `pass`.

    It is kept with the study, so that one that has begun does not depend on the objective's source.

    Raises:
        UsageError: A name is neither in the config nor named by the objective, and is probably misspelt.
    """
    made = []
    for given, base, place in blocks_of(block, config, where, search):
        new = [name for key in (AXES[search], "derive") for name in _names(given, key) if _is_new(name, base)]
        used = expression_names(given) if new else set()
        for key in (AXES[search], "derive"):
            for name in _names(given, key):
                if name in new and name not in used:
                    check_new(name, base, named, closed, f"{place}.{key}")
        passed = [name for name in new if name in used and _is_named(name, named)]
        made.append(_with_pass(given, passed))
    groups = block.get("groups")
    if not isinstance(groups, list):
        return made[0]
    own = iter(made[1:])
    return {**made[0], "groups": [next(own) if isinstance(each, Mapping) else each for each in groups]}


def without_pass(block: Block) -> Block:
    """A grid's block as it was before names were passed."""
    made = {key: value for key, value in block.items() if key != "pass"}
    groups = made.get("groups")
    if isinstance(groups, list):
        made["groups"] = [without_pass(each) if isinstance(each, Mapping) else each for each in groups]
    return made


def check_new(name: str, config: Block, named: Collection[str], closed: bool, where: str) -> None:
    """Check a name of a block that may be new to the config.

    Raises:
        UsageError: It is, and probably misspelt.
    """
    reason = refusal(name, config, named, closed) if _is_new(name, config) else None
    if reason is not None:
        raise UsageError(f"{name!r} is not in the config; {reason} (a key of its own: put it into the config)", where)


def blocks_of(block: Block, config: Block, where: str, search: str) -> Iterator[tuple[Block, Block, str]]:
    """A search's own block, then a grid's groups, each with the config that it varies and its place for messages."""
    yield block, config, f"{where}: {search}"
    groups = block.get("groups")
    for index, group in enumerate(groups if isinstance(groups, list) else ()):
        if isinstance(group, Mapping):
            own = group.get("config")
            base = {**config, **own} if isinstance(own, Mapping) else config
            yield group, base, f"{where}: grid.groups[{index}]"


def _is_named(name: str, named: Collection[str]) -> bool:
    """Whether the objective names it, or the mapping that it lies in."""
    return name in named or name.partition(".")[0] in named


def _is_new(name: str, config: Block) -> bool:
    return name != "seed" and path_of(name, config) is None


def _names(block: Block, key: str) -> Sequence[str]:
    given = block.get(key)
    return [str(name) for name in given] if isinstance(given, Mapping) else []


def _with_pass(block: Block, passed: Sequence[str]) -> Block:
    given = block.get("pass") or []
    if not passed or not isinstance(given, list):
        return block
    return {**block, "pass": list(dict.fromkeys([*given, *passed]))}
