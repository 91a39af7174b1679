"""`data prepare`: streams text into tokens on disk. Killed at any moment and run again, it writes the same bytes.

    (none) ──► .NAME.part: source.json ──► state.json, again and again ──► meta.json ──► renamed to NAME
                                           │                           ▲
                                           └── killed, full disk: run ─┘
                                               again, it reads on

The state holds how far the text was read and how long the token files were then. It is written only after they are on
the disk, and bytes beyond those lengths are cut off. A lock, which the kernel frees, excludes a second process.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from objectives.datasets import catalogue
from objectives.datasets.progress import ShowProgress
from objectives.datasets.sources import HubRows, Piece, Source, TextFiles, share
from objectives.datasets.tokenizers import Chars, CharScan, Tokenizer, Tokens, check_tokenizer, load_tokenizer
from storage.errors import StudyhallError, UsageError
from storage.files import replacing, sync
from storage.names import check_name

RULES = 1
"""The version of the rules for cutting and splitting text. Other rules give other bytes, so unfinished work of another
version cannot go on."""
CHECKPOINT_BYTES = 2**24  # of tokens between two states; a scan of text reads sixteen times as many
SPLITS = ("train", "val")


@dataclass(frozen=True)
class Preparation:
    """A dataset to prepare, checked as far as possible without the network."""

    name: str
    tokenizer: str
    val: float | None
    """The share of val; None: the split `validation` of a dataset that has one."""
    files: TextFiles | None
    hub: str | None
    force: bool

    @staticmethod
    def of(
        name: str, texts: Sequence[str], hub: str | None, tokenizer: str, val: float | None, force: bool = False
    ) -> Preparation:
        """Check the options of `data prepare`; raises UsageError."""
        if check_name(name, "data prepare") in catalogue.BUILT_IN:
            raise UsageError(f"data prepare: {name!r} is built in; choose another name")
        check_tokenizer(tokenizer)
        share(val)
        if bool(texts) == bool(hub):
            raise UsageError(
                f"data prepare: {'one' if hub else 'text is needed: one'} of --text FILES… or --hf DATASET"
            )
        if not texts:
            return Preparation(name, tokenizer, val, None, hub, force)
        files = TextFiles.of([Path(each) for each in texts], val)
        return Preparation(name, tokenizer, float(files.val), files, None, force)

    def open(self) -> Source:
        return self.files or HubRows(str(self.hub), self.val)

    @property
    def origin(self) -> dict[str, Any]:
        """The content of source.json."""
        source = {"text": self.files.stamp} if self.files else {"hf": self.hub}
        return {"rules": RULES, "tokenizer": self.tokenizer, "val": self.val, **source}


@dataclass(frozen=True)
class State:
    """The progress of a preparation: state.json."""

    stamp: Any
    total: int
    scanning: bool
    """Whether it is in the first of `char`'s two passes."""
    position: int = 0
    chars: str = ""
    train: int = 0
    val: int = 0
    """The valid bytes of the two files."""

    def at(self, position: int, **changes: Any) -> State:
        return replace(self, position=position, **changes)


def prepare(preparation: Preparation, show: ShowProgress) -> str:
    """Make the dataset, or go on where an earlier run stopped. Returns a line about the result.

    Raises:
        UsageError: Another dataset has that name, the text is not UTF-8, or a package or the network is missing.
        StudyhallError: The disk is full or fails.
    """
    folder = catalogue.datasets_folder() / preparation.name
    if _is_there(preparation, folder):
        return f"{preparation.name}: already prepared: {folder}"
    source, tokenizer = preparation.open(), load_tokenizer(preparation.tokenizer)
    try:
        with _alone(preparation.name):
            if _is_there(preparation, folder):
                return f"{preparation.name}: already prepared: {folder}"
            part = _part(preparation)
            if not (part / "meta.json").exists():
                with _removed_if_refused(part):
                    _make(part, source, tokenizer, preparation, show)
            _put(part, folder)
    except OSError as error:
        raise StudyhallError(
            f"data prepare: {error.filename or catalogue.part_of(preparation.name)} cannot be written:"
            f" {error.strerror}; run the same command to go on"
        ) from error
    meta = catalogue.read_json(folder / "meta.json")
    counts, size = meta["counts"], meta["vocab_size"]
    return f"{preparation.name}: {counts['train']} tokens train, {counts['val']} val, vocabulary {size}: {folder}"


def _is_there(preparation: Preparation, folder: Path) -> bool:
    """Whether this dataset is finished. Raises UsageError if another one has its name, unless it may be replaced."""
    if not folder.exists() or preparation.force:
        return False
    _check_same(preparation, folder)
    return True


def _check_same(preparation: Preparation, folder: Path) -> None:
    try:
        origin = catalogue.read_json(folder / "source.json")
    except StudyhallError:
        raise UsageError(f"data prepare: {folder} was not made by `data prepare`; --force replaces it") from None
    other = [key for key, value in preparation.origin.items() if origin.get(key) != value]
    if other:
        what = {"text": "files, or files that changed", "hf": "--hf", "rules": "rules"}.get(other[0], f"--{other[0]}")
        before = f" ({origin[other[0]]})" if other[0] in ("tokenizer", "val", "hf") and other[0] in origin else ""
        raise UsageError(f"data prepare: {preparation.name!r} was made from other {what}{before}; --force replaces it")


@contextmanager
def _alone(name: str) -> Iterator[None]:
    """Hold the lock of a name. The lock's file is removed at the end; a process that has locked a removed file tries
    again."""
    catalogue.datasets_folder().mkdir(parents=True, exist_ok=True)
    path = catalogue.datasets_folder() / f".{name}.lock"
    while True:
        with path.open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UsageError(f"data prepare: another process is preparing {name!r}") from None
            if not _is_same(path, lock.fileno()):
                continue
            try:
                yield
            finally:
                path.unlink(missing_ok=True)
            return


def _is_same(path: Path, descriptor: int) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    return False


@contextmanager
def _removed_if_refused(part: Path) -> Iterator[None]:
    """Remove the unfinished dataset of a text that is refused: the next run would refuse it too."""
    try:
        yield
    except UsageError:
        (part / "source.json").unlink(missing_ok=True)  # first: without it no later run uses the rest
        shutil.rmtree(part, ignore_errors=True)
        raise


def _part(preparation: Preparation) -> Path:
    """The folder of the unfinished dataset: the one that an earlier run left, or a new one."""
    part = catalogue.part_of(preparation.name)
    if (part / "source.json").exists():
        try:
            _check_same(preparation, part)
            return part
        except UsageError:
            if not preparation.force:
                raise
    (part / "source.json").unlink(missing_ok=True)  # first: without it no later run uses the rest
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    _write(part / "source.json", preparation.origin)
    return part


def _make(
    part: Path, source: Source, tokenizer: Tokenizer | CharScan, preparation: Preparation, show: ShowProgress
) -> None:
    state = _last_state(part, source, isinstance(tokenizer, CharScan))
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        if isinstance(tokenizer, CharScan):
            state = _scan(part, source, tokenizer, state, show) if state.scanning else state
            tokenizer = Chars(state.chars)
        dtype = np.dtype("<u2" if tokenizer.vocab_size <= 2**16 else "<u4")
        state = _encode(part, source, tokenizer, dtype, state, pool, show)
    sizes = {"train": state.train, "val": state.val}
    for split, size in sizes.items():
        if not size:
            raise UsageError(f"data prepare: {split} would be empty; another --val is needed")
    meta = {
        "vocab_size": tokenizer.vocab_size,
        "dtype": dtype.name,
        "tokenizer": preparation.tokenizer,
        "val": preparation.val,
        "counts": {split: size // dtype.itemsize for split, size in sizes.items()},
        "sha256": {f"{split}.bin": _digest(part / f"{split}.bin") for split in SPLITS},
    }
    _write(part / "meta.json", {**meta, "chars": state.chars} if state.chars else meta)


def _last_state(part: Path, source: Source, scanning: bool) -> State:
    """The last saved state, if the text is unchanged and the files are long enough; else the first state."""
    new = State(json.loads(json.dumps(source.stamp)), source.total, scanning)
    try:
        found = State(**catalogue.read_json(part / "state.json"))
        long_enough = all((part / f"{split}.bin").stat().st_size >= getattr(found, split) for split in SPLITS)
    except (StudyhallError, TypeError, OSError):
        return new
    return found if found.stamp == new.stamp and long_enough else new


def _scan(part: Path, source: Source, scan: CharScan, state: State, show: ShowProgress) -> State:
    """The first of `char`'s two passes: collect the text's characters."""
    scan.add(state.chars.encode())
    if source.documents:
        scan.add(b"\n")
    saved = done = 0
    for batch in source.batches(state.position):
        for piece in batch.pieces:
            with _utf8(piece):
                scan.add(piece.text)
            done += len(piece.text)
        if batch.position is None:
            continue
        show("looking for characters", batch.position, state.total)
        if done - saved >= 16 * CHECKPOINT_BYTES:
            _save(part, state.at(batch.position, chars=scan.chars), ())
            saved = done
    return state.at(0, chars=scan.chars, scanning=False)


def _encode(
    part: Path,
    source: Source,
    tokenizer: Tokenizer,
    dtype: np.dtype[Any],
    state: State,
    pool: ThreadPoolExecutor,
    show: ShowProgress,
) -> State:
    """Append the tokens of the unread text. Returns the final state, when everything is on the disk."""

    def tokens_of(piece: Piece) -> Tokens:
        with _utf8(piece):
            tokens = tokenizer.encode(piece.text)
        if piece.ends and source.documents:
            tokens = np.concatenate([tokens, np.array(tokenizer.ending, dtype=dtype)])
        if len(tokens) and int(tokens.max()) >= tokenizer.vocab_size:
            raise UsageError(f"{piece.where} changed while it was read")
        return tokens.astype(dtype, copy=False)

    with ExitStack() as opened:
        files = [opened.enter_context((part / f"{split}.bin").open("ab")) for split in SPLITS]
        sizes = [state.train, state.val]
        for file, size in zip(files, sizes, strict=True):
            file.truncate(size)
        _save(part, state, files)
        for batch in source.batches(state.position):
            for piece, tokens in zip(batch.pieces, pool.map(tokens_of, batch.pieces), strict=True):
                sizes[piece.is_val] += files[piece.is_val].write(tokens.tobytes())
            if batch.position is None:
                continue
            show("writing tokens", batch.position, state.total)
            now = state.at(batch.position, train=sizes[0], val=sizes[1])
            if sum(sizes) - state.train - state.val >= CHECKPOINT_BYTES or now.position == now.total:
                _save(part, now, files)
                state = now
    return state


@contextmanager
def _utf8(piece: Piece) -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{piece.where} is not UTF-8 at byte {piece.at + error.start}; --tokenizer bytes reads any file"
        ) from error


def _save(part: Path, state: State, files: Sequence[BinaryIO]) -> None:
    for file in files:
        file.flush()
        os.fsync(file.fileno())  # before the state counts these bytes
    _write(part / "state.json", asdict(state))


def _put(part: Path, folder: Path) -> None:
    """Rename the finished dataset, in the place of an older one."""
    old = folder.with_name(f".{folder.name}.old")
    (part / "state.json").unlink(missing_ok=True)
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    part.rename(folder)
    sync(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def _write(path: Path, content: object) -> None:
    with replacing(path, durable=True, sole=True) as aside, aside.open("w") as file:
        json.dump(content, file, allow_nan=False)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
