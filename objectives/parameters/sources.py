"""Where a model comes from: one of the families, a function of the user's, or transformers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor, nn

from objectives.gpt.config import GptConfig
from objectives.gpt.model import Decoder, count_non_embedding_params, count_params
from objectives.parameters.counts import Count, on_meta
from storage.errors import UsageError, nearest

WAYS = ("family", "model", "hf")
VERIFYING = ("verify", "seq_length")
"""Keys that say nothing of the model; `batch_size` is also one of the families' own."""
CEHR_KEYS = ("family", "vocab_size", "max_position_embeddings", "time_tokens", "n_embd", "n_layer", "n_head")
POSITIONS = 2048
"""Where a config does not say how many positions there are."""


@dataclass(frozen=True)
class Sizes:
    """What the closed form needs."""

    vocab_size: int
    positions: int
    n_layer: int
    n_embd: int


class Source(Protocol):
    """A model that can be counted, and made."""

    @property
    def sizes(self) -> Sizes | None:
        """None if the config does not tell them by their usual names."""

    @property
    def identity(self) -> Mapping[str, Any] | None:
        """What its count depends on beside our own sources; None: it is counted each time."""

    @property
    def is_known(self) -> bool:
        """Whether it can be counted for sure, once its config has been read."""

    def count(self) -> Count:
        """On the meta device.

        Raises:
            UsageError: The model cannot be built.
        """

    def make(self) -> nn.Module:
        """The model itself, with first values, on the current device.

        Raises:
            UsageError: It cannot be built.
        """

    def loss(self, model: nn.Module, tokens: Tensor, targets: Tensor) -> Tensor:
        """A scalar to learn from; both of (batch, time)."""


def source_of(config: Mapping[str, Any]) -> Source:
    """The model that a config names.

    Raises:
        UsageError: It names none or several, or a key or value is wrong.
    """
    ways = [key for key in WAYS if config.get(key) is not None]
    if len(ways) != 1:
        given = " and ".join(ways) or "none of them"
        raise UsageError(f"config: one of family, model and hf is needed; there is {given}")
    if config.get("verify") not in (None, True, False):
        raise UsageError(f"config: verify is {config['verify']!r}; true or false is needed")
    own = {key: value for key, value in config.items() if key not in (*VERIFYING, "seed")}
    match ways[0]:
        case "family" if config["family"] == "cehr":
            return _cehr(own)
        case "family":
            return _decoder(own)
        case "model":
            from objectives.parameters.factory import factory_of

            return factory_of(own)
        case _:
            from objectives.parameters.transformers_model import hugging_face_of

            return hugging_face_of(own)


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


def _decoder(config: Mapping[str, Any]) -> DecoderSource:
    family, families = config["family"], (*GptConfig.__dataclass_fields__["family"].metadata["choices"], "cehr")
    if family not in families:
        raise UsageError(f"config: family is {family!r}{nearest(str(family), families)}")
    block_size = config.get("block_size") or config.get("max_position_embeddings") or POSITIONS
    parsed = GptConfig.parse({**config, "block_size": block_size})
    if parsed.vocab_size is None:
        raise UsageError(f"config: vocab_size is missing; family {family} is counted with one")
    sizes = Sizes(parsed.vocab_size, parsed.positions, parsed.n_layer, parsed.n_embd)
    return DecoderSource(parsed, sizes, {**config, "block_size": block_size})


@dataclass(frozen=True)
class CehrSource:
    """CEHR-BERT's classifier, of which only the closed form is known: there is no model to build or to train."""

    sizes: Sizes
    time_tokens: int
    identity = None  # faster counted than looked up
    is_known = True

    def count(self) -> Count:
        """D·(P+V) + L·(12·D² + 13·D) + 2·D + D² + 2·D + 2 + ⌊D·S/3⌋, S being the time tokens."""
        sizes = self.sizes
        width, embeddings = sizes.n_embd, sizes.n_embd * (sizes.positions + sizes.vocab_size)
        blocks = sizes.n_layer * (12 * width**2 + 13 * width)
        rest = blocks + 2 * width + width**2 + 2 * width + 2 + width * self.time_tokens // 3
        return Count(embeddings + rest, rest)

    def make(self) -> nn.Module:
        raise UsageError("config: verify: family cehr is a closed form; there is no model to train")

    def loss(self, model: nn.Module, tokens: Tensor, targets: Tensor) -> Tensor:
        raise NotImplementedError


def _cehr(config: Mapping[str, Any]) -> CehrSource:
    known = (*CEHR_KEYS, "batch_size")
    for key in config:
        if key not in known:
            raise UsageError(f"config: unknown key {key!r}{nearest(key, CEHR_KEYS)}")
    if config.get("vocab_size") is None:
        raise UsageError("config: vocab_size is missing; family cehr is counted with one")
    sizes = Sizes(
        vocab_size=_size("vocab_size", config["vocab_size"]),
        positions=_size("max_position_embeddings", config.get("max_position_embeddings", POSITIONS)),
        n_layer=_size("n_layer", config.get("n_layer", 1)),
        n_embd=_size("n_embd", config.get("n_embd", 32)),
    )
    return CehrSource(sizes, _size("time_tokens", config.get("time_tokens", 78)))


def _size(key: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise UsageError(f"config: {key} is {value!r}; a whole number from 1 on is needed")
    return value


def told_sizes(config: Mapping[str, Any]) -> Sizes | None:
    """The closed form's sizes, from the usual names; None if one of them is missing."""
    usual = {"n_layer": None, "n_embd": None, "vocab_size": None, "max_position_embeddings": POSITIONS}
    found = {key: config.get(key, default) for key, default in usual.items()}
    if not all(isinstance(each, int) for each in found.values()):
        return None
    return Sizes(found["vocab_size"], found["max_position_embeddings"], found["n_layer"], found["n_embd"])


def one_line(error: BaseException) -> str:
    """`RuntimeError: what it says`, however many lines it says it in."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:300].removesuffix(": ")


def plain(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """As it is after a way through JSON: a function of the user's may change it."""
    copied: Mapping[str, Any] = json.loads(json.dumps(config))
    return copied
