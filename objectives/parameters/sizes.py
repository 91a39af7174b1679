"""The sizes from which a closed form estimates a model's parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DEFAULT_POSITIONS = 2048  # of a config that does not give max_position_embeddings


@dataclass(frozen=True)
class Sizes:
    """The closed form's inputs."""

    vocab_size: int
    positions: int
    n_layer: int
    n_embd: int


def usual_sizes(config: Mapping[str, Any]) -> Sizes | None:
    """The sizes under a config's usual names; None if one is missing."""
    usual = {"n_layer": None, "n_embd": None, "vocab_size": None, "max_position_embeddings": DEFAULT_POSITIONS}
    found = {key: config.get(key, default) for key, default in usual.items()}
    if not all(isinstance(each, int) for each in found.values()):
        return None
    return Sizes(found["vocab_size"], found["max_position_embeddings"], found["n_layer"], found["n_embd"])


def plain(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """A copy of a config as JSON carries it, so that a user's function may change it."""
    copied: Mapping[str, Any] = json.loads(json.dumps(config))
    return copied
