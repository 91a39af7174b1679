"""The objective `difficulty`: how hard a synthetic problem is, as the bytes per token after zlib's compression.

objective(config, trial)   draw a random graph and its sequences, return METRICS; it trains nothing
validate(config)           why a config cannot run, or None
cost(config)               the number of tokens
fingerprint(config)        a hash of a sample that this machine's zlib compressed

The config gives a graph (objectives/gssm/graph.py) and `batch` sequences of `length` tokens. The trial's seed draws
both the tables and the sequences, so that repeats measure the kind of problem, not a single instance.
"""

from __future__ import annotations

import hashlib
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from objectives.gssm.graph import GRAPH_KEYS, Graph, parse_graph
from objectives.gssm.source import TRAIN, Source
from storage.checks import check_keys, check_whole
from storage.errors import UsageError

METRICS = (
    "difficulty",  # compressed bytes per token
    "distance",  # |difficulty - target|
    "entropy",  # bits per token, from the tokens' frequencies alone
)
MAX_TOKENS = 2**27  # 1 GiB as int64
_OWN_KEYS = ("dataset", "batch", "length", "target")


class Trial(Protocol):
    """The part of a trial that this objective uses."""

    @property
    def seed(self) -> int: ...


@dataclass(frozen=True)
class _Config:
    graph: Graph
    batch: int
    length: int
    target: float

    @classmethod
    def parse(cls, config: Mapping[str, Any]) -> _Config:
        """Read a config; raises UsageError for the first fault."""
        check_keys(config, ("seed", *_OWN_KEYS, *GRAPH_KEYS), "config")
        if config.get("dataset", "gssm") != "gssm":
            raise UsageError(f"config: dataset is {config['dataset']!r}; difficulty measures 'gssm'")
        target = config.get("target", 0.75)
        if not isinstance(target, int | float) or isinstance(target, bool) or not 0 <= target <= 8:
            raise UsageError(f"config: target is {target!r}; bytes per token, from 0 to 8, are needed")
        batch = check_whole(config.get("batch", 1024), "config: batch", 1, MAX_TOKENS)
        length = check_whole(config.get("length", 2048), "config: length", 1, MAX_TOKENS)
        if batch * length > MAX_TOKENS:
            raise UsageError(f"config: batch * length is {batch * length:,} tokens; {MAX_TOKENS:,} are allowed")
        graph = parse_graph({key: value for key, value in config.items() if key in GRAPH_KEYS}, "config")
        return cls(graph, batch, length, float(target))


def objective(config: Mapping[str, Any], trial: Trial) -> Mapping[str, float]:
    """Draw one problem and measure it: METRICS."""
    parsed = _Config.parse(config)
    source = Source.make(parsed.graph, trial.seed)
    tokens = source.draw(parsed.batch, parsed.length, TRAIN, trial.seed)
    difficulty = bytes_a_token(tokens)
    return {
        "difficulty": difficulty,
        "distance": abs(difficulty - parsed.target),
        "entropy": entropy(tokens),
    }


def validate(config: Mapping[str, Any]) -> str | None:
    """Why this config cannot run, in one line, or None. Draws nothing."""
    try:
        _Config.parse(config)
    except UsageError as error:
        return str(error)
    return None


def cost(config: Mapping[str, Any]) -> Mapping[str, float]:
    """How many tokens it draws."""
    parsed = _Config.parse(config)
    return {"tokens": float(parsed.batch * parsed.length)}


def fingerprint(config: Mapping[str, Any]) -> Mapping[str, str]:
    """SHA-256 of a compressed sample: another zlib compresses to other bytes and would measure something else."""
    sample = Source.make(parse_graph({}, "sample"), 0).draw(16, 1024, TRAIN, 0)
    return {"zlib": hashlib.sha256(_compressed(sample)).hexdigest()}


def bytes_a_token(tokens: NDArray[np.uint16]) -> float:
    """len(zlib.compress(buffer, 9)) / tokens, where the buffer holds one sequence after the other as int64.

    It serves to compare problems; it does not estimate their entropy.
    """
    return len(_compressed(tokens)) / tokens.size


def entropy(tokens: NDArray[np.uint16]) -> float:
    """The entropy of the distribution of single tokens, in bits per token."""
    counts = np.bincount(tokens.ravel())
    shares = counts[counts > 0] / tokens.size
    return math.fsum(-share * math.log2(share) for share in shares.tolist())


def _compressed(tokens: NDArray[np.uint16]) -> bytes:
    return zlib.compress(tokens.astype("<i8").data, 9)
