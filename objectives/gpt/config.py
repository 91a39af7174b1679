"""The configuration of one training, read once: every key, its default, and what makes it impossible.

One base serves both families: a key that a family or an attention variant has no use for is ignored
(`n_cproj` where heads are concatenated, `mlp_size` in gpt2, whose MLP is four times its width).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from storage.errors import UsageError, nearest

_Rule = Mapping[str, Any]
_POSITIVE: _Rule = {"low": 1}
_SHARE: _Rule = {"low": 0.0, "below": 1.0}


@dataclass(frozen=True)
class LayerShape:
    """The sizes of one layer, with per-layer lists and defaults worked in."""

    n_head: int
    n_kv_group: int
    n_qk_head_dim: int
    n_v_head_dim: int
    n_cproj: int
    mlp_size: int


@dataclass(frozen=True)
class GptConfig:
    """What to train, on what, for how long. Sizes are counts, lengths are tokens, times are iterations."""

    family: str = field(default="lobo", metadata={"choices": ("lobo", "gpt2")})

    # Data
    dataset: str = "stdlib"  # or a folder with train.bin and val.bin
    vocab_size: int | None = field(default=None, metadata=_POSITIVE)  # None: what the dataset says
    batch_size: int = field(default=64, metadata=_POSITIVE)
    block_size: int = field(default=256, metadata=_POSITIVE)

    # Shape
    n_layer: int = field(default=1, metadata=_POSITIVE)
    n_embd: int = field(default=32, metadata=_POSITIVE)
    n_head: int = field(default=1, metadata=_POSITIVE)
    n_kv_group: int | None = field(default=None, metadata=_POSITIVE)  # None: as many as heads
    n_qk_head_dim: int = field(default=32, metadata=_POSITIVE)
    n_v_head_dim: int = field(default=32, metadata=_POSITIVE)
    n_cproj: int = field(default=1, metadata=_POSITIVE)
    mlp_size: int = field(default=32, metadata=_POSITIVE)
    bias: bool = False  # of gpt2's linear layers and norms; lobo has none
    dropout: float = field(default=0.0, metadata=_SHARE)

    # One value a layer, cycled when there are more layers than values
    n_head_layerlist: tuple[int, ...] | None = field(default=None, metadata=_POSITIVE)
    n_kv_group_layerlist: tuple[int, ...] | None = field(default=None, metadata=_POSITIVE)
    n_qk_head_dim_layerlist: tuple[int, ...] | None = field(default=None, metadata=_POSITIVE)
    n_v_head_dim_layerlist: tuple[int, ...] | None = field(default=None, metadata=_POSITIVE)
    n_cproj_layerlist: tuple[int, ...] | None = field(default=None, metadata=_POSITIVE)
    mlp_size_layerlist: tuple[int, ...] | None = field(default=None, metadata=_POSITIVE)

    # Attention of family lobo
    attention_variant: str = field(default="infinite", metadata={"choices": ("infinite", "causal")})
    use_concat_heads: bool = False
    use_rotary_embeddings: bool = True
    use_abs_pos_embeddings: bool = False
    use_flash_lobo: bool = False  # a learned constant C in the softmax's denominator
    use_flash_lobo_per_head: bool = False  # one a head instead of one a layer
    flash_lobo_log_const: float = 0.0  # where log C starts

    # Training
    max_iters: int = field(default=5000, metadata=_POSITIVE)
    eval_interval: int = field(default=500, metadata=_POSITIVE)
    eval_iters: int = field(default=200, metadata=_POSITIVE)  # batches an evaluation reads at most
    learning_rate: float = field(default=1e-3, metadata={"low": 0.0})
    min_lr: float | None = field(default=None, metadata={"low": 0.0})  # None: a tenth of learning_rate
    warmup_iters: int | None = field(default=None, metadata={"low": 0})  # None: 100, or a tenth of max_iters
    weight_decay: float = field(default=0.1, metadata={"low": 0.0})  # on matrices only
    beta1: float = field(default=0.9, metadata=_SHARE)
    beta2: float = field(default=0.99, metadata=_SHARE)
    grad_clip: float = field(default=1.0, metadata={"low": 0.0})  # largest gradient norm; 0: any
    compile: bool = False  # used where CUDA is

    @classmethod
    def parse(cls, config: Mapping[str, Any]) -> GptConfig:
        """Read a configuration, or raise UsageError with the first thing that makes it impossible."""
        known = {each.name: each for each in fields(cls)}
        for key in config:
            if key not in known:
                raise UsageError(f"config: unknown key {key!r}{nearest(key, known)}")
        read = {key: _read(key, str(known[key].type), known[key].metadata, v) for key, v in config.items()}
        parsed = cls(**read)
        parsed._check_shape()
        parsed._check_schedule()
        return parsed

    @property
    def is_infinite(self) -> bool:
        """Whether heads have sizes of their own, rather than their share of n_embd."""
        return self.family == "lobo" and self.attention_variant == "infinite"

    @property
    def sums_heads(self) -> bool:
        """Whether heads' outputs are added up, rather than laid side by side."""
        return self.is_infinite and not self.use_concat_heads

    @property
    def tokens_per_iteration(self) -> int:
        """How many tokens one optimizer step learns from."""
        return self.batch_size * self.block_size

    @property
    def warmup(self) -> int:
        """Iterations of linear warm-up."""
        return min(100, self.max_iters // 10) if self.warmup_iters is None else self.warmup_iters

    @property
    def lowest_rate(self) -> float:
        """The learning rate at the end of the cosine."""
        return self.learning_rate / 10 if self.min_lr is None else self.min_lr

    def layer(self, index: int) -> LayerShape:
        """The sizes of layer `index`, counted from 0."""
        n_head = _cycled(self.n_head, self.n_head_layerlist, index)
        qk_dim = _cycled(self.n_qk_head_dim, self.n_qk_head_dim_layerlist, index)
        v_dim = _cycled(self.n_v_head_dim, self.n_v_head_dim_layerlist, index)
        if not self.is_infinite:
            qk_dim = v_dim = self.n_embd // n_head
        return LayerShape(
            n_head=n_head,
            n_kv_group=_cycled(self.n_kv_group or n_head, self.n_kv_group_layerlist, index),
            n_qk_head_dim=qk_dim,
            n_v_head_dim=v_dim,
            n_cproj=_cycled(self.n_cproj, self.n_cproj_layerlist, index),
            mlp_size=_cycled(self.mlp_size, self.mlp_size_layerlist, index),
        )

    def _check_shape(self) -> None:
        lists = (getattr(self, each.name) for each in fields(self) if each.name.endswith("_layerlist"))
        different = math.lcm(*(len(each) for each in lists if each))  # the lists' common period
        for index in range(min(self.n_layer, different)):
            reason = self._unfit(self.layer(index))
            if reason:
                raise UsageError(f"config: layer {index}: {reason}")

    def _unfit(self, shape: LayerShape) -> str | None:
        if not self.is_infinite and self.n_embd % shape.n_head:
            kind = "family gpt2" if self.family == "gpt2" else "attention_variant causal"
            return f"n_head {shape.n_head} does not divide n_embd {self.n_embd}, as it must in {kind}"
        if self.family == "lobo" and shape.n_head % shape.n_kv_group:
            return f"n_kv_group {shape.n_kv_group} does not divide n_head {shape.n_head}"
        if self.family == "lobo" and self.use_rotary_embeddings and shape.n_qk_head_dim % 2:
            size = "n_qk_head_dim" if self.is_infinite else "n_embd / n_head"
            return f"{size} is {shape.n_qk_head_dim}; use_rotary_embeddings turns pairs, so it must be even"
        return None

    def _check_schedule(self) -> None:
        if self.warmup > self.max_iters:
            raise UsageError(f"config: warmup_iters {self.warmup} is above max_iters {self.max_iters}")
        if self.lowest_rate > self.learning_rate:
            raise UsageError(f"config: min_lr {self.min_lr} is above learning_rate {self.learning_rate}")


def _cycled(one: int, each: tuple[int, ...] | None, index: int) -> int:
    return each[index % len(each)] if each else one


_NEEDED = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "tuple[int, ...]": "a list of whole numbers, at least one",
}


def _read(key: str, kind: str, rule: _Rule, value: Any) -> Any:
    """`value` as the field's type, or UsageError. A whole number serves as a float, else types are kept."""
    kind, _, optional = kind.partition(" | ")
    if value is None and optional:
        return None
    match kind, value:
        case "bool", bool():
            return value
        case "int", int() if type(value) is not bool:
            _check_range(key, rule, value)
            return value
        case "float", int() | float() if type(value) is not bool and abs(value) <= sys.float_info.max:
            _check_range(key, rule, value)
            return float(value)
        case "str", str():
            if value not in rule.get("choices", (value,)):
                raise UsageError(f"config: {key} is {value!r}{nearest(value, rule['choices'])}")
            return value
        case "tuple[int, ...]", list() | tuple() if value and all(type(each) is int for each in value):
            for position, each in enumerate(value):
                _check_range(f"{key}[{position}]", rule, each)
            return tuple(value)
        case _:
            wanted = _NEEDED[kind] + (", or null" if optional else "")
            raise UsageError(f"config: {key} is {value!r}; {wanted} is needed")


def _check_range(key: str, rule: _Rule, value: float) -> None:
    if "low" in rule and value < rule["low"]:
        raise UsageError(f"config: {key} is {value!r}; at least {rule['low']} is needed")
    if "below" in rule and value >= rule["below"]:
        raise UsageError(f"config: {key} is {value!r}; less than {rule['below']} is needed")
