"""The objective `gpt`: train a decoder-only transformer on text. What a study asks of it is defined here.

objective(config, trial)   train once, return METRICS (and CUDA_METRICS on CUDA)
validate(config)           why a config cannot run, or None
cost(config)               what it will take, without training
fingerprint(config)        what it learns from
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from objectives.gpt.config import GptConfig
from objectives.gpt.data import check_data, fingerprint_data
from objectives.gpt.model import Decoder, count_non_embedding_params, count_params
from objectives.gpt.training import CUDA_METRICS, METRICS, objective
from storage.errors import UsageError

__all__ = ["CUDA_METRICS", "METRICS", "cost", "fingerprint", "objective", "validate"]


def validate(config: Mapping[str, Any]) -> str | None:
    """Why this config cannot run, in one line, or None. Builds no model and reads no tokens."""
    try:
        check_data(GptConfig.parse(config))
    except UsageError as error:
        return str(error)
    return None


def cost(config: Mapping[str, Any]) -> Mapping[str, float]:
    """Parameters, counted on the model itself (on torch's meta device: no memory), and training FLOPs.

    `flops` is 6·N·tokens (Kaplan et al., 2020), with N the parameters without learned positions and tokens =
    max_iters · batch_size · block_size; attention scores and evaluations are not in it.
    """
    parsed = GptConfig.parse(config)
    with torch.device("meta"):
        model = Decoder(parsed, check_data(parsed))
    non_embedding_params = count_non_embedding_params(model)
    return {
        "params": float(count_params(model)),
        "non_embedding_params": float(non_embedding_params),
        "flops": 6.0 * non_embedding_params * parsed.max_iters * parsed.tokens_per_iteration,
    }


def fingerprint(config: Mapping[str, Any]) -> Mapping[str, str]:
    """SHA-256 of the files that it learns from: a worker whose files differ would measure something else."""
    return {"data": fingerprint_data(GptConfig.parse(config))}
