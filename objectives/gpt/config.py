"""The config of one training, read once: every key, its default, and the checks of its values.

All families share the keys. A family or an attention variant ignores the keys that it does not use: `n_cproj` where
heads are concatenated, `mlp_size` in gpt2, whose MLP is four times as wide as the model.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from objectives.gpt.values import Rule, read_value
from objectives.gssm.graph import SMALL, Problem
from storage.checks import check_keys
from storage.errors import UsageError

_POSITIVE: Rule = {"low": 1}
_SHARE: Rule = {"low": 0.0, "below": 1.0}
_ABOVE_ZERO: Rule = {"above": 0.0}
_NORM: Rule = {"choices": ("rmsnorm", "layernorm", "hyperspherenorm", "identity")}
_ACTIVATION: Rule = {
    "choices": (
        *("gelu", "relu", "squared_relu", "relu6", "leaky_relu", "silu", "mish", "elu", "celu", "selu"),
        *("softplus", "softsign", "sigmoid", "tanh", "identity"),
    )
}

IGNORED_KEYS = (
    *("never_save_checkpoint", "always_save_checkpoint", "only_save_checkpoint_at_end", "save_major_ckpt_interval"),
    *("eta_variant", "time_remaining_mode", "device", "out_dir", "log_interval", "log_project", "log_run_name"),
    *("timestamp", "tensorboard_log", "tensorboard_log_dir", "tensorboard_log_name", "csv_log", "csv_dir", "csv_name"),
    *("csv_ckpt_dir", "wandb_log", "wandb_project", "wandb_run_name", "max_sample_tokens", "sample_each_eval"),
    *("compute_model_stats", "print_model_stats_table", "create_statistics", "plot_statistics"),
)
"""Keys of nanoGPT's and ReaLLM's trainers that change no result here. A definition leaves them out of its config."""


@dataclass(frozen=True)
class LayerShape:
    """The sizes of one layer, after per-layer lists and defaults."""

    n_head: int
    n_kv_group: int
    n_qk_head_dim: int
    n_v_head_dim: int
    n_cproj: int
    mlp_size: int


@dataclass(frozen=True)
class GptConfig:
    """What to train, on which data, for how long. Sizes are counts, lengths are tokens, times are iterations."""

    family: str = field(default="lobo", metadata={"choices": ("lobo", "gpt2", "hlb", "llama")})

    # Data
    dataset: str = "stdlib"  # or gssm, or a folder with train.bin and val.bin
    gssm: Problem = SMALL  # the graph of dataset gssm
    vocab_size: int | None = field(default=None, metadata=_POSITIVE)  # None: the dataset's
    batch_size: int = field(default=64, metadata=_POSITIVE)
    block_size: int = field(default=256, metadata=_POSITIVE)
    gpu_capacity_scalar: float = field(default=1.0, metadata=_ABOVE_ZERO)  # times batch_size when training
    max_tokens_per_batch: int | None = field(default=None, metadata=_POSITIVE)
    """The most tokens that pass through the model at once. A larger batch is run in pieces whose gradients add up: the
    same training in less memory, except for rounding and for dropout's draws."""
    initial_block_size: int | None = field(default=None, metadata=_POSITIVE)
    """Training starts with sequences of this length; None: block_size. The length doubles up to block_size. A batch has
    more sequences while they are shorter, so that each iteration sees about the same number of tokens."""
    block_size_doubles_every: int = field(default=80, metadata=_POSITIVE)  # iterations

    # Shape
    n_layer: int = field(default=1, metadata=_POSITIVE)
    n_embd: int = field(default=32, metadata=_POSITIVE)
    n_head: int = field(default=1, metadata=_POSITIVE)
    n_kv_group: int | None = field(default=None, metadata=_POSITIVE)  # None: as many as heads
    n_qk_head_dim: int = field(default=32, metadata=_POSITIVE)
    n_v_head_dim: int = field(default=32, metadata=_POSITIVE)
    n_cproj: int = field(default=1, metadata=_POSITIVE)
    mlp_size: int = field(default=32, metadata=_POSITIVE)
    bias: bool = False  # of gpt2's linear layers and norms; other families have none
    max_position_embeddings: int | None = field(default=None, metadata=_POSITIVE)  # learned positions; None: block_size
    linear_value: bool = False  # hlb: attention moves linear values instead of gated ones
    dropout: float = field(default=0.0, metadata=_SHARE)

    # Start
    init: str = field(default="sequential", metadata={"choices": ("nested", "sequential")})
    """How the initial weights are drawn. `sequential`: one tensor after the other by torch's generator, so that another
    size of one tensor changes all that follow. `nested` (nested_start.py): models of different sizes with the same seed
    share every number that both have."""

    # Norms and MLP of families lobo and gpt2
    norm_variant_attn: str | None = field(default=None, metadata=_NORM)  # of the blocks; None: the family's own
    norm_variant_output: str | None = field(default=None, metadata=_NORM)  # before the head
    norm_variant_wte: str | None = field(default=None, metadata=_NORM)  # after the token embedding; None: no norm
    use_peri_ln: bool = False  # a norm after each branch too, before its sum
    hsnorm_radius: float | None = field(default=None, metadata=_ABOVE_ZERO)  # None: the root of n_embd
    hsnorm_radius_learning: bool = False
    hsnorm_gain: bool = False
    norm_wte_radius_learning: bool = False
    activation_variant: str = field(default="gelu", metadata=_ACTIVATION)
    mlp_up_bias: bool | None = None  # None: `bias` in gpt2, else no bias
    mlp_down_bias: bool | None = None
    mlp_variant: str = field(default="mlp", metadata={"choices": ("mlp",)})
    softmax_variant_attn: str = field(default="softmax", metadata={"choices": ("softmax",)})

    # One value for each layer, cycled when there are more layers than values
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
    use_qk_norm: bool = False  # queries and keys of length 1: their product is a cosine
    use_qk_norm_scale: bool = False  # a learned factor of the scores in each layer, instead of 1 / root of the size
    use_flash_lobo: bool = False  # a learned constant C in the softmax's denominator
    use_flash_lobo_per_head: bool = False  # one for each head instead of one for each layer
    flash_lobo_log_const: float = 0.0  # the initial value of log C

    # How long: until the first of these limits. null removes a limit; at least one is needed.
    max_iters: int | None = field(default=5000, metadata=_POSITIVE)
    max_epochs: float | None = field(default=None, metadata=_ABOVE_ZERO)  # times as many tokens as train has
    max_tokens: int | None = field(default=None, metadata=_POSITIVE)
    max_time_seconds: float | None = field(default=None, metadata=_ABOVE_ZERO)
    """Seconds of training, without evaluations. A training that this limit ends depends on the machine's speed, so the
    same seed no longer gives the same numbers."""

    # Evaluations: at the first of these intervals, and at the end
    eval_interval: int = field(default=500, metadata=_POSITIVE)
    max_epochs_between_evals: float | None = field(default=None, metadata=_ABOVE_ZERO)
    eval_iters: int = field(default=200, metadata=_POSITIVE)  # the most batches that an evaluation reads

    # Optimizer
    learning_rate: float = field(default=1e-3, metadata={"low": 0.0})
    min_lr: float | None = field(default=None, metadata={"low": 0.0})  # None: a tenth of learning_rate
    warmup_iters: int | None = field(default=None, metadata={"low": 0})  # None: a tenth of all, at most 100
    weight_decay: float = field(default=0.1, metadata={"low": 0.0})  # on matrices only
    beta1: float = field(default=0.9, metadata=_SHARE)
    beta2: float = field(default=0.99, metadata=_SHARE)
    grad_clip: float = field(default=1.0, metadata={"low": 0.0})  # the largest gradient norm; 0: no limit

    # The machine
    compile: bool = False  # only on CUDA
    memory_fraction: float | None = field(default=None, metadata={"above": 0.0, "high": 1.0})  # of the GPU's memory
    checkpoint_interval: int | None = field(default=None, metadata=_POSITIVE)
    """Iterations between checkpoints. None: by time, so that saving takes at most a hundredth of it."""
    profile: bool = False  # a torch profiler's trace of a few iterations, attached to the trial

    @classmethod
    def parse(cls, config: Mapping[str, Any]) -> GptConfig:
        """Read a config; raises UsageError for the first fault. A `seed` in it is the trial's, which says so itself."""
        known = {each.name: each for each in fields(cls)}
        config = {key: value for key, value in config.items() if key != "seed"}
        check_keys(config, known, "config")
        read = {key: read_value(key, str(known[key].type), known[key].metadata, v) for key, v in config.items()}
        parsed = cls(**read)
        parsed._check_shape()
        parsed._check_lengths()
        parsed._check_schedule()
        return parsed

    @property
    def is_infinite(self) -> bool:
        """Whether heads have sizes of their own instead of a share of n_embd."""
        return self.family == "lobo" and self.attention_variant == "infinite"

    @property
    def sums_heads(self) -> bool:
        """Whether heads' outputs are added up instead of concatenated."""
        return self.is_infinite and not self.use_concat_heads

    @property
    def is_tied(self) -> bool:
        """Whether the token embedding is also the head."""
        return self.family in ("lobo", "gpt2")

    @property
    def has_learned_positions(self) -> bool:
        """Whether there is a learned vector for each position."""
        return self.family == "gpt2" or (self.family == "lobo" and self.use_abs_pos_embeddings)

    @property
    def has_rotary_positions(self) -> bool:
        """Whether queries and keys have rotary positions."""
        return self.family == "llama" or (self.family == "lobo" and self.use_rotary_embeddings)

    @property
    def positions(self) -> int:
        """How many learned positions there are, in a family that has them."""
        return self.max_position_embeddings or self.block_size

    @property
    def tokens_per_iteration(self) -> int:
        """How many tokens a batch of `batch_size` sequences of `block_size` holds."""
        return self.batch_size * self.block_size

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
        period = math.lcm(*(len(each) for each in lists if each))  # the lists' common period
        for index in range(min(self.n_layer, period)):
            reason = self._shape_fault(self.layer(index))
            if reason:
                raise UsageError(f"config: layer {index}: {reason}")

    def _shape_fault(self, shape: LayerShape) -> str | None:
        kind = f"family {self.family}" if self.family != "lobo" else "attention_variant causal"
        if not self.is_infinite and self.n_embd % shape.n_head:
            return f"n_head {shape.n_head} does not divide n_embd {self.n_embd}, as it must in {kind}"
        if self.family == "hlb" and self.n_embd < 8:
            return f"n_embd is {self.n_embd}; its eighth is the size of queries and keys, so at least 8 is needed"
        if self.family == "hlb" and self.n_embd // 8 % shape.n_head:
            return f"n_head {shape.n_head} does not divide n_embd // 8 = {self.n_embd // 8}, as it must in {kind}"
        if self.family == "lobo" and shape.n_head % shape.n_kv_group:
            return f"n_kv_group {shape.n_kv_group} does not divide n_head {shape.n_head}"
        if self.has_rotary_positions and shape.n_qk_head_dim % 2:
            size = "n_qk_head_dim" if self.is_infinite else "n_embd / n_head"
            rotation = "use_rotary_embeddings" if self.family == "lobo" else kind
            return f"{size} is {shape.n_qk_head_dim}; {rotation} turns pairs, so it must be even"
        return None

    def _check_lengths(self) -> None:
        if self.has_learned_positions and self.positions < self.block_size:
            raise UsageError(
                f"config: max_position_embeddings {self.positions} is below block_size {self.block_size}: no position"
                " for the last tokens"
            )
        if self.initial_block_size is not None and self.initial_block_size > self.block_size:
            raise UsageError(
                f"config: initial_block_size {self.initial_block_size} is above block_size {self.block_size}"
            )
        if self.max_tokens_per_batch is not None and self.max_tokens_per_batch < self.block_size:
            raise UsageError(
                f"config: max_tokens_per_batch {self.max_tokens_per_batch} is below block_size {self.block_size}: one"
                " sequence does not fit"
            )

    def _check_schedule(self) -> None:
        if self.max_iters is self.max_epochs is self.max_tokens is self.max_time_seconds is None:
            raise UsageError("config: one of max_iters, max_epochs, max_tokens, max_time_seconds is needed")
        if self.max_iters is not None and (self.warmup_iters or 0) > self.max_iters:
            raise UsageError(f"config: warmup_iters {self.warmup_iters} is above max_iters {self.max_iters}")
        if self.lowest_rate > self.learning_rate:
            raise UsageError(f"config: min_lr {self.min_lr} is above learning_rate {self.learning_rate}")


def _cycled(one: int, each: tuple[int, ...] | None, index: int) -> int:
    return each[index % len(each)] if each else one
