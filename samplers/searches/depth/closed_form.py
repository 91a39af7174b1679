"""The parameters of a transformer in closed form: close enough to predict, never a result.

    params ~ V·d + P·d + layers · (12·d² + 4·d)

with V tokens in the vocabulary, P positions and width d: an MLP of four times the width, attention of the same width,
two norms a layer. It is the estimator of the program that this search replaces.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

DEFAULT_POSITIONS = 2048
"""Of a config without a number of positions, as in the objective `parameters`."""


@dataclass(frozen=True)
class ClosedForm:
    """The estimator for one vocabulary and one number of positions."""

    vocab_size: int
    positions: int

    @staticmethod
    def of(config: Mapping[str, Any]) -> ClosedForm | None:
        """From a config, or from its `hf:` block; None if the size of the vocabulary is unknown."""
        nested = config.get("hf")
        known = {**config, **nested} if isinstance(nested, Mapping) else config
        sizes = [
            known.get("vocab_size"),
            known.get("max_position_embeddings", known.get("block_size", DEFAULT_POSITIONS)),
        ]
        positive = [each for each in sizes if isinstance(each, int) and not isinstance(each, bool) and each > 0]
        return ClosedForm(*positive) if len(positive) == len(sizes) else None

    def params(self, layers: int, width: int) -> int:
        return (self.vocab_size + self.positions) * width + layers * (12 * width**2 + 4 * width)

    def layers(self, target: int, width: int) -> int:
        """The nearest number of layers of this width; 0 if the embeddings alone exceed the target."""
        return max(0, round((target - self.params(0, width)) / (12 * width**2 + 4 * width)))

    def width(self, target: int, layers: int) -> int:
        """The nearest width with this number of layers: the positive root of 12·L·d² + (V + P + 4·L)·d = target."""
        linear = self.vocab_size + self.positions + 4 * layers
        return round((sqrt(linear**2 + 48 * layers * target) - linear) / (24 * layers))
