"""What the closed form of a model's parameters needs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

POSITIONS = 2048
"""Where a config does not say how many positions there are."""


@dataclass(frozen=True)
class Sizes:
    """What the closed form needs."""

    vocab_size: int
    positions: int
    n_layer: int
    n_embd: int


def told_sizes(config: Mapping[str, Any]) -> Sizes | None:
    """The closed form's sizes, from the usual names; None if one of them is missing."""
    usual = {"n_layer": None, "n_embd": None, "vocab_size": None, "max_position_embeddings": POSITIONS}
    found = {key: config.get(key, default) for key, default in usual.items()}
    if not all(isinstance(each, int) for each in found.values()):
        return None
    return Sizes(found["vocab_size"], found["max_position_embeddings"], found["n_layer"], found["n_embd"])


def plain(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """As it is after a way through JSON: a function of the user's may change it."""
    copied: Mapping[str, Any] = json.loads(json.dumps(config))
    return copied
