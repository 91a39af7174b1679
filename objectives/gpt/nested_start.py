"""A nested start: each tensor is cut from one endless matrix of normal draws, which its name and the seed determine.

So two models with the same seed begin with the same numbers wherever both have one, however different their sizes, and
their scores differ by what their shapes do, with less of the luck of two starts. A tensor that holds several things is
cut for each of them: the queries of head 2 are the same rows of draws whatever lies above them.

A drawn number is a normal quantile, chosen by 16 bits of numpy's Philox: raw words and a table, hence the same on every
machine and in every version of numpy and torch. Philox is a function of its counter (Salmon et al., 2011), so that each
block of the endless matrix is drawn on its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

_BLOCK = 128  # rows and columns that are drawn at once
_WORD_DRAWS = 4  # 64 bits hold four draws
_LEVELS = 2**16  # the normal quantiles that a draw chooses from

Floats = NDArray[np.float32]
Axis = Sequence[tuple[str, int]]
"""The pieces along one dimension of a tensor, in their order: the name and the size of each."""


@dataclass(frozen=True)
class Pieces:
    """What lies where in a tensor's last two dimensions. An empty axis is one piece."""

    rows: Axis = ()
    columns: Axis = ()


@runtime_checkable
class Fused(Protocol):
    """A module some of whose tensors hold several things."""

    def pieces(self) -> Mapping[str, Pieces]:
        """The pieces of each such tensor, by the tensor's name in the module."""


def heads(name: str, count: int, size: int) -> list[tuple[str, int]]:
    """The pieces of `count` heads of `size` rows or columns each."""
    return [(f"{name} {index}", size) for index in range(count)]


@torch.no_grad()
def draw_start(model: nn.Module, seed: int, deviation: Callable[[str], float]) -> None:
    """Draw every matrix of `model`, with the standard deviation of its name. Vectors keep their values."""
    fused: dict[str, Pieces] = {}
    for path, module in model.named_modules():
        if isinstance(module, Fused):
            fused.update({f"{path}.{name}": each for name, each in module.pieces().items()})
    for name, parameter in model.named_parameters():
        if parameter.dim() > 1 and not parameter.is_meta:
            drawn = draw_tensor(seed, name, tuple(parameter.shape), fused.get(name, Pieces()))
            parameter.copy_(torch.from_numpy(drawn)).mul_(deviation(name))


def draw_tensor(seed: int, name: str, shape: tuple[int, ...], pieces: Pieces) -> Floats:
    """Standard normal draws for a tensor of two or three dimensions; the first of three counts matrices."""
    drawn = np.empty(shape, np.float32)
    for index, matrix in enumerate(drawn.reshape(-1, *shape[-2:])):
        for row_name, rows in _slices(pieces.rows, shape[-2]):
            for column_name, columns in _slices(pieces.columns, shape[-1]):
                _fill(matrix[rows, columns], f"{seed}/{name}/{index}/{row_name}/{column_name}")
    return drawn


def _slices(axis: Axis, size: int) -> Iterator[tuple[str, slice]]:
    start = 0
    for name, length in axis or (("", size),):
        yield name, slice(start, start + length)
        start += length
    assert start == size, f"the pieces of an axis of {size} have {start} together"


def _fill(matrix: Floats, name: str) -> None:
    """Fill `matrix` with the first rows and columns of the endless matrix of this name, block by block."""
    key = np.frombuffer(hashlib.sha256(name.encode()).digest()[:16], "<u8").astype(np.uint64)
    quantiles = normal_quantiles()
    for top in range(0, matrix.shape[0], _BLOCK):
        for left in range(0, matrix.shape[1], _BLOCK):
            block = matrix[top : top + _BLOCK, left : left + _BLOCK]
            philox = np.random.Philox(key=key, counter=np.array([0, 0, top, left], np.uint64))
            words = philox.random_raw(len(block) * _BLOCK // _WORD_DRAWS).astype("<u8", copy=False)
            levels = words.view("<u2").reshape(len(block), _BLOCK)
            block[:] = quantiles.take(levels[:, : block.shape[1]])


@lru_cache(maxsize=1)
def normal_quantiles() -> Floats:
    """The normal quantiles at (i + ½) / 65,536, scaled to a variance of 1; the largest is 4.3."""
    distribution = NormalDist()
    below = [distribution.inv_cdf((level + 0.5) / _LEVELS) for level in range(_LEVELS // 2)]
    both = np.array([*below, *(-each for each in reversed(below))])
    return np.asarray(both / both.std(), np.float32)
