"""The parameters of a transformer in closed form: near enough to predict, never a result.

    params ~ V·d + P·d + layers · (12·d² + 4·d)

with V tokens in the vocabulary, P positions and width d: an MLP of four times the width, attention of the same width,
two norms a layer. It is the estimator of the program that this search replaces.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

POSITIONS = 2048
"""Where a config says nothing of positions, as the objective `parameters` has it."""


@dataclass(frozen=True)
class ClosedForm:
    """The estimator for one vocabulary and one number of positions."""

    vocab_size: int
    positions: int

    @staticmethod
    def of(config: Mapping[str, Any]) -> ClosedForm | None:
        """From a config, or from its `hf:` block; None if it does not tell the size of its vocabulary."""
        nested = config.get("hf")
        told = {**config, **nested} if isinstance(nested, Mapping) else config
        sizes = [told.get("vocab_size"), told.get("max_position_embeddings", told.get("block_size", POSITIONS))]
        read = [each for each in sizes if isinstance(each, int) and not isinstance(each, bool) and each > 0]
        return ClosedForm(*read) if len(read) == len(sizes) else None

    def params(self, layers: int, width: int) -> int:
        return (self.vocab_size + self.positions) * width + layers * (12 * width**2 + 4 * width)

    def layers(self, target: int, width: int) -> int:
        """How many layers of this width it takes, to the nearest; 0 if the embeddings alone are more."""
        return max(0, round((target - self.params(0, width)) / (12 * width**2 + 4 * width)))

    def width(self, target: int, layers: int) -> int:
        """Which width it takes with so many layers: the positive root of 12·L·d² + (V + P + 4·L)·d = target."""
        linear = self.vocab_size + self.positions + 4 * layers
        return round((sqrt(linear**2 + 48 * layers * target) - linear) / (24 * layers))
