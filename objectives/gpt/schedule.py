"""The schedule of a training: each iteration's batch and learning rate, the evaluations, and the last iteration.

Iterations count from 0; `done` is the number of finished ones. Where only `max_time_seconds` limits the training, the
schedule has no last iteration, and the learning rate stays constant after its warm-up.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from objectives.gpt.config import GptConfig


@dataclass(frozen=True)
class _Stage:
    """Iterations with sequences of one length."""

    first: int
    end: int | None  # None: all further iterations
    batch: GptConfig

    @property
    def tokens(self) -> int:
        return self.batch.tokens_per_iteration


@dataclass(frozen=True)
class Schedule:
    """The schedule of one training, from its config and the number of train's tokens."""

    config: GptConfig
    train_tokens: float

    @cached_property
    def iterations(self) -> int | None:
        """The most iterations that the training has; None where only time limits it."""
        config = self.config
        tokens = [] if config.max_tokens is None else [float(config.max_tokens)]
        if config.max_epochs is not None:
            tokens.append(config.max_epochs * self.train_tokens)
        limits = [] if config.max_iters is None else [config.max_iters]
        return min([*limits, *(max(1, self._iterations_for(each)) for each in tokens)], default=None)

    @cached_property
    def warmup(self) -> int:
        """Iterations of linear warm-up."""
        if self.config.warmup_iters is not None:
            return self.config.warmup_iters
        return 100 if self.iterations is None else min(100, self.iterations // 10)

    def batch(self, iteration: int) -> GptConfig:
        """The config with the `batch_size` and `block_size` of this iteration."""
        return next(each.batch for each in reversed(self._stages) if each.first <= iteration)

    def learning_rate(self, iteration: int) -> float:
        """Linear warm-up, then half a cosine down to `min_lr` at the last iteration."""
        highest, lowest = self.config.learning_rate, self.config.lowest_rate
        if iteration < self.warmup:
            return highest * (iteration + 1) / (self.warmup + 1)
        if self.iterations is None:
            return highest
        progress = (iteration - self.warmup) / max(1, self.iterations - self.warmup)
        return lowest + 0.5 * (1.0 + math.cos(math.pi * progress)) * (highest - lowest)

    def tokens(self, done: int) -> int:
        """How many tokens `done` iterations see; a repeated token counts each time."""
        return sum((min(done, each.end or done) - each.first) * each.tokens for each in self._until(done))

    def next_evaluation(self, done: int) -> int:
        """The number of finished iterations at the evaluation that follows the evaluation after `done`."""
        ends = [done + self.config.eval_interval]
        if self.config.max_epochs_between_evals is not None:
            seen = self.tokens(done) + self.config.max_epochs_between_evals * self.train_tokens
            ends.append(max(done + 1, self._iterations_for(seen)))
        return min([*ends, *([] if self.iterations is None else [self.iterations])])

    def _iterations_for(self, tokens: float) -> int:
        """The fewest iterations that see at least this many tokens."""
        for stage in self._stages:
            needed = stage.first + math.ceil(tokens / stage.tokens)
            if stage.end is None or needed <= stage.end:
                return needed
            tokens -= (stage.end - stage.first) * stage.tokens
        raise AssertionError("the last stage has no end")

    def _until(self, done: int) -> Iterator[_Stage]:
        return (each for each in self._stages if each.first < done)

    @cached_property
    def _stages(self) -> tuple[_Stage, ...]:
        config = self.config
        sequences = max(1, round(config.batch_size * config.gpu_capacity_scalar))
        length = config.initial_block_size or config.block_size
        stages: list[_Stage] = []
        while True:
            first = len(stages) * config.block_size_doubles_every
            is_last = length >= config.block_size
            end = None if is_last else first + config.block_size_doubles_every
            at_once = sequences * config.block_size // min(length, config.block_size)
            batch = replace(config, batch_size=at_once, block_size=min(length, config.block_size))
            stages.append(_Stage(first, end, batch))
            if is_last:
                return tuple(stages)
            length *= 2
