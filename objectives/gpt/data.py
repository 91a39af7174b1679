"""The text a model learns from: where it lies, whether it can serve, its fingerprint, and its batches.

A dataset is a folder with train.bin and val.bin, uint16 tokens one after the other, as nanoGPT's users have
them, and meta.json with `vocab_size` unless the config gives it. A pickle is never loaded.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from objectives.gpt import gssm, stdlib
from objectives.gpt.config import GptConfig
from objectives.gssm.source import Source
from storage.errors import UsageError

_FILES = ("train.bin", "val.bin", "meta.json")
_PIECE = 2**24  # bytes read at once
_CHECKED_PLACES, _CHECKED_TOKENS = 64, 4096  # where, and how much, a token file is looked at before use


@dataclass(frozen=True)
class Data:
    """An opened dataset; the tokens stay on disk until they are drawn."""

    train: NDArray[np.uint16]
    val: NDArray[np.uint16]
    vocab_size: int
    source: Source | None = None
    """Of dataset `gssm`: train is drawn from it, and empty here."""

    @property
    def train_tokens(self) -> float:
        """How many there are to learn from: no end of them, where they are drawn."""
        return len(self.train) if self.source is None else math.inf


def check_data(config: GptConfig) -> int:
    """The vocabulary's size, if the dataset can serve this config; UsageError if not. Looks at sizes only."""
    if config.dataset == "gssm":
        return gssm.check(config)
    if config.dataset == "stdlib":
        if config.vocab_size is not None and config.vocab_size < stdlib.VOCAB_SIZE:
            raise UsageError(f"config: vocab_size is {config.vocab_size}; dataset 'stdlib' has bytes: 256 is needed")
        sources = stdlib.find_sources()
        for name, files in (("train", sources.train), ("val", sources.val)):
            _check_length(config, f"dataset 'stdlib': {name}", sum(size for _, size in files))
        return config.vocab_size or stdlib.VOCAB_SIZE
    folder = _folder(config)
    for name in ("train.bin", "val.bin"):
        path = folder / name
        if not path.is_file():
            raise UsageError(f"dataset: {folder} has no {name}; uint16 tokens are needed in train.bin and val.bin")
        size = path.stat().st_size
        if size % 2:
            raise UsageError(f"dataset: {path} has {size} bytes, an odd number; its tokens must be uint16")
        _check_length(config, f"dataset: {path}", size // 2)
    return config.vocab_size or _vocab_size_of(folder)


def open_data(config: GptConfig) -> Data:
    """Map the tokens into memory. A look at 64 places of each file that finds tokens beyond: UsageError."""
    vocab_size = check_data(config)
    if config.dataset == "gssm":
        source = gssm.make_source(config)
        val = gssm.val_sequences(source, config)
        return Data(val[:0], val, vocab_size, source)
    folder = _folder(config)
    train, val = (_open_tokens(folder / name, vocab_size) for name in ("train.bin", "val.bin"))
    return Data(train, val, vocab_size)


def fingerprint_data(config: GptConfig) -> str:
    """SHA-256, hexadecimal, of the dataset's files; kept beside them, and good while sizes and times stay.

    The one place that reads every token: UsageError where one is beyond the vocabulary.
    """
    vocab_size = check_data(config)
    if config.dataset == "gssm":
        return gssm.make_source(config).sha256
    folder = _folder(config)
    known = _describe(folder)
    for name, largest in known["largest"].items():
        _check_token(folder / name, largest, vocab_size)
    return str(known["sha256"])


def _describe(folder: Path) -> dict[str, Any]:
    """The fingerprint of a folder and the largest token of each file, which only reading it all can tell."""
    files = [folder / name for name in _FILES if (folder / name).is_file()]
    stats = [[each.name, each.stat().st_size, each.stat().st_mtime_ns] for each in files]
    cache = folder / "fingerprint.json"
    with suppress(OSError, ValueError, KeyError, TypeError):  # not there yet, or not ours: made again
        kept = json.loads(cache.read_text())
        if kept["files"] == stats and kept["sha256"] and kept["largest"]:
            return dict(kept)
    total, largest = hashlib.sha256(), dict[str, int]()
    for each in files:
        digest = hashlib.sha256()
        with each.open("rb") as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
                if each.suffix == ".bin":
                    highest = int(np.frombuffer(piece, dtype="<u2").max())
                    largest[each.name] = max(highest, largest.get(each.name, 0))
        total.update(f"{each.name} {digest.hexdigest()}\n".encode())
    found = {"files": stats, "sha256": total.hexdigest(), "largest": largest}
    _keep(cache, found)
    return found


def train_batch(data: Data, config: GptConfig, seed: int, iteration: int) -> tuple[Tensor, Tensor]:
    """Tokens and their successors, (batch, time) int64, placed by `seed` and `iteration` alone."""
    if data.source is not None:
        tokens = gssm.train_sequences(data.source, config, seed, iteration)
        return _windows(tokens, np.arange(config.batch_size) * (config.block_size + 1), config.block_size)
    # Philox is a function of its key; its raw words, unlike numpy's integers(), are the same for ever.
    key = np.array([seed % 2**64, iteration], dtype=np.uint64)
    raw = np.random.Philox(key=key).random_raw(config.batch_size)
    starts = (raw % np.uint64(len(data.train) - config.block_size)).astype(np.int64)
    return _windows(data.train, starts, config.block_size)


def count_val_batches(data: Data, config: GptConfig) -> int:
    """`eval_iters`, or as many as read val once, if that is less: more would say nothing new."""
    return min(config.eval_iters, max(1, (len(data.val) - 1) // config.tokens_per_iteration))


def val_batch(data: Data, config: GptConfig, index: int) -> tuple[Tensor, Tensor]:
    """One of `count_val_batches`: windows spread evenly over val, the same for every seed and every model."""
    windows = count_val_batches(data, config) * config.batch_size
    places = np.arange(index * config.batch_size, (index + 1) * config.batch_size)
    starts = places * (len(data.val) - config.block_size - 1) // max(1, windows - 1)
    return _windows(data.val, starts, config.block_size)


def _windows(tokens: NDArray[np.uint16], starts: NDArray[np.int64], size: int) -> tuple[Tensor, Tensor]:
    window = torch.from_numpy(tokens[starts[:, None] + np.arange(size + 1)].astype(np.int64))
    return window[:, :-1].contiguous(), window[:, 1:].contiguous()


def _folder(config: GptConfig) -> Path:
    if config.dataset == "stdlib":
        return stdlib.make(stdlib.find_sources())
    folder = Path(config.dataset)
    with suppress(RuntimeError):  # a ~user that nobody is
        folder = folder.expanduser()
    if not config.dataset or not folder.is_dir():
        raise UsageError(
            f"config: dataset is {config.dataset!r}; 'stdlib' or a folder with train.bin, val.bin is needed;"
            f" {folder.absolute()} is {'not a folder' if folder.exists() else 'not there'}"
        )
    return folder


def _vocab_size_of(folder: Path) -> int:
    path = folder / "meta.json"
    try:
        meta: Any = json.loads(path.read_text())
    except FileNotFoundError:
        pickled = "; meta.pkl is a pickle, which is never loaded" if (folder / "meta.pkl").exists() else ""
        raise UsageError(f"dataset: {folder} has no meta.json: give vocab_size in the config{pickled}") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"dataset: {path} cannot be read as JSON: {error}") from error
    size = meta.get("vocab_size") if isinstance(meta, dict) else None
    if type(size) is not int or not 1 <= size <= 2**16:
        raise UsageError(f"dataset: {path} gives vocab_size {size!r}; a whole number from 1 to 65536 is needed")
    return size


def _check_length(config: GptConfig, what: str, tokens: int) -> None:
    if tokens < config.block_size + 1:
        raise UsageError(f"{what} has {tokens} tokens; block_size {config.block_size} needs {config.block_size + 1}")


def _open_tokens(path: Path, vocab_size: int) -> NDArray[np.uint16]:
    try:
        tokens: NDArray[np.uint16] = np.asarray(np.memmap(path, dtype="<u2", mode="r"))
    except OSError as error:
        raise UsageError(f"dataset: {path} cannot be read: {error.strerror}") from error
    last = max(0, len(tokens) - _CHECKED_TOKENS)
    for start in sorted({last * place // (_CHECKED_PLACES - 1) for place in range(_CHECKED_PLACES)}):
        _check_token(path, int(tokens[start : start + _CHECKED_TOKENS].max()), vocab_size)
    return tokens


def _check_token(path: Path, token: int, vocab_size: int) -> None:
    if token >= vocab_size:
        raise UsageError(f"dataset: {path} holds token {token}; vocab_size {vocab_size} ends at {vocab_size - 1}")


def _keep(cache: Path, content: Any) -> None:
    """Write aside and rename. In a folder that cannot be written to, the next one reads it all again."""
    aside = cache.with_name(f".{cache.name}.{os.getpid()}")
    with suppress(OSError):
        aside.write_text(json.dumps(content))
        aside.replace(cache)
