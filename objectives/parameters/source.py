"""The protocol of a model's source: a count, the module, a loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from torch import Tensor, nn

from objectives.parameters.counts import Count
from objectives.parameters.sizes import Sizes


class Source(Protocol):
    """A model that can be counted and built."""

    @property
    def sizes(self) -> Sizes | None:
        """None if the config does not give them under their usual names."""

    @property
    def identity(self) -> Mapping[str, Any] | None:
        """The values that its count depends on, beside our own code; None: it is counted each time."""

    @property
    def is_known(self) -> bool:
        """Whether a config that was read without an error can certainly be counted."""

    def count(self) -> Count:
        """Count the parameters on the meta device.

        Raises:
            UsageError: The model cannot be built.
        """

    def make(self) -> nn.Module:
        """Build the model on the current device, with initial values.

        Raises:
            UsageError: The model cannot be built.
        """

    def loss(self, model: nn.Module, tokens: Tensor, targets: Tensor) -> Tensor:
        """A scalar loss; tokens and targets have the shape (batch, time)."""
