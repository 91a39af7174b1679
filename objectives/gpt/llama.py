"""The block of family llama: rotary positions, RMSNorm, and an MLP with SwiGLU, four times as wide as the model."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from objectives.gpt.attention import Rotary
from objectives.gpt.config import GptConfig
from objectives.gpt.nested_start import Pieces, heads


class LlamaBlock(nn.Module):
    """Two residual branches, each behind a norm: (batch, time, n_embd) in and out."""

    def __init__(self, config: GptConfig, n_head: int) -> None:
        super().__init__()
        width = config.n_embd
        self.attention_norm, self.mlp_norm = (nn.RMSNorm(width, eps=1e-6) for _ in range(2))
        self.attention = LlamaAttention(config, n_head)
        self.gate_up = nn.Linear(width, 8 * width, bias=False)
        self.down = nn.Linear(4 * width, width, bias=False)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.dropout(self.attention(self.attention_norm(x)))
        gate, up = self.gate_up(self.mlp_norm(x)).chunk(2, dim=-1)
        out: Tensor = x + self.dropout(self.down(nn.functional.silu(gate) * up))
        return out

    def pieces(self) -> Mapping[str, Pieces]:
        """The gate lies above what it gates."""
        size = self.down.in_features
        return {"gate_up.weight": Pieces([("gate", size), ("up", size)])}


class LlamaAttention(nn.Module):
    """Causal attention whose heads share n_embd and whose queries and keys have rotary positions."""

    def __init__(self, config: GptConfig, n_head: int) -> None:
        super().__init__()
        self.n_head, self.dropout = n_head, config.dropout
        self.qkv = nn.Linear(config.n_embd, 3 * config.n_embd, bias=False)
        self.down = nn.Linear(config.n_embd, config.n_embd, bias=False)
        self.rotary = Rotary(config.block_size, config.n_embd // n_head)

    def forward(self, x: Tensor) -> Tensor:
        batch, time, width = x.shape
        queries_keys, values = self.qkv(x).split((2 * width, width), dim=-1)
        rotated = self.rotary(queries_keys.reshape(batch, time, 2 * self.n_head, -1)).transpose(1, 2)
        queries, keys = rotated.chunk(2, dim=1)
        y = nn.functional.scaled_dot_product_attention(
            queries,
            keys,
            values.reshape(batch, time, self.n_head, -1).transpose(1, 2),
            dropout_p=self.dropout if self.training else 0.0,
            is_causal=True,
        )
        out: Tensor = self.down(y.transpose(1, 2).flatten(2))
        return out

    def pieces(self) -> Mapping[str, Pieces]:
        """Queries, keys and values lie head by head."""
        size = self.down.in_features // self.n_head
        rows = [each for name in ("query", "key", "value") for each in heads(name, self.n_head, size)]
        return {"qkv.weight": Pieces(rows), "down.weight": Pieces(columns=heads("value", self.n_head, size))}
