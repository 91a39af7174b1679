"""The block of family hlb: attention and MLP in parallel, with one projection into both and one out of both.

Queries and keys are an eighth as wide as the model. Positions act only through a penalty: a score falls with the
distance, at a rate that each block learns.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from objectives.gpt.attention import attend
from objectives.gpt.config import GptConfig
from objectives.gpt.nested_start import Pieces, heads

_COARSE_STEP = 256  # a position is split into a multiple of this and a rest, exact in bfloat16 up to 65,536


class HlbBlock(nn.Module):
    """One residual branch behind a norm: (batch, time, n_embd) in and out.

    The first projection gives queries, keys, and 2 · n_embd channels that 2 · n_embd others gate with GELU. Half of
    the gated channels stay at their position; the other half are the values that attention moves. With
    `linear_value`, attention moves that half as it was before the gate, whose weights then have no effect.
    """

    def __init__(self, config: GptConfig, n_head: int) -> None:
        super().__init__()
        width = config.n_embd
        self.n_head, self.linear_value, self.dropout = n_head, config.linear_value, config.dropout
        self.width, self.qk_width = width, width // 8
        self.norm = nn.LayerNorm(width, bias=False)
        self.slope = nn.Parameter(torch.ones(()))  # of the penalty; softplus keeps it above zero
        self.up = nn.Linear(width, 2 * self.qk_width + 4 * width, bias=False)
        self.down = nn.Linear(2 * width, width, bias=False)
        self.branch_dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        width, sizes = self.width, (self.qk_width, self.qk_width, 2 * self.width, 2 * self.width)
        queries, keys, linear, gate = self.up(self.norm(x)).split(sizes, dim=-1)
        gated = linear * nn.functional.gelu(gate)
        local, values = gated[..., :width], (linear if self.linear_value else gated)[..., width:]
        moved = self._attend(*(self._heads(each) for each in (queries, keys, values)))
        out: Tensor = x + self.branch_dropout(self.down(torch.cat((local, moved), dim=-1)))
        return out

    def pieces(self) -> Mapping[str, Pieces]:
        """Queries, keys and moved values lie head by head; what stays at its position has no heads."""
        size, moved = self.qk_width // self.n_head, self.width // self.n_head
        rows = [*heads("query", self.n_head, size), *heads("key", self.n_head, size)]
        for name in ("linear", "gate"):
            rows += [(f"{name} local", self.width), *heads(f"{name} moved", self.n_head, moved)]
        columns = [("local", self.width), *heads("moved", self.n_head, moved)]
        return {"up.weight": Pieces(rows), "down.weight": Pieces(columns=columns)}

    def _heads(self, x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:2], self.n_head, -1).transpose(1, 2)

    def _attend(self, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Causal attention with -softplus(slope) · (query's position - key's position) added to the scores.

        The query's position adds the same to all keys' scores, so the softmax ignores it. Two extra dimensions add the
        key's position. So the fused kernels apply, without a mask that holds a number for each pair.
        """
        batch, _, time, size = queries.shape
        slope = (nn.functional.softplus(self.slope) * size**0.5).to(queries.dtype)  # attention divides by the root
        positions = torch.arange(time, device=keys.device)
        rest = positions % _COARSE_STEP
        key_positions = torch.stack((positions - rest, rest), dim=-1).to(keys.dtype).expand(batch, self.n_head, time, 2)
        queries = torch.cat((queries, slope.expand(batch, self.n_head, time, 2)), dim=-1)
        keys = torch.cat((keys, key_positions), dim=-1)
        dropout = self.dropout if self.training else 0.0
        return attend(queries, keys, values, None, dropout, scale=size**-0.5).transpose(1, 2).flatten(2)
