"""The number of layers as a parameter that grows, and the lists beside it that have a value for each layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from samplers.searches.nested import Path, value_at

LAYERS = "n_layer"
PER_LAYER_SUFFIX = "_layerlist"


def is_layers(param: str) -> bool:
    """Whether a parameter, by its dotted name, is a number of layers."""
    return param.rpartition(".")[2] == LAYERS


def layer_lists(config: Mapping[str, Any], path: Path) -> dict[str, list[Any]]:
    """The per-layer lists beside a number of layers, by their names."""
    return {
        name: value
        for name, value in value_at(config, path[:-1]).items()
        if name.endswith(PER_LAYER_SUFFIX) and isinstance(value, list) and value
    }
