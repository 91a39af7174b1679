"""`export --as results-yaml`: a growth study as the `results.yaml` that viewers of greedy growth searches read.

Each candidate's means are over its seeds, `delta_*` are against the step's baseline. `avg_loss` is the mean of what a
growth minimizes, else -ln(mean score). Parameter counts are floats, infinities `.inf`, and
`chosen` is the same object as one candidate (an anchor and an alias).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from samplers.searches.noise import mean
from storage.records import EndKind, StudyRow
from studies.history.decisions import in_force

# Their name, ours.
METRIC_OF_FIELD = {"num_params": "params", "peak_gpu_mb": "vram", "iter_latency_avg": "iter"}


def results_yaml(study: StudyRow, decisions: Sequence[Any]) -> str:
    """The file's text. A growth that took all its steps has no `stop_reason`.

    Args:
        study: Its row.
        decisions: Rows with `kind`, `record` and `state`, in order.
    """
    start, minimizes = study.origin["config"], study.direction == "minimize"
    steps = [row for row in in_force(decisions) if row.kind != "override"]
    document: dict[str, Any] = {"baseline_config": dict(start), "iterations": []}
    if steps:
        first = steps[0].record["baseline"]
        document["iterations"].append(
            {"iter": -1, "baseline_metrics": _baseline(first["seeds"], minimizes), "baseline_config_after": dict(start)}
        )
    document["iterations"] += [_iteration(row.record, row.state["config"], minimizes) for row in steps]
    if study.outcome_kind is EndKind.STALLED:
        document["stop_reason"] = "no_positive_efficiency"
    elif study.outcome_kind is not None and study.outcome_kind.failed:
        document["stop_reason"] = study.outcome
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)


def _iteration(record: Mapping[str, Any], config: Mapping[str, Any], minimizes: bool) -> dict[str, Any]:
    baseline = record["baseline"]
    candidates = {_key(each): _candidate(each, baseline, minimizes) for each in record["candidates"] if each["seeds"]}
    chosen = next((each for each in record["candidates"] if each["chosen"]), None)
    after = baseline if chosen is None else chosen
    block: dict[str, Any] = {
        "iter": record["round"],
        "baseline_metrics": _baseline(after["seeds"], minimizes),
        "candidates": list(candidates.values()),
        "chosen": None if chosen is None else candidates[_key(chosen)],
    }
    if chosen is None and record.get("raised"):
        (name, value), *_ = record["raised"].items()
        block["action"] = f"{name}_increased_to_{value}"
    return block | {"baseline_config_after": dict(config)}


def _key(candidate: Mapping[str, Any]) -> tuple[Any, ...]:
    return candidate["param"], str(candidate["value"]), candidate.get("dup")


def _candidate(candidate: Mapping[str, Any], baseline: Mapping[str, Any], minimizes: bool) -> dict[str, Any]:
    seeds, before = candidate["seeds"], baseline["seeds"]
    value = candidate["value"]
    if candidate["param"] == "n_layer":
        value = {"dup": candidate.get("dup"), "new_layers": value}
    score = _mean(seeds, "score")
    return {
        "param": candidate["param"],
        "value": value,
        "avg_loss": _loss(score, minimizes),
        "avg_score": score,
        "best_val_loss": min(_seed_loss(each, minimizes) for each in seeds),
        "best_iter": _mean(seeds, "best_iter"),
        **{theirs: _mean(seeds, ours) for theirs, ours in METRIC_OF_FIELD.items()},
        "delta_score": score - _mean(before, "score"),
        "delta_params": _mean(seeds, "params") - _mean(before, "params"),
        "delta_vram": _mean(seeds, "vram") - _mean(before, "vram"),
        "delta_iter_latency": _mean(seeds, "iter") - _mean(before, "iter"),
        "efficiency": _efficiency(candidate),
        "seeds": [_seed(each, minimizes) for each in seeds],
    }


def _efficiency(candidate: Mapping[str, Any]) -> float:
    """Their efficiency is never missing: a gain at no added cost is infinitely efficient."""
    if candidate["efficiency"] is not None:
        return float(candidate["efficiency"])
    return math.inf if candidate["eligible"] else -math.inf


def _baseline(seeds: Sequence[Mapping[str, Any]], minimizes: bool) -> dict[str, Any]:
    score = _mean(seeds, "score")
    return {
        "loss": _loss(score, minimizes),
        "score": score,
        "params": _mean(seeds, "params"),
        "peak_gpu_mb": _mean(seeds, "vram"),
        "iter_latency_avg": _mean(seeds, "iter"),
        "best_iter": _mean(seeds, "best_iter"),
    }


def _seed(seed: Mapping[str, Any], minimizes: bool) -> dict[str, Any]:
    return {
        "seed": seed["seed"],
        "loss": _seed_loss(seed, minimizes),
        "score": seed["score"],
        "best_iter": _figure(seed, "best_iter"),
        "peak_gpu_mb": _figure(seed, "vram"),
        "iter_latency_ms": _figure(seed, "iter"),
    }


def _seed_loss(seed: Mapping[str, Any], minimizes: bool) -> float:
    """What is minimized; else the loss that the objective returned, or that of the score."""
    known = [] if minimizes else [seed["metrics"][name] for name in ("val_loss", "loss") if name in seed["metrics"]]
    return float(known[0]) if known else _loss(seed["score"], minimizes)


def _figure(seed: Mapping[str, Any], name: str) -> float:
    """A metric of one seed; 0 where the objective has none, as those programs write without a GPU."""
    return float(seed["score"] if name == "score" else seed["metrics"].get(name, 0.0))


def _mean(seeds: Sequence[Mapping[str, Any]], name: str) -> float:
    return mean(_figure(seed, name) for seed in seeds) if seeds else math.nan


def _loss(score: float, minimizes: bool) -> float:
    if minimizes:
        return score
    return -math.log(score) if score > 0 else math.inf
