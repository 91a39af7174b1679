"""What a growth step tries: one configuration for each parameter, multiple and, where it matters, layer to copy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from samplers.searches.growth.settings import GrowthSettings

LAYERS = "n_layer"
PER_LAYER = "_layerlist"


@dataclass(frozen=True)
class Candidate:
    """One step up from the baseline."""

    param: str
    """As a person says it: `n_head`, or `n_head_layerlist[1]`."""
    value: Any
    config: Mapping[str, Any]
    copied: int | None = None
    """For `n_layer`: the layer that the new one copies."""


def candidates(config: Mapping[str, Any], settings: GrowthSettings) -> Iterator[Candidate]:
    """In the order of the definition: parameter, then multiple, then element or layer."""
    for param, increment in settings.increments.items():
        for multiple in range(1, settings.multiples + 1):
            amount = increment * multiple
            if param == LAYERS:
                yield from _deeper(config, int(amount), settings.duplication)
            elif isinstance(config[param], list):
                for index, old in enumerate(config[param]):
                    grown = [*config[param][:index], old + amount, *config[param][index + 1 :]]
                    yield Candidate(f"{param}[{index}]", old + amount, {**config, param: grown})
            else:
                value = config[param] + amount
                yield Candidate(param, value, {**config, param: value})


def _deeper(config: Mapping[str, Any], added: int, duplication: str) -> Iterator[Candidate]:
    """New layers copy a layer of every per-layer list. Lists are cycled over the layers, so a list of another length is
    first written out. Without such lists all copies are the same configuration: there is one candidate."""
    layers = config[LAYERS]
    lists = {
        name: value for name, value in config.items() if name.endswith(PER_LAYER) and isinstance(value, list) and value
    }
    each = duplication == "each" and lists
    for copied in range(layers) if each else [max(0, (layers - 1) // 2)]:
        grown = {**config, LAYERS: layers + added}
        for name, value in lists.items():
            whole = [value[index % len(value)] for index in range(layers)]
            grown[name] = [*whole[: copied + 1], *[whole[copied]] * added, *whole[copied + 1 :]]
        yield Candidate(LAYERS, layers + added, grown, copied)
