"""`data prepare`: text into tokens on disk, streaming. Killed at any moment and run again, it ends with the same bytes.

    (none) ──► .NAME.part: source.json ──► state.json, again and again ──► meta.json ──► renamed to NAME
                                           │                           ▲
                                           └── killed, full disk: run ─┘
                                               again, it reads on

The state says how far the text was read and how long the token files were then; it is written only after they are on
the disk, and what they hold beyond it is cut off. A lock that the kernel frees keeps two processes apart.
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
from objectives.datasets.progress import Tell
from objectives.datasets.sources import HubRows, Piece, Source, TextFiles, share
from objectives.datasets.tokenizers import Chars, CharScan, Tokenizer, Tokens, check_tokenizer, load_tokenizer
from storage.errors import StudyhallError, UsageError
from storage.files import replacing, sync
from storage.names import check_name

RULES = 1
"""How text is cut and split: other rules give other bytes, so what was begun under them cannot go on."""
CHECKPOINT = 2**24  # bytes of tokens, or of looked at text, between two states
SPLITS = ("train", "val")


@dataclass(frozen=True)
class Order:
    """What to prepare, checked as far as that needs neither the network nor much time."""

    name: str
    tokenizer: str
    val: float | None
    """Share; None: the split `validation` of a dataset that has one."""
    files: TextFiles | None
    hub: str | None
    force: bool

    @staticmethod
    def of(
        name: str, texts: Sequence[str], hub: str | None, tokenizer: str, val: float | None, force: bool = False
    ) -> Order:
        """Raises UsageError."""
        if check_name(name, "data prepare") in catalogue.BUILT_IN:
            raise UsageError(f"data prepare: {name!r} is there without being prepared; another name is needed")
        check_tokenizer(tokenizer)
        share(val)
        if bool(texts) == bool(hub):
            raise UsageError(
                f"data prepare: {'one' if hub else 'text is needed: one'} of --text FILES… or --hf DATASET"
            )
        if not texts:
            return Order(name, tokenizer, val, None, hub, force)
        files = TextFiles.of([Path(each) for each in texts], val)
        return Order(name, tokenizer, float(files.val), files, None, force)

    def open(self) -> Source:
        return self.files or HubRows(str(self.hub), self.val)

    @property
    def origin(self) -> dict[str, Any]:
        """What source.json holds."""
        source = {"text": self.files.stamp} if self.files else {"hf": self.hub}
        return {"rules": RULES, "tokenizer": self.tokenizer, "val": self.val, **source}


@dataclass(frozen=True)
class State:
    """How far it is: state.json."""

    stamp: Any
    total: int
    scanning: bool
    """The first of `char`'s two passes."""
    position: int = 0
    chars: str = ""
    train: int = 0
    val: int = 0
    """Bytes of the two files that count."""

    def at(self, position: int, **changes: Any) -> State:
        return replace(self, position=position, **changes)


def prepare(order: Order, tell: Tell) -> str:
    """Make the dataset, or go on making it; what to say at the end.

    Raises:
        UsageError: There is another dataset of that name, the text is not UTF-8, a package or the network is missing.
        StudyhallError: The disk is full, or fails.
    """
    folder = catalogue.place() / order.name
    if _is_there(order, folder):
        return f"{order.name}: already there: {folder}"
    source, tokenizer = order.open(), load_tokenizer(order.tokenizer)
    try:
        with _alone(order.name):
            if _is_there(order, folder):
                return f"{order.name}: already there: {folder}"
            part = _part(order)
            if not (part / "meta.json").exists():
                with _refused_leaves_nothing(part):
                    _make(part, source, tokenizer, order, tell)
            _put(part, folder)
    except OSError as error:
        raise StudyhallError(
            f"data prepare: {error.filename or catalogue.part_of(order.name)} cannot be written: {error.strerror};"
            " run again, it goes on from where it was"
        ) from error
    meta = catalogue.read_json(folder / "meta.json")
    counts, size = meta["counts"], meta["vocab_size"]
    return f"{order.name}: {counts['train']} tokens train, {counts['val']} val, vocabulary {size}: {folder}"


def _is_there(order: Order, folder: Path) -> bool:
    """Whether this very dataset is finished; UsageError if another is, unless it may go."""
    if not folder.exists() or order.force:
        return False
    _check_same(order, folder)
    return True


def _check_same(order: Order, folder: Path) -> None:
    try:
        origin = catalogue.read_json(folder / "source.json")
    except StudyhallError:
        raise UsageError(f"data prepare: {folder} is there, made by something else; --force replaces it") from None
    other = [key for key, value in order.origin.items() if origin.get(key) != value]
    if other:
        what = {"text": "files, or files that changed", "hf": "--hf", "rules": "rules"}.get(other[0], f"--{other[0]}")
        before = f" ({origin[other[0]]})" if other[0] in ("tokenizer", "val", "hf") and other[0] in origin else ""
        raise UsageError(f"data prepare: {order.name!r} was made from other {what}{before}; --force replaces it")


@contextmanager
def _alone(name: str) -> Iterator[None]:
    """Hold the name's lock. Its file goes with it; who opened it before has locked what is no longer there, and looks
    again."""
    catalogue.place().mkdir(parents=True, exist_ok=True)
    path = catalogue.place() / f".{name}.lock"
    while True:
        with path.open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UsageError(f"data prepare: another process is preparing {name!r} just now") from None
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
def _refused_leaves_nothing(part: Path) -> Iterator[None]:
    """What was written of a text that cannot be used goes: to run again would be refused again."""
    try:
        yield
    except UsageError:
        (part / "source.json").unlink(missing_ok=True)  # first: without it nobody goes on with what is left
        shutil.rmtree(part, ignore_errors=True)
        raise


def _part(order: Order) -> Path:
    """The folder that it is made in: what is there of this order, else a new one."""
    part = catalogue.part_of(order.name)
    if (part / "source.json").exists():
        try:
            _check_same(order, part)
            return part
        except UsageError:
            if not order.force:
                raise
    (part / "source.json").unlink(missing_ok=True)  # first: without it nobody goes on with what is left
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    _write(part / "source.json", order.origin)
    return part


def _make(part: Path, source: Source, tokenizer: Tokenizer | CharScan, order: Order, tell: Tell) -> None:
    state = _last_state(part, source, isinstance(tokenizer, CharScan))
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        if isinstance(tokenizer, CharScan):
            state = _scan(part, source, tokenizer, state, tell) if state.scanning else state
            tokenizer = Chars(state.chars)
        dtype = np.dtype("<u2" if tokenizer.vocab_size <= 2**16 else "<u4")
        state = _encode(part, source, tokenizer, dtype, state, pool, tell)
    sizes = {"train": state.train, "val": state.val}
    for split, size in sizes.items():
        if not size:
            raise UsageError(f"data prepare: {split} would be empty; another --val is needed")
    meta = {
        "vocab_size": tokenizer.vocab_size,
        "dtype": dtype.name,
        "tokenizer": order.tokenizer,
        "val": order.val,
        "counts": {split: size // dtype.itemsize for split, size in sizes.items()},
        "sha256": {f"{split}.bin": _digest(part / f"{split}.bin") for split in SPLITS},
    }
    _write(part / "meta.json", {**meta, "chars": state.chars} if state.chars else meta)


def _last_state(part: Path, source: Source, scanning: bool) -> State:
    """What was reached, if the text is still the same and the files are as long as they were."""
    new = State(json.loads(json.dumps(source.stamp)), source.total, scanning)
    try:
        found = State(**catalogue.read_json(part / "state.json"))
        there = all((part / f"{split}.bin").stat().st_size >= getattr(found, split) for split in SPLITS)
    except (StudyhallError, TypeError, OSError):
        return new
    return found if found.stamp == new.stamp and there else new


def _scan(part: Path, source: Source, scan: CharScan, state: State, tell: Tell) -> State:
    """The first of `char`'s two passes: which characters there are."""
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
        tell("looking for characters", batch.position, state.total)
        if done - saved >= 16 * CHECKPOINT:
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
    tell: Tell,
) -> State:
    """Append the tokens of what is not read yet; the state at the end, with everything on the disk."""

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
            tell("writing tokens", batch.position, state.total)
            now = state.at(batch.position, train=sizes[0], val=sizes[1])
            if sum(sizes) - state.train - state.val >= CHECKPOINT or now.position == now.total:
                _save(part, now, files)
                state = now
    return state


@contextmanager
def _utf8(piece: Piece) -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{piece.where} is not UTF-8 at byte {piece.at + error.start}; --tokenizer bytes takes anything"
        ) from error


def _save(part: Path, state: State, files: Sequence[BinaryIO]) -> None:
    for file in files:
        file.flush()
        os.fsync(file.fileno())  # before the state says that it is there
    _write(part / "state.json", asdict(state))


def _put(part: Path, folder: Path) -> None:
    """Give what is finished its name, in the place of what had it."""
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
