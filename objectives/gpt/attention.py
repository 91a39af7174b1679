"""Attention of family lobo: heads of any size, grouped keys, rotary positions, a constant in the softmax."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from objectives.gpt.config import GptConfig, LayerShape
from objectives.gpt.nested_start import Pieces, heads
from objectives.gpt.variants import NORM_EPS


class LoboAttention(nn.Module):
    """Causal self-attention: (batch, time, n_embd) in and out.

    The heads' outputs are summed and pass through `n_cproj` parallel projections, whose outputs are summed again; or
    they are concatenated and pass through one projection.
    """

    def __init__(self, config: GptConfig, shape: LayerShape) -> None:
        super().__init__()
        self.shape, self.sums_heads, self.dropout = shape, config.sums_heads, config.dropout
        self.queries_keys = nn.Linear(
            config.n_embd, (shape.n_head + shape.n_kv_group) * shape.n_qk_head_dim, bias=False
        )
        self.values = nn.Linear(config.n_embd, shape.n_kv_group * shape.n_v_head_dim, bias=False)
        if config.sums_heads:
            self.projections = nn.Parameter(torch.empty(shape.n_cproj, config.n_embd, shape.n_v_head_dim))
        else:
            self.projections = nn.Parameter(torch.empty(1, config.n_embd, shape.n_head * shape.n_v_head_dim))
        self.rotary = Rotary(config.block_size, shape.n_qk_head_dim) if config.use_rotary_embeddings else None
        self.use_qk_norm = config.use_qk_norm
        self.score_factor: nn.Parameter | None = None
        if config.use_qk_norm_scale:  # begins as for cosines: Henry et al., 2020, with T² - T in place of T² - 1
            length = max(2, config.block_size)
            self.score_factor = nn.Parameter(torch.tensor(math.log2(length * length - length)))
        self.log_constant: nn.Parameter | None = None
        if config.use_flash_lobo:
            constants = shape.n_head if config.use_flash_lobo_per_head else 1
            self.log_constant = nn.Parameter(torch.full((constants,), config.flash_lobo_log_const))

    def forward(self, x: Tensor) -> Tensor:
        shape, (batch, time, _) = self.shape, x.shape
        queries_keys = self.queries_keys(x).view(batch, time, -1, shape.n_qk_head_dim)
        values = self.values(x).view(batch, time, -1, shape.n_v_head_dim).transpose(1, 2)
        if self.rotary is not None:
            queries_keys = self.rotary(queries_keys)
        if self.use_qk_norm:
            queries_keys = queries_keys / (queries_keys.norm(dim=-1, keepdim=True) + NORM_EPS)
        queries, keys = queries_keys.transpose(1, 2).split((shape.n_head, shape.n_kv_group), dim=1)
        if shape.n_head != shape.n_kv_group:
            keys = keys.repeat_interleave(shape.n_head // shape.n_kv_group, dim=1)
            values = values.repeat_interleave(shape.n_head // shape.n_kv_group, dim=1)
        scale = None
        if self.score_factor is not None:
            queries, scale = queries * self.score_factor, 1.0
        heads = attend(queries, keys, values, self.log_constant, self.dropout if self.training else 0.0, scale)
        y = heads.sum(1) if self.sums_heads else heads.transpose(1, 2).flatten(2)
        # The sum of parallel projections of one input is a single projection by the sum of their weights.
        return nn.functional.linear(y, self.projections.sum(0))

    def pieces(self) -> Mapping[str, Pieces]:
        """Queries lie head by head; keys and values group by group."""
        shape = self.shape
        queries = heads("query", shape.n_head, shape.n_qk_head_dim)
        keys = heads("key", shape.n_kv_group, shape.n_qk_head_dim)
        joined = () if self.sums_heads else heads("value", shape.n_head, shape.n_v_head_dim)
        return {
            "queries_keys.weight": Pieces([*queries, *keys]),
            "values.weight": Pieces(heads("value", shape.n_kv_group, shape.n_v_head_dim)),
            "projections": Pieces(columns=joined),
        }


class Rotary(nn.Module):
    """Rotary positions (Su et al., 2021): each pair of neighbouring dimensions is rotated by the position."""

    cos: Tensor
    sin: Tensor

    def __init__(self, block_size: int, size: int) -> None:
        super().__init__()
        rates = 10000.0 ** (-torch.arange(0, size, 2, dtype=torch.float32) / size)
        angles = torch.arange(block_size, dtype=torch.float32).outer(rates).unsqueeze(1)
        self.register_buffer("cos", angles.cos(), persistent=False)  # (block_size, 1, size / 2)
        self.register_buffer("sin", angles.sin(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Rotate `x` of shape (batch, time, heads, size)."""
        cos, sin = self.cos[: x.shape[1]], self.sin[: x.shape[1]]
        pairs = x.view(*x.shape[:-1], -1, 2)
        if x.device.type == "cpu":  # four times faster on a CPU; torch.compile does not support complex numbers
            rotated = torch.view_as_real(torch.view_as_complex(pairs) * torch.complex(cos, sin))
        else:
            even, odd = pairs.unbind(-1)
            rotated = torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1)
        return rotated.flatten(-2).to(x.dtype)


def attend(
    queries: Tensor,
    keys: Tensor,
    values: Tensor,
    log_constant: Tensor | None,
    dropout: float,
    scale: float | None = None,
) -> Tensor:
    """Causal attention of (batch, heads, time, size) with, if given, exp(log_constant) in the denominator.

    Scores are multiplied by `scale`; None: by one over the root of the queries' size.

    The constant is an extra key with the score `log_constant` and the value zero. It is the first key, beside an extra
    first query whose output is dropped, so that plain causality lets every position see it. An extra dimension, 1 in
    the queries and 0 in the other keys, carries its score. So the fused kernels apply, without a mask.
    """
    size, value_size, time = queries.shape[-1], values.shape[-1], queries.shape[-2]
    scale, first = size**-0.5 if scale is None else scale, 0
    if log_constant is not None:
        first = 1
        queries = nn.functional.pad(queries, (0, 1, 1, 0), value=1.0)
        extra = nn.functional.pad((log_constant / scale).view(1, -1, 1, 1), (size, 0)).to(keys.dtype)
        extra = extra.expand(keys.shape[0], keys.shape[1], 1, size + 1)
        keys = torch.cat((extra, nn.functional.pad(keys, (0, 1))), dim=2)
    # The fused kernels need equal sizes; zeros change neither scores nor sums.
    width = max(queries.shape[-1], value_size)
    queries, keys = (_padded(each, 0, width) for each in (queries, keys))
    values = _padded(values, first, width)
    y = nn.functional.scaled_dot_product_attention(
        queries, keys, values, dropout_p=dropout, is_causal=True, scale=scale
    )
    return y[:, :, -time:, :value_size]


def _padded(x: Tensor, before: int, width: int) -> Tensor:
    """`x` with `before` positions of zeros in front, and zeros up to `width` dimensions."""
    missing = width - x.shape[-1]
    return nn.functional.pad(x, (0, missing, before, 0)) if before or missing else x
