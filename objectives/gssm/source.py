"""Draws the tables of a graph, and tokens from them: functions of seeds alone, the same on every machine.

Only raw words of numpy's Philox are used: unlike numpy's distributions, they are the same in every version. The
counter's highest word holds the stream's number, so that no two streams overlap, whatever their seeds.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from objectives.gssm.graph import Graph, Node

TRAIN, VAL, TABLES = 0, 1, 2  # the streams
_CERTAIN = 2**31  # probability 1 as a threshold
_NEVER = 2**32 - 1
_ENTRIES_AT_ONCE = 2**18  # of a table that is drawn or hashed

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Table:
    """Cumulative probabilities in units of 2^-31, row after row. A row has `width` entries, a power of two; the last
    `width - states + 1` are above every possible draw."""

    thresholds: NDArray[np.uint32]
    width: int

    def draw(self, rows: NDArray[np.int64], chances: NDArray[np.uint32]) -> NDArray[np.int64]:
        """A state for each row number and draw: the number of the row's thresholds that the draw reaches.

        All are bisected at once: as many comparisons as `width` has bits, without memory for whole rows.
        """
        start = rows * self.width
        place = start.copy()
        half = self.width // 2
        while half:
            place += half * (self.thresholds.take(place + (half - 1)) <= chances)
            half //= 2
        return place - start


@dataclass(frozen=True)
class Source:
    """A graph with its tables."""

    graph: Graph
    tables: tuple[_Table, ...]

    @staticmethod
    def make(graph: Graph, seed: int) -> Source:
        """Draw the tables, each with its own key."""
        return Source(
            graph,
            tuple(_make_table(node, graph.rows(node), seed, index) for index, node in enumerate(graph.nodes)),
        )

    def draw(self, batch: int, length: int, stream: int, seed: int, number: int = 0) -> NDArray[np.uint16]:
        """Draw tokens of shape (batch, length). Each sequence follows a step in which all states are 0.

        The same stream, seed and number give the same tokens for the same shape.
        """
        philox = _philox(stream, seed, number)
        nodes = self.graph.nodes
        states = np.zeros((len(nodes), batch), np.int64)
        tokens = np.empty((length, batch), np.uint16)
        for step in range(length):
            words = philox.random_raw((len(nodes) * batch + 1) // 2).astype("<u8", copy=False).view("<u4")
            chances = (words[: states.size] >> 1).reshape(states.shape)
            for index, table in enumerate(self.tables):
                states[index] = table.draw(self._rows(index, states), chances[index])
            tokens[step] = states[-1]
        return np.ascontiguousarray(tokens.T)

    def _rows(self, index: int, states: NDArray[np.int64]) -> NDArray[np.int64]:
        """The row of node `index` for each sequence: its parents' states as digits, the last parent's the fastest."""
        rows = np.zeros(states.shape[1], np.int64)
        for parent, size in self._parents[index]:
            rows *= size
            rows += states[parent]
        return rows

    @cached_property
    def _parents(self) -> list[list[tuple[int, int]]]:
        """The index and the number of states of each parent of each node."""
        places = {node.name: (place, node.states) for place, node in enumerate(self.graph.nodes)}
        return [[places[name] for name in node.parents] for node in self.graph.nodes]

    @property
    def sha256(self) -> str:
        """A hash of the graph and of the upper 16 bits of its tables, hexadecimal.

        The lower bits may differ between processors that round a logarithm differently.
        """
        digest = hashlib.sha256(json.dumps(asdict(self.graph)).encode())
        for table in self.tables:
            for start in range(0, len(table.thresholds), _ENTRIES_AT_ONCE):
                piece = table.thresholds[start : start + _ENTRIES_AT_ONCE].astype("<u8")
                digest.update((piece + 2**14 >> 15).tobytes())
        return digest.hexdigest()


def _make_table(node: Node, rows: int, seed: int, index: int) -> _Table:
    philox = _philox(TABLES, seed, index)
    width = 1 << (node.states - 1).bit_length()
    thresholds = np.full((rows, width), _NEVER, np.uint32)
    step = max(1, _ENTRIES_AT_ONCE // node.states)
    for start in range(0, rows, step):
        count = min(step, rows - start)
        probabilities = draw_dirichlet(philox, node.alpha, count, node.states)
        reached = np.cumsum(probabilities[:, :-1], axis=1)
        thresholds[start : start + count, : node.states - 1] = np.rint(np.minimum(reached, 1.0) * _CERTAIN)
    return _Table(thresholds.ravel(), width)


def draw_dirichlet(philox: np.random.Philox, alpha: float, rows: int, size: int) -> Floats:
    """Draw from the symmetric Dirichlet(alpha), shape (rows, size). With a tiny alpha nearly all gamma draws of a row
    are too small for a float, so they stay logarithms until the largest is known."""
    logs = _log_gamma(philox, alpha, rows * size).reshape(rows, size)
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    shares: Floats = weights / weights.sum(axis=1, keepdims=True)
    return shares


def _log_gamma(philox: np.random.Philox, shape: float, count: int) -> Floats:
    """Logarithms of draws from Gamma(shape), by Marsaglia & Tsang (2000): drawn at shape + 1, then reduced to shape."""
    d = shape + 2 / 3
    c = 1 / math.sqrt(9 * d)
    logs = np.empty(count)
    pending = np.arange(count)
    while pending.size:
        radius, angle, chance = (_uniform(philox, pending.size) for _ in range(3))
        normal = np.sqrt(-2 * np.log(radius)) * np.cos(2 * np.pi * angle)
        cube = np.maximum(1 + c * normal, 0.0) ** 3
        log_cube = np.log(np.maximum(cube, 1e-300))
        taken = (cube > 0) & (np.log(chance) < normal**2 / 2 + d * (1 - cube + log_cube))
        logs[pending[taken]] = math.log(d) + log_cube[taken]
        pending = pending[~taken]
    return logs + np.log(_uniform(philox, count)) / shape


def _uniform(philox: np.random.Philox, count: int) -> Floats:
    """Uniform draws in (0, 1]."""
    return ((philox.random_raw(count) >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


def _philox(stream: int, seed: int, number: int) -> np.random.Philox:
    key = np.array([seed % 2**64, number], dtype=np.uint64)
    return np.random.Philox(key=key, counter=np.array([0, 0, 0, stream], dtype=np.uint64))
