"""`export --as results-yaml`: a growth study as the `results.yaml` that viewers of greedy growth searches read.

Each candidate's means are over its seeds, `delta_*` are against the step's baseline, `avg_loss` is -ln(mean score),
parameter counts are floats, infinities `.inf`, and `chosen` is the same object as one candidate (an anchor and an
alias).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from samplers.searches.noise import mean
from studies.history.decisions import in_force

# Their name, ours.
METRIC_OF_FIELD = {"num_params": "params", "peak_gpu_mb": "vram", "iter_latency_avg": "iter"}


def results_yaml(start: Mapping[str, Any], decisions: Sequence[Any], finished: str | None) -> str:
    """The file's text.

    Args:
        start: The configuration before the first step.
        decisions: Rows with `kind`, `record` and `state`, in order.
        finished: Why the search has ended; None while it goes on.
    """
    steps = [row for row in in_force(decisions) if row.kind != "override"]
    document: dict[str, Any] = {"baseline_config": dict(start), "iterations": []}
    if steps:
        first = steps[0].record["baseline"]
        document["iterations"].append(
            {"iter": -1, "baseline_metrics": _baseline(first["seeds"]), "baseline_config_after": dict(start)}
        )
    document["iterations"] += [_iteration(row.record, row.state["config"]) for row in steps]
    if steps and steps[-1].kind == "stalled" and finished is not None:
        document["stop_reason"] = "no_positive_efficiency"
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)


def _iteration(record: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    baseline = record["baseline"]
    candidates = {_key(each): _candidate(each, baseline) for each in record["candidates"] if each["seeds"]}
    chosen = next((each for each in record["candidates"] if each["chosen"]), None)
    after = baseline if chosen is None else chosen
    block: dict[str, Any] = {
        "iter": record["round"],
        "baseline_metrics": _baseline(after["seeds"]),
        "candidates": list(candidates.values()),
        "chosen": None if chosen is None else candidates[_key(chosen)],
    }
    if chosen is None and record.get("raised"):
        (name, value), *_ = record["raised"].items()
        block["action"] = f"{name}_increased_to_{value}"
    return block | {"baseline_config_after": dict(config)}


def _key(candidate: Mapping[str, Any]) -> tuple[Any, ...]:
    return candidate["param"], str(candidate["value"]), candidate.get("dup")


def _candidate(candidate: Mapping[str, Any], baseline: Mapping[str, Any]) -> dict[str, Any]:
    seeds, before = candidate["seeds"], baseline["seeds"]
    value = candidate["value"]
    if candidate["param"] == "n_layer":
        value = {"dup": candidate.get("dup"), "new_layers": value}
    score = _mean(seeds, "score")
    return {
        "param": candidate["param"],
        "value": value,
        "avg_loss": _loss(score),
        "avg_score": score,
        "best_val_loss": min(map(_seed_loss, seeds)),
        "best_iter": _mean(seeds, "best_iter"),
        **{theirs: _mean(seeds, ours) for theirs, ours in METRIC_OF_FIELD.items()},
        "delta_score": score - _mean(before, "score"),
        "delta_params": _mean(seeds, "params") - _mean(before, "params"),
        "delta_vram": _mean(seeds, "vram") - _mean(before, "vram"),
        "delta_iter_latency": _mean(seeds, "iter") - _mean(before, "iter"),
        "efficiency": _efficiency(candidate),
        "seeds": [_seed(each) for each in seeds],
    }


def _efficiency(candidate: Mapping[str, Any]) -> float:
    """Their efficiency is never missing: a gain at no added cost is infinitely efficient."""
    if candidate["efficiency"] is not None:
        return float(candidate["efficiency"])
    return math.inf if candidate["eligible"] else -math.inf


def _baseline(seeds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    score = _mean(seeds, "score")
    return {
        "loss": _loss(score),
        "score": score,
        "params": _mean(seeds, "params"),
        "peak_gpu_mb": _mean(seeds, "vram"),
        "iter_latency_avg": _mean(seeds, "iter"),
        "best_iter": _mean(seeds, "best_iter"),
    }


def _seed(seed: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "seed": seed["seed"],
        "loss": _seed_loss(seed),
        "score": seed["score"],
        "best_iter": _figure(seed, "best_iter"),
        "peak_gpu_mb": _figure(seed, "vram"),
        "iter_latency_ms": _figure(seed, "iter"),
    }


def _seed_loss(seed: Mapping[str, Any]) -> float:
    known = [seed["metrics"][name] for name in ("val_loss", "loss") if name in seed["metrics"]]
    return float(known[0]) if known else _loss(seed["score"])


def _figure(seed: Mapping[str, Any], name: str) -> float:
    """A metric of one seed; 0 where the objective has none, as those programs write without a GPU."""
    return float(seed["score"] if name == "score" else seed["metrics"].get(name, 0.0))


def _mean(seeds: Sequence[Mapping[str, Any]], name: str) -> float:
    return mean(_figure(seed, name) for seed in seeds) if seeds else math.nan


def _loss(score: float) -> float:
    return -math.log(score) if score > 0 else math.inf
