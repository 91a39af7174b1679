"""The model: a decoder with the blocks of its family, and its parameter counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from objectives.gpt.attention import LoboAttention
from objectives.gpt.config import GptConfig, LayerShape
from objectives.gpt.hlb import HlbBlock
from objectives.gpt.llama import LlamaBlock
from objectives.gpt.nested_start import Pieces, draw_start, heads
from objectives.gpt.variants import ACTIVATIONS, block_norm, embedding_norm, output_norm

_INIT_STD = 0.02
_LOSS_ROWS = 1024  # positions whose logits a CPU holds at once, so that they stay in its cache


class Decoder(nn.Module):
    """Token embedding, blocks, norm and head. In hlb and llama the head is its own matrix, else the embedding."""

    def __init__(self, config: GptConfig, vocab_size: int, seed: int = 0) -> None:
        """`seed` is that of a nested start; a sequential one takes its numbers from torch's generator."""
        super().__init__()
        width = config.n_embd
        self.tokens = nn.Embedding(vocab_size, width)
        self.positions = nn.Embedding(config.positions, width) if config.has_learned_positions else None
        self.embedding_norm = embedding_norm(config)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(_block(config, config.layer(index)) for index in range(config.n_layer))
        self.norm = output_norm(config)
        self.is_tied = config.is_tied
        self.head = self.tokens if config.is_tied else nn.Linear(width, vocab_size, bias=False)
        self._initialize(config, seed)

    def _initialize(self, config: GptConfig, seed: int) -> None:
        """Initialize as GPT-2: normal, with a smaller deviation at the end of residual branches, so that depth does not
        add up."""

        def deviation(name: str) -> float:
            ends_branch = name.endswith(("projections", "down.weight"))
            return _INIT_STD / (2 * config.n_layer) ** 0.5 if ends_branch else _INIT_STD

        for name, parameter in self.named_parameters():
            if parameter.dim() > 1 and config.init == "sequential":
                nn.init.normal_(parameter, std=deviation(name))
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)
        if config.init == "nested":
            draw_start(self, seed, deviation)

    def hidden(self, tokens: Tensor) -> Tensor:
        """The head's input: (batch, time) in, (batch, time, n_embd) out."""
        x = self.tokens(tokens)
        if self.embedding_norm is not None:
            x = self.embedding_norm(x)
        if self.positions is not None:
            x = x + self.positions.weight[: tokens.shape[1]]
        x = self.dropout(x)
        for block in self.blocks:
            x = block(x)
        out: Tensor = self.norm(x)
        return out

    def logits(self, tokens: Tensor) -> Tensor:
        """(batch, time) in, (batch, time, vocab_size) out."""
        return nn.functional.linear(self.hidden(tokens), self.head.weight)

    def forward(self, tokens: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy in nats per token; tokens and targets have the shape (batch, time)."""
        losses = [
            nn.functional.cross_entropy(logits, wanted, reduction="sum")
            for logits, wanted in self._pieces(tokens, targets)
        ]
        return torch.stack(losses).sum() / targets.numel()

    def measure(self, tokens: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy, and the share of targets that were the likeliest token; shape (2,)."""
        measured = [
            torch.stack(
                (nn.functional.cross_entropy(logits, wanted, reduction="sum"), (logits.argmax(-1) == wanted).sum())
            )
            for logits, wanted in self._pieces(tokens, targets)
        ]
        return torch.stack(measured).sum(0) / targets.numel()

    def _pieces(self, tokens: Tensor, targets: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Logits and targets of some positions at a time."""
        x, y = self.hidden(tokens).flatten(0, 1), targets.flatten()
        rows = _LOSS_ROWS if x.device.type == "cpu" else len(y)
        for some, wanted in zip(torch.split(x, rows), torch.split(y, rows), strict=True):
            yield nn.functional.linear(some, self.head.weight), wanted


class Block(nn.Module):
    """Two residual branches, each behind a norm and perhaps before one: attention, then an MLP."""

    def __init__(self, config: GptConfig, attention: nn.Module, mlp_size: int) -> None:
        super().__init__()
        self.attention_norm, self.mlp_norm = block_norm(config), block_norm(config)
        ends = [block_norm(config) if config.use_peri_ln else nn.Identity() for _ in range(2)]
        self.attention_end_norm, self.mlp_end_norm = ends
        self.attention, self.activation = attention, ACTIVATIONS[config.activation_variant]
        bias = config.bias and config.family == "gpt2"
        up_bias, down_bias = (bias if own is None else own for own in (config.mlp_up_bias, config.mlp_down_bias))
        self.up = nn.Linear(config.n_embd, mlp_size, bias=up_bias)
        self.down = nn.Linear(mlp_size, config.n_embd, bias=down_bias)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.dropout(self.attention_end_norm(self.attention(self.attention_norm(x))))
        mlp = self.down(self.activation(self.up(self.mlp_norm(x))))
        out: Tensor = x + self.dropout(self.mlp_end_norm(mlp))
        return out


class Gpt2Attention(nn.Module):
    """The usual causal attention: heads share n_embd, are concatenated, and pass through one projection."""

    def __init__(self, config: GptConfig, n_head: int) -> None:
        super().__init__()
        self.n_head, self.dropout = n_head, config.dropout
        self.qkv = nn.Linear(config.n_embd, 3 * config.n_embd, bias=config.bias)
        self.down = nn.Linear(config.n_embd, config.n_embd, bias=config.bias)

    def forward(self, x: Tensor) -> Tensor:
        batch, time, width = x.shape
        qkv = self.qkv(x).view(batch, time, 3, self.n_head, width // self.n_head)
        queries, keys, values = qkv.permute(2, 0, 3, 1, 4)
        dropout = self.dropout if self.training else 0.0
        y = nn.functional.scaled_dot_product_attention(queries, keys, values, dropout_p=dropout, is_causal=True)
        out: Tensor = self.down(y.transpose(1, 2).flatten(2))
        return out

    def pieces(self) -> Mapping[str, Pieces]:
        """Queries, keys and values lie head by head."""
        size = self.down.in_features // self.n_head
        rows = [each for name in ("query", "key", "value") for each in heads(name, self.n_head, size)]
        return {"qkv.weight": Pieces(rows), "down.weight": Pieces(columns=heads("value", self.n_head, size))}


def _block(config: GptConfig, shape: LayerShape) -> nn.Module:
    match config.family:
        case "lobo":
            return Block(config, LoboAttention(config, shape), shape.mlp_size)
        case "hlb":
            return HlbBlock(config, shape.n_head)
        case "llama":
            return LlamaBlock(config, shape.n_head)
        case _:
            return Block(config, Gpt2Attention(config, shape.n_head), 4 * config.n_embd)


def build_on_meta(config: GptConfig, vocab_size: int) -> Decoder:
    """The model on the meta device: shapes to count, without memory or values."""
    with torch.device("meta"):
        return Decoder(config, vocab_size)


def count_params(model: nn.Module) -> int:
    """Parameters, tied ones counted once."""
    return sum(each.numel() for each in model.parameters())


def count_non_embedding_params(model: Decoder) -> int:
    """Parameters without learned positions, and without embedding and head unless they are tied.

    A tied embedding counts, since it is also the head.
    """
    return count_multiplied_params(model) - (0 if model.is_tied else model.tokens.weight.numel())


def count_multiplied_params(model: Decoder) -> int:
    """Parameters that each token is multiplied with: all but positions and an untied embedding."""
    looked_up = 0 if model.positions is None else model.positions.weight.numel()
    return count_params(model) - looked_up - (0 if model.is_tied else model.tokens.weight.numel())


def count_parts(model: Decoder) -> dict[str, int]:
    """Parameters of the embedding (with positions and head), of attention and of the MLPs, without norms.

    In hlb one matrix feeds both attention and MLP: its rows for queries and keys count as attention.
    """
    parts = {"embedding": 0, "attention": 0, "mlp": 0}
    for name, parameter in model.named_parameters():
        if name.startswith(("tokens.", "positions.", "head.")):
            parts["embedding"] += parameter.numel()
        elif ".attention." in name or name.endswith(".slope"):
            parts["attention"] += parameter.numel()
        elif ".up." in name or ".down." in name or ".gate_up." in name:
            parts["mlp"] += parameter.numel()
    for block in model.blocks:
        if isinstance(block, HlbBlock):
            queries_keys = 2 * block.qk_width * block.width
            parts["attention"] += queries_keys
            parts["mlp"] -= queries_keys
    return parts
