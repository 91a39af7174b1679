"""The families of objectives/gpt, and CEHR-BERT's closed form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from objectives.gpt.config import GptConfig
from objectives.gpt.model import Decoder, count_non_embedding_params, count_params
from objectives.parameters.counts import Count, on_meta
from objectives.parameters.sizes import DEFAULT_POSITIONS, Sizes
from storage.checks import check_keys, check_whole
from storage.errors import UsageError, nearest

CEHR_KEYS = ("family", "vocab_size", "max_position_embeddings", "time_tokens", "n_embd", "n_layer", "n_head")


@dataclass(frozen=True)
class DecoderSource:
    """A family of objectives/gpt."""

    config: GptConfig
    sizes: Sizes
    identity: Mapping[str, Any]
    is_known = True

    def count(self) -> Count:
        with on_meta():
            model = self.make()
        return Count(count_params(model), count_non_embedding_params(model))

    def make(self) -> Decoder:
        return Decoder(self.config, self.sizes.vocab_size)

    def loss(self, model: nn.Module, tokens: Tensor, targets: Tensor) -> Tensor:
        out: Tensor = model(tokens, targets)
        return out


def decoder_source(config: Mapping[str, Any]) -> DecoderSource:
    family, families = config["family"], (*GptConfig.__dataclass_fields__["family"].metadata["choices"], "cehr")
    if family not in families:
        raise UsageError(f"config: family is {family!r}{nearest(str(family), families)}")
    block_size = config.get("block_size") or config.get("max_position_embeddings") or DEFAULT_POSITIONS
    parsed = GptConfig.parse({**config, "block_size": block_size})
    if parsed.vocab_size is None:
        raise UsageError(f"config: vocab_size is missing; family {family} is counted with one")
    sizes = Sizes(parsed.vocab_size, parsed.positions, parsed.n_layer, parsed.n_embd)
    return DecoderSource(parsed, sizes, {**config, "block_size": block_size})


@dataclass(frozen=True)
class CehrSource:
    """CEHR-BERT's classifier, by its closed form alone: this project has no such model to build or train."""

    sizes: Sizes
    time_tokens: int
    identity = None  # counting is faster than the cache
    is_known = True

    def count(self) -> Count:
        """D·(P+V) + L·(12·D² + 13·D) + 2·D + D² + 2·D + 2 + ⌊D·S/3⌋, where S is the number of time tokens."""
        sizes = self.sizes
        width, embeddings = sizes.n_embd, sizes.n_embd * (sizes.positions + sizes.vocab_size)
        blocks = sizes.n_layer * (12 * width**2 + 13 * width)
        rest = blocks + 2 * width + width**2 + 2 * width + 2 + width * self.time_tokens // 3
        return Count(embeddings + rest, rest)

    def make(self) -> nn.Module:
        raise UsageError("config: verify: family cehr is a closed form; there is no model to train")

    def loss(self, model: nn.Module, tokens: Tensor, targets: Tensor) -> Tensor:
        raise NotImplementedError


def cehr_source(config: Mapping[str, Any]) -> CehrSource:
    check_keys(config, (*CEHR_KEYS, "batch_size"), "config")
    if config.get("vocab_size") is None:
        raise UsageError("config: vocab_size is missing; family cehr is counted with one")
    sizes = Sizes(
        vocab_size=_size("vocab_size", config["vocab_size"]),
        positions=_size("max_position_embeddings", config.get("max_position_embeddings", DEFAULT_POSITIONS)),
        n_layer=_size("n_layer", config.get("n_layer", 1)),
        n_embd=_size("n_embd", config.get("n_embd", 32)),
    )
    return CehrSource(sizes, _size("time_tokens", config.get("time_tokens", 78)))


def _size(key: str, value: object) -> int:
    return check_whole(value, f"config: {key}", 1, 2**31 - 1)
