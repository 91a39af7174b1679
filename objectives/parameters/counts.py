"""Counts a model that is built on torch's meta device: tensors have shapes, but no memory and no values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode


@dataclass(frozen=True)
class Count:
    """A model's parameters, tied ones counted once, and those outside its embeddings."""

    params: int
    non_embedding: int
    without_embeddings: int | None = None
    """For a model of transformers: its own `num_parameters(exclude_embeddings=True)`, which leaves out every embedding,
    tied or not, and keeps a head of its own."""


def count_module(module: nn.Module, head: nn.Module | None = None) -> Count:
    """Count a module. A tied embedding is non-embedding, since it is a linear layer too; a separate `head` is not: so
    does objectives/gpt."""
    params = sum(each.numel() for each in module.parameters())
    multiplied = {id(each.weight) for each in module.modules() if isinstance(each, nn.Linear)}
    tables = {id(each.weight): each.weight for each in module.modules() if isinstance(each, nn.Embedding)}
    apart = [table for key, table in tables.items() if key not in multiplied]
    if isinstance(head, nn.Linear) and id(head.weight) not in tables:
        apart.append(head.weight)
    return Count(params, params - sum(each.numel() for each in apart))


@contextmanager
def on_meta() -> Iterator[None]:
    """Build models without memory, and without initialization, which takes half of a build's time."""
    with torch.device("meta"), _Uninitialized():
        yield


class _Uninitialized(TorchFunctionMode):
    """Makes the functions of torch.nn.init return their tensor unchanged."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", None) == "torch.nn.init":
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)
