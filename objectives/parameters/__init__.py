"""The objective `parameters`: how many parameters a model has, counted on the model itself and never trained.

objective(config, trial)   METRICS; with `verify: true` also memory and time of one training step (verification.py)
validate(config)           why a config cannot be counted, or None
cost(config)               the same counts, before anything runs

A config names its model by one of three keys: `family:` (gpt2, lobo, hlb, llama, cehr), `model:` (a user's function,
module.path:function or FILE.py:function, called with the config) or `hf:` (a config of transformers).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from objectives.parameters.cache import cached
from objectives.parameters.counts import Count
from objectives.parameters.source import Source
from objectives.parameters.sources import source_of
from objectives.parameters.verification import Trial, training_step
from storage.errors import UsageError

__all__ = ["METRICS", "cost", "objective", "validate"]

METRICS = (
    "params",  # tied ones once
    "non_embedding_params",
    "params_without_embeddings",  # of hf alone: transformers' num_parameters(exclude_embeddings=True)
    "estimate",  # V·d + P·d + layers · (12·d² + 4·d), as in samplers/searches/depth/closed_form.py
)


def objective(config: Mapping[str, Any], trial: Trial) -> Mapping[str, float]:
    """Count a model's parameters; with `verify: true`, also train it for one step on the trial's device."""
    source = source_of(config)
    counted = _metrics(source)
    return {**counted, **training_step(source, config, trial)} if config.get("verify") is True else counted


def validate(config: Mapping[str, Any]) -> str | None:
    """Why this config cannot be counted, in one line, or None. Builds a user's model to find out."""
    try:
        source = source_of(config)
        if not source.is_known:
            _count(source)
    except UsageError as error:
        return str(error)
    return None


def cost(config: Mapping[str, Any]) -> Mapping[str, float]:
    """Parameters, as `objective` counts them."""
    counted = _metrics(source_of(config))
    return {name: value for name, value in counted.items() if name != "estimate"}


def _metrics(source: Source) -> dict[str, float]:
    count, sizes = _count(source), source.sizes
    metrics = {"params": float(count.params), "non_embedding_params": float(count.non_embedding)}
    if count.without_embeddings is not None:
        metrics["params_without_embeddings"] = float(count.without_embeddings)
    if sizes is not None:
        layer = 12 * sizes.n_embd**2 + 4 * sizes.n_embd
        metrics["estimate"] = float((sizes.vocab_size + sizes.positions) * sizes.n_embd + sizes.n_layer * layer)
    return metrics


def _count(source: Source) -> Count:
    return source.count() if source.identity is None else cached(source.identity, source.count)
