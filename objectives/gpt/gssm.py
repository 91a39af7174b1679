"""The dataset `gssm`: sequences of one random graph, drawn when they are needed. Every batch is new; none is stored.

The config's key `gssm` gives the graph (objectives/gssm/graph.py) and `graph_seed`, the seed of its tables, which all
trials share. A training batch is a function of the trial's seed and the iteration, so that a resumed training sees the
same batches. Val is drawn once, by `graph_seed` alone: a sequence for each row of each batch.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from objectives.gpt.config import GptConfig
from objectives.gssm.source import TRAIN, VAL, Source
from storage.errors import UsageError

_MAX_VAL_TOKENS = 2**27  # of two bytes each


def check(config: GptConfig) -> int:
    """The vocabulary's size; raises UsageError if the graph does not suit this config. Draws nothing."""
    size = config.gssm.graph.vocab_size
    if config.vocab_size is not None and config.vocab_size < size:
        raise UsageError(f"config: vocab_size is {config.vocab_size}; dataset 'gssm' has {size} tokens here")
    for key in ("max_epochs", "max_epochs_between_evals"):
        if getattr(config, key) is not None:
            raise UsageError(f"config: {key}: dataset 'gssm' has no end, so no epochs; count iterations or tokens")
    val = config.eval_iters * config.batch_size * (config.block_size + 1)
    if val > _MAX_VAL_TOKENS:
        raise UsageError(
            f"config: eval_iters batches of dataset 'gssm' have {val:,} tokens; {_MAX_VAL_TOKENS:,} are allowed"
        )
    return config.vocab_size or size


def make_source(config: GptConfig) -> Source:
    """The graph with its tables."""
    return Source.make(config.gssm.graph, config.gssm.graph_seed)


def train_sequences(source: Source, config: GptConfig, seed: int, iteration: int) -> NDArray[np.uint16]:
    """`batch_size` sequences of `block_size` + 1 tokens, one after the other."""
    return source.draw(config.batch_size, config.block_size + 1, TRAIN, seed, iteration).ravel()


def val_sequences(source: Source, config: GptConfig) -> NDArray[np.uint16]:
    """The sequences of `eval_iters` batches, one after the other."""
    sequences = config.eval_iters * config.batch_size
    return source.draw(sequences, config.block_size + 1, VAL, config.gssm.graph_seed).ravel()
