"""`laptop:`: keys of a definition with a small budget's values, which `run --laptop` lays over the file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from objectives.named_keys import named_keys
from samplers.searches.blocks import block_keys
from samplers.searches.new_names import refusal
from storage.checks import check_keys
from storage.errors import UsageError
from studies.definition.models import models_located

OWN_KEYS = ("attempts", "timeout", "memory_limit", "pruner")
"""Keys of the file that the block may have, beside the config and the search's block."""

Block = Mapping[str, Any]


def parse_laptop(block: object, search: str, where: str) -> Block:
    """The block as it stands, with its keys checked; empty where there is none.

    Raises:
        UsageError: It is no mapping, or a key is unknown.
    """
    if block is None:
        return {}
    parts = ("config", search)
    if not isinstance(block, dict) or not block:
        raise UsageError(f"{block!r} is not a mapping with `config:` or `{search}:`", where)
    check_keys(block, (*parts, *OWN_KEYS), where)
    for name in parts:
        if not isinstance(block.get(name, {}), dict):
            raise UsageError(f"{block[name]!r} is not a mapping", f"{where}: {name}")
    check_keys(block.get(search, {}), block_keys(search), f"{where}: {search}")
    return block


def check_laptop_config(block: Block, config: Block, objective: str, where: str) -> None:
    """Check that the config has the keys that the block gives it, or that the objective may read them.

    Raises:
        UsageError: One is probably misspelt, or the objective reads no such key.
    """
    named = named_keys(objective)
    for name in block.get("config", {}):
        reason = None if name in config else refusal(name, config, named.keys, named.closed)
        if reason is not None:
            raise UsageError(f"there is no key {name!r}; {reason}", f"{where}: config")


def located_in(block: Block, search: str, objective: str, folder: Path) -> Block:
    """With the whole path of every model's file that it names, relative to `folder`."""
    config, settings = models_located(objective, (block.get("config", {}), block.get(search, {})), folder)
    return {name: {"config": config, search: settings}.get(name, value) for name, value in block.items()}


def laid_over(document: Block, block: Block) -> dict[str, Any]:
    """A definition's document with the block over it: each key replaces the document's whole value. Keys of the config
    and of the search's block are laid one by one."""
    made = dict(document)
    for name, value in block.items():
        made[name] = value if name in OWN_KEYS else {**document.get(name, {}), **value}
    return made
