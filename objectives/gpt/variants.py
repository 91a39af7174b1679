"""Norms and activations by name, for families lobo and gpt2."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from objectives.gpt.config import GptConfig

FAMILIES = ("lobo", "gpt2")
"""The families whose norms can be chosen."""
NORM_EPS = 1e-6


def squared_relu(x: Tensor) -> Tensor:
    """So et al., 2021 (Primer)."""
    return nn.functional.relu(x).square()


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": nn.functional.gelu,
    "relu": nn.functional.relu,
    "squared_relu": squared_relu,
    "relu6": nn.functional.relu6,
    "leaky_relu": nn.functional.leaky_relu,
    "silu": nn.functional.silu,
    "mish": nn.functional.mish,
    "elu": nn.functional.elu,
    "celu": nn.functional.celu,
    "selu": nn.functional.selu,
    "softplus": nn.functional.softplus,
    "softsign": nn.functional.softsign,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "identity": lambda x: x,
}


class HyperSphereNorm(nn.Module):
    """Every vector at one distance from the origin, which may be learned: (…, n_embd) in and out."""

    def __init__(self, width: int, radius: float | None, learned: bool, gain: bool) -> None:
        """`radius` None: the root of the width, as RMSNorm begins."""
        super().__init__()
        radius = width**0.5 if radius is None else radius
        self.radius = nn.Parameter(torch.tensor([radius])) if learned else radius
        self.gain = nn.Parameter(torch.ones(width)) if gain else None

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x / (x.norm(dim=-1, keepdim=True) + NORM_EPS) * self.radius
        return y if self.gain is None else y * self.gain


def block_norm(config: GptConfig) -> nn.Module:
    """A norm of a block, before or after attention and MLP."""
    return _norm(config, config.norm_variant_attn, config.hsnorm_radius_learning)


def output_norm(config: GptConfig) -> nn.Module:
    """The norm before the head."""
    return _norm(config, config.norm_variant_output, config.hsnorm_radius_learning)


def embedding_norm(config: GptConfig) -> nn.Module | None:
    """The norm of the token embedding, where there is one."""
    if config.norm_variant_wte is None or config.family not in FAMILIES:
        return None
    return _norm(config, config.norm_variant_wte, config.norm_wte_radius_learning)


def _norm(config: GptConfig, variant: str | None, learned: bool) -> nn.Module:
    """A norm by name; None: the family's own."""
    width = config.n_embd
    own = "rmsnorm" if config.family in ("lobo", "llama") else "layernorm"
    match variant if variant and config.family in FAMILIES else own:
        case "rmsnorm":
            return nn.RMSNorm(width, eps=NORM_EPS)
        case "layernorm":
            return nn.LayerNorm(width, bias=config.bias and config.family == "gpt2")
        case "hyperspherenorm":
            return HyperSphereNorm(width, config.hsnorm_radius, learned, config.hsnorm_gain)
        case _:
            return nn.Identity()
