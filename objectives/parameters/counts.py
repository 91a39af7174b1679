"""Counting a model that is built on torch's meta device: shapes without memory, and nothing initialized."""

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
    """Parameters of one model, a tied one once; those outside its embeddings as its family counts them."""

    params: int
    non_embedding: int


def count_module(module: nn.Module, head: nn.Module | None = None) -> Count:
    """Non-embedding are those that a token is not looked up in: a table that is tied to a linear layer counts, since it
    is that layer as well; a `head` of its own does not, as in objectives/gpt."""
    params = sum(each.numel() for each in module.parameters())
    multiplied = {id(each.weight) for each in module.modules() if isinstance(each, nn.Linear)}
    tables = {id(each.weight): each.weight for each in module.modules() if isinstance(each, nn.Embedding)}
    apart = [table for key, table in tables.items() if key not in multiplied]
    if isinstance(head, nn.Linear) and id(head.weight) not in tables:
        apart.append(head.weight)
    return Count(params, params - sum(each.numel() for each in apart))


@contextmanager
def on_meta() -> Iterator[None]:
    """Models made in here take no memory; filling in first values, half of the time of a build, is left out."""
    with torch.device("meta"), _Uninitialized():
        yield


class _Uninitialized(TorchFunctionMode):
    """Functions of torch.nn.init return their tensor as it is."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", None) == "torch.nn.init":
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)
