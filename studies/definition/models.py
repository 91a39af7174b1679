"""Which files a definition means, wherever it is run from: `model: FILE.py:function` of the objective `parameters`, and
`sampler: FILE.py:Class` of a `tune`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from objectives.reference import located, same_objective

MODEL_OBJECTIVE = "parameters"
"""The objective whose config may name a model."""

Blocks = tuple[Mapping[str, Any], Mapping[str, Any]]
"""A definition's config, and its search's block."""


def models_located(objective: str, blocks: Blocks, folder: Path) -> Blocks:
    """With the whole path of every model's and sampler's file, as an objective's has: relative to `folder`."""
    return _changed(objective, blocks, lambda text: located(text, folder))


def models_as_stored(objective: str, blocks: Blocks, stored: Blocks) -> Blocks:
    """With the stored path of each of them that is the same file and name, lying elsewhere on this host."""
    known: list[str] = []

    def note(text: str) -> str:
        known.append(text)
        return text

    _changed(objective, stored, note)
    return _changed(objective, blocks, lambda text: next((each for each in known if same_objective(each, text)), text))


def _changed(objective: str, blocks: Blocks, change: Callable[[str], str]) -> Blocks:
    config, settings = blocks
    settings = _with_sampler(settings, change)
    if objective != MODEL_OBJECTIVE:
        return config, settings
    return _config(config, change), _block(settings, change)


def _with_sampler(block: Mapping[str, Any], change: Callable[[str], str]) -> Mapping[str, Any]:
    """`sampler: NAME`, or with its arguments `sampler: {name: NAME, …}`."""
    match block.get("sampler"):
        case str() as name:
            return {**block, "sampler": change(name)}
        case {"name": str() as name, **arguments}:
            return {**block, "sampler": {"name": change(name), **arguments}}
    return block


def _config(config: Mapping[str, Any], change: Callable[[str], str]) -> Mapping[str, Any]:
    """`model: NAME`, or as an axis `model: [NAME, …]`."""
    match config.get("model"):
        case str() as name:
            return {**config, "model": change(name)}
        case list() as names:
            return {**config, "model": [change(name) if isinstance(name, str) else name for name in names]}
    return config


def _block(block: Mapping[str, Any], change: Callable[[str], str]) -> Mapping[str, Any]:
    """A grid names models in its axes, and in each of its groups."""
    made = {**block}
    for key in ("axes", "config"):
        if isinstance(block.get(key), Mapping):
            made[key] = _config(block[key], change)
    if isinstance(block.get("groups"), list):
        made["groups"] = [_block(each, change) if isinstance(each, Mapping) else each for each in block["groups"]]
    return made
