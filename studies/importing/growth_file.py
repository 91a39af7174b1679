"""`results.yaml` of a greedy growth search, as values: its first baseline, and its steps with their candidates.

The file has the metrics of a candidate by seed, and those of a baseline as means over the seeds alone: a baseline that
is no earlier candidate (the first one, and each that is measured again) gets its mean for every seed, and is said to.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from storage.errors import UsageError
from studies.export.results_yaml import METRIC_OF_FIELD

SEED_METRICS = {"score": "score", "loss": "loss", "best_iter": "best_iter"}
SEED_METRICS |= {"peak_gpu_mb": "vram", "iter_latency_ms": "iter"}
"""A seed's fields, and our names."""
BASELINE_METRICS = {"score": "score", "loss": "loss", "best_iter": "best_iter", "params": "params"}
BASELINE_METRICS |= {"peak_gpu_mb": "vram", "iter_latency_avg": "iter"}


@dataclass(frozen=True)
class Candidate:
    """A candidate of a step."""

    param: str
    value: Any
    copied: int | None
    """For `n_layer`: the layer that the new layer copies."""
    seeds: Mapping[int, Mapping[str, float]]
    """Metrics by seed."""


@dataclass(frozen=True)
class Step:
    """A step of the growth."""

    where: str
    candidates: Sequence[Candidate]
    after: Mapping[str, Any] | None
    """The baseline after it; None: the step is not finished."""
    baseline: Mapping[str, float]
    """Metrics of that baseline, means over its seeds."""


@dataclass(frozen=True)
class GrowthFile:
    """The file."""

    config: Mapping[str, Any]
    baseline: Mapping[str, float]
    steps: Sequence[Step]


def is_growth(document: Any) -> bool:
    """Whether a YAML document is a growth's results."""
    return isinstance(document, dict) and {"baseline_config", "iterations"} <= document.keys()


def load_yaml(content: bytes, where: str) -> Any:
    """A document as PyYAML wrote it: by YAML 1.1's rules, with its aliases.

    Raises:
        UsageError: It is no YAML.
    """
    try:
        return yaml.load(content, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise UsageError(f"is no YAML: {str(error).splitlines()[0]}", where) from error


def read_growth(document: Mapping[str, Any], where: str) -> GrowthFile:
    """The file's values.

    Raises:
        UsageError: A block is not as such programs write it; the message names it.
    """
    try:
        blocks, config = list(document["iterations"]), dict(document["baseline_config"])
        place, first = "iteration -1", {}
        if blocks and blocks[0]["iter"] == -1:
            first = _metrics(blocks.pop(0)["baseline_metrics"], BASELINE_METRICS)
        steps = []
        for index, block in enumerate(blocks):
            place = f"iteration {block.get('iter', index)}"
            after = block.get("baseline_config_after") if "chosen" in block else None
            candidates = [_candidate(each) for each in block.get("candidates") or ()]
            steps.append(
                Step(place, candidates, after, _metrics(block.get("baseline_metrics") or {}, BASELINE_METRICS))
            )
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        what = f"{type(error).__name__}: {error}"
        raise UsageError(f"{place} is not as a growth writes it ({what})", where) from error
    return GrowthFile(config, first, steps)


def _candidate(given: Mapping[str, Any]) -> Candidate:
    value, copied = given["value"], None
    if isinstance(value, Mapping):
        value, copied = value["new_layers"], value["dup"]
    common = _metrics(given, {"num_params": METRIC_OF_FIELD["num_params"]})
    seeds = {int(each["seed"]): {**common, **_metrics(each, SEED_METRICS)} for each in given.get("seeds") or ()}
    return Candidate(str(given["param"]), value, copied, seeds)


def _metrics(given: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, float]:
    """The finite numbers among these fields, by our names."""
    found = {ours: given[theirs] for theirs, ours in names.items() if theirs in given}
    return {name: float(value) for name, value in found.items() if value is not None and math.isfinite(value)}
