"""What every source of a model offers: a count, the module, a loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from torch import Tensor, nn

from objectives.parameters.counts import Count
from objectives.parameters.sizes import Sizes


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
