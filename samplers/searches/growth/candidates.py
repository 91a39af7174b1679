"""The candidates of a growth's round: the baseline with one parameter one step up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from samplers.searches.growth.layers import is_layers, layer_lists
from samplers.searches.growth.settings import GrowthSettings
from samplers.searches.nested import named_value, path_of, with_named, with_value
from samplers.searches.plan import Config, Point


@dataclass(frozen=True)
class Candidate:
    """One step up from the baseline."""

    param: str
    """The parameter's name for people: `n_head`, or `n_head_layerlist[1]`."""
    value: Any
    config: Config
    copied: int | None = None
    """For `n_layer`: the layer that the new layer copies."""


def candidates(config: Config, settings: GrowthSettings) -> Iterator[Candidate]:
    """Every candidate, ordered by parameter as defined, then multiple, then list element or copied layer.

    >>> settings = GrowthSettings({"n_head": 1, "sizes_layerlist": 16}, multiples=2)
    >>> [(each.param, each.value) for each in candidates({"n_head": 4, "sizes_layerlist": [32]}, settings)]
    [('n_head', 5), ('n_head', 6), ('sizes_layerlist[0]', 48), ('sizes_layerlist[0]', 64)]
    """
    for param, increment in settings.increments.items():
        own = named_value(config, param)
        for multiple in range(1, settings.multiples_of.get(param, settings.multiples) + 1):
            amount = increment * multiple
            if is_layers(param):
                yield from _with_more_layers(config, param, int(amount), settings.duplication)
            elif isinstance(own, list):
                for index, old in enumerate(own):
                    grown = [*own[:index], old + amount, *own[index + 1 :]]
                    yield Candidate(f"{param}[{index}]", old + amount, with_named(config, param, grown))
            else:
                yield Candidate(param, own + amount, with_named(config, param, own + amount))


def _with_more_layers(config: Config, param: str, added: int, duplication: str) -> Iterator[Candidate]:
    """A new layer copies one layer's element of every per-layer list beside `param`. A list is cycled over the layers,
    so one of another length is first written out. Without such lists all copies are equal: there is one candidate."""
    layers = named_value(config, param)
    path = path_of(param, config)
    assert path is not None
    lists = layer_lists(config, path)
    copy_each = duplication == "each" and lists
    for copied in range(layers) if copy_each else [max(0, (layers - 1) // 2)]:
        grown = with_value(config, path, layers + added)
        for name, value in lists.items():
            by_layer = [value[index % len(value)] for index in range(layers)]
            written = [*by_layer[: copied + 1], *[by_layer[copied]] * added, *by_layer[copied + 1 :]]
            grown = with_value(grown, (*path[:-1], name), written)
        yield Candidate(param, layers + added, grown, copied)


def baseline_role(step: int) -> dict[str, Any]:
    return {"role": "baseline", "step": step}


def candidate_role(candidate: Candidate, step: int) -> dict[str, Any]:
    copied = {} if candidate.copied is None else {"dup": candidate.copied}
    return {"role": "candidate", "step": step, "param": candidate.param, "value": candidate.value, **copied}


def points_of(config: Config, repeats: int, role: Mapping[str, Any], settings: GrowthSettings) -> list[Point]:
    """The configuration with each of its first `repeats` seeds."""
    params = shown_params(config, settings)
    seeds = range(settings.seed, settings.seed + repeats)
    return [Point(config, seed, {**params, "seed": seed}, role) for seed in seeds]


def shown_params(config: Config, settings: GrowthSettings) -> dict[str, Any]:
    """A trial's parameters in Optuna: each that grows or is raised on a stall, lists element by element."""
    shown: dict[str, Any] = {}
    for name in (*settings.increments, *(settings.on_stall or ())):
        value = named_value(config, name)
        if isinstance(value, list):
            shown |= {f"{name}[{index}]": element for index, element in enumerate(value)}
        else:
            shown[name] = value
    return shown
