"""A training's data: its folder, its checks, its fingerprint, and its batches.

A dataset is `stdlib`, `gssm` (drawn when needed: gssm.py), the name of a dataset that `data prepare` made, or a folder
with train.bin and val.bin: tokens one after the other, uint16 as in nanoGPT, or of the `dtype` in meta.json. Its
`vocab_size` comes from meta.json or from the config. A pickle is never loaded.
"""

from __future__ import annotations

import hashlib
import json
import math
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from objectives.datasets import catalogue
from objectives.gpt import gssm, stdlib
from objectives.gpt.config import GptConfig
from objectives.gssm.source import Source
from storage.errors import UsageError, nearest
from storage.files import replacing

_TOKEN_TYPES: dict[str, np.dtype[Any]] = {"uint16": np.dtype("<u2"), "uint32": np.dtype("<u4")}
_FILES = ("train.bin", "val.bin", "meta.json")
_READ_BYTES = 2**24  # at once
_CHECKED_PLACES, _CHECKED_TOKENS = 64, 4096  # a token file is sampled at this many places, of this many tokens each

Tokens = NDArray[np.unsignedinteger[Any]]


@dataclass(frozen=True)
class Data:
    """An open dataset; its tokens stay on disk until a batch needs them."""

    train: Tokens
    val: Tokens
    vocab_size: int
    source: Source | None = None
    """The source of dataset `gssm`, from which train is drawn; `train` is empty then."""

    @property
    def train_tokens(self) -> float:
        """How many tokens train has; infinitely many where they are drawn."""
        return len(self.train) if self.source is None else math.inf


def check_data(config: GptConfig) -> int:
    """The vocabulary's size; raises UsageError if the dataset does not suit this config. Looks at sizes only."""
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
    kind = _type_of(folder)
    for name in ("train.bin", "val.bin"):
        path = folder / name
        if not path.is_file():
            raise UsageError(f"dataset: {folder} has no {name}; {kind.name} tokens are needed in train.bin and val.bin")
        size = path.stat().st_size
        if size % kind.itemsize:
            odd = "an odd number" if kind.itemsize == 2 else f"no multiple of {kind.itemsize}"
            raise UsageError(f"dataset: {path} has {size} bytes, {odd}; its tokens must be {kind.name}")
        _check_length(config, f"dataset: {path}", size // kind.itemsize)
    return config.vocab_size or _vocab_size_of(folder, kind)


def open_data(config: GptConfig) -> Data:
    """Map the tokens into memory. Raises UsageError if a sample of each file holds a token beyond the vocabulary."""
    vocab_size = check_data(config)
    if config.dataset == "gssm":
        source = gssm.make_source(config)
        val = gssm.val_sequences(source, config)
        return Data(val[:0], val, vocab_size, source)
    folder = _folder(config)
    kind = _type_of(folder)
    train, val = (_open_tokens(folder / name, kind, vocab_size) for name in ("train.bin", "val.bin"))
    return Data(train, val, vocab_size)


def fingerprint_data(config: GptConfig) -> str:
    """SHA-256, hexadecimal, of the dataset's files; stored beside them, and valid while their sizes and times stay.

    Only this function reads every token: it raises UsageError for a token beyond the vocabulary.
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
    """The fingerprint of a folder and the largest token of each file; reads the files whole."""
    kind = _type_of(folder)
    files = [folder / name for name in _FILES if (folder / name).is_file()]
    stats = [[each.name, each.stat().st_size, each.stat().st_mtime_ns] for each in files]
    cache = folder / "fingerprint.json"
    with suppress(OSError, ValueError, KeyError, TypeError):  # missing or damaged: computed again
        kept = json.loads(cache.read_text())
        if kept["files"] == stats and kept["sha256"] and kept["largest"]:
            return dict(kept)
    total, largest = hashlib.sha256(), dict[str, int]()
    for each in files:
        digest = hashlib.sha256()
        with each.open("rb") as file:
            while piece := file.read(_READ_BYTES):
                digest.update(piece)
                if each.suffix == ".bin":
                    highest = int(np.frombuffer(piece, kind).max())
                    largest[each.name] = max(highest, largest.get(each.name, 0))
        total.update(f"{each.name} {digest.hexdigest()}\n".encode())
    found = {"files": stats, "sha256": total.hexdigest(), "largest": largest}
    _store(cache, found)
    return found


def train_batch(data: Data, config: GptConfig, seed: int, iteration: int) -> tuple[Tensor, Tensor]:
    """Tokens and their successors, int64 of shape (batch, time), chosen by `seed` and `iteration` alone."""
    if data.source is not None:
        tokens = gssm.train_sequences(data.source, config, seed, iteration)
        return _windows(tokens, np.arange(config.batch_size) * (config.block_size + 1), config.block_size)
    # Philox is a function of its key; its raw words, unlike numpy's integers(), are the same in every version.
    key = np.array([seed % 2**64, iteration], dtype=np.uint64)
    raw = np.random.Philox(key=key).random_raw(config.batch_size)
    starts = (raw % np.uint64(len(data.train) - config.block_size)).astype(np.int64)
    return _windows(data.train, starts, config.block_size)


def count_val_batches(data: Data, config: GptConfig) -> int:
    """`eval_iters`, or fewer if these read all of val."""
    return min(config.eval_iters, max(1, (len(data.val) - 1) // config.tokens_per_iteration))


def val_batch(data: Data, config: GptConfig, index: int) -> tuple[Tensor, Tensor]:
    """Batch `index` of `count_val_batches`: windows spread evenly over val, the same for every seed and model."""
    windows = count_val_batches(data, config) * config.batch_size
    windows_here = np.arange(index * config.batch_size, (index + 1) * config.batch_size)
    starts = windows_here * (len(data.val) - config.block_size - 1) // max(1, windows - 1)
    return _windows(data.val, starts, config.block_size)


def _windows(tokens: Tokens, starts: NDArray[np.int64], size: int) -> tuple[Tensor, Tensor]:
    window = torch.from_numpy(tokens[starts[:, None] + np.arange(size + 1)].astype(np.int64))
    return window[:, :-1].contiguous(), window[:, 1:].contiguous()


def _folder(config: GptConfig) -> Path:
    if config.dataset == "stdlib":
        return stdlib.make(stdlib.find_sources())
    named = catalogue.names()
    if config.dataset in named:  # it comes before a folder of that name here, which is ./NAME
        return catalogue.datasets_folder() / config.dataset
    folder = Path(config.dataset)
    with suppress(RuntimeError):  # a ~user that does not exist
        folder = folder.expanduser()
    if not config.dataset or not folder.is_dir():
        there = f"{folder.absolute()} is not {'a folder' if folder.exists() else 'there'}"
        known = nearest(config.dataset, ["stdlib", "gssm", *named])
        hint = catalogue.begun(config.dataset) or catalogue.recipe(config.dataset) or there + known
        raise UsageError(
            f"config: dataset is {config.dataset!r}; 'stdlib' or a folder with train.bin, val.bin is needed,"
            f" or the name of one that `data prepare` made; {hint}"
        )
    if catalogue.is_unfinished(folder):
        raise UsageError(f"config: dataset is {config.dataset!r}; it is not finished: run `data prepare` again")
    return folder


def _meta_of(folder: Path) -> dict[str, Any] | None:
    """The content of meta.json; None without that file."""
    path = folder / "meta.json"
    try:
        meta: Any = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise UsageError(f"dataset: {path} cannot be read as JSON: {error}") from error
    return meta if isinstance(meta, dict) else {}


def _type_of(folder: Path) -> np.dtype[Any]:
    """The tokens' type: uint16 unless meta.json says otherwise."""
    name = (_meta_of(folder) or {}).get("dtype", "uint16")
    kind = _TOKEN_TYPES.get(str(name))
    if kind is None:
        raise UsageError(f"dataset: {folder / 'meta.json'} gives dtype {name!r}{nearest(str(name), _TOKEN_TYPES)}")
    return kind


def _vocab_size_of(folder: Path, kind: np.dtype[Any]) -> int:
    meta = _meta_of(folder)
    if meta is None:
        pickled = "; meta.pkl is a pickle, which is never loaded" if (folder / "meta.pkl").exists() else ""
        raise UsageError(f"dataset: {folder} has no meta.json: give vocab_size in the config{pickled}")
    size, limit = meta.get("vocab_size"), 2 ** (8 * kind.itemsize)
    if type(size) is not int or not 1 <= size <= limit:
        path = folder / "meta.json"
        raise UsageError(f"dataset: {path} gives vocab_size {size!r}; a whole number from 1 to {limit} is needed")
    return size


def _check_length(config: GptConfig, what: str, tokens: int) -> None:
    if tokens < config.block_size + 1:
        raise UsageError(f"{what} has {tokens} tokens; block_size {config.block_size} needs {config.block_size + 1}")


def _open_tokens(path: Path, kind: np.dtype[Any], vocab_size: int) -> Tokens:
    try:
        tokens: Tokens = np.asarray(np.memmap(path, dtype=kind, mode="r"))
    except OSError as error:
        raise UsageError(f"dataset: {path} cannot be read: {error.strerror}") from error
    last = max(0, len(tokens) - _CHECKED_TOKENS)
    for start in sorted({last * place // (_CHECKED_PLACES - 1) for place in range(_CHECKED_PLACES)}):
        _check_token(path, int(tokens[start : start + _CHECKED_TOKENS].max()), vocab_size)
    return tokens


def _check_token(path: Path, token: int, vocab_size: int) -> None:
    if token >= vocab_size:
        raise UsageError(f"dataset: {path} holds token {token}; vocab_size {vocab_size} ends at {vocab_size - 1}")


def _store(cache: Path, content: Any) -> None:
    """Write aside and rename. Without the right to write there, the next process reads the files again."""
    with suppress(OSError), replacing(cache) as aside:
        aside.write_text(json.dumps(content))
