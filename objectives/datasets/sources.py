"""Sources of text: files, or a dataset of the Hugging Face hub. They are read in pieces, from any position on.

The pieces depend on the text alone, so that reading on from a position gives the same pieces and the same split as
reading through. The split does not depend on the tokenizer either.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

from objectives.datasets.quiet import quiet
from objectives.datasets.tokenizers import need_package
from storage.errors import UsageError, nearest, one_line

MAX_PIECE_BYTES = 2**18  # some tokenizers take a hundred times as much memory
BATCH_PIECES = 8  # read at once
BATCH_ROWS = 64  # read at once
MAX_MAPPED_BYTES = 2**26  # of rows that were read, before their memory is released
_DEFAULT_VAL = Fraction(1, 10)


@dataclass(frozen=True)
class Piece:
    """Text of one document, cut after a line, or between two characters of a line that is longer than a piece."""

    text: bytes
    is_val: bool
    where: str
    at: int
    """Its offset in `where`, in bytes."""
    ends: bool = False
    """Whether the document ends here."""


@dataclass(frozen=True)
class Batch:
    """Some pieces, and the position after them, from which reading can go on; None inside a row."""

    pieces: Sequence[Piece]
    position: int | None


class Source(Protocol):
    """Text that can be read from any position on, with the same result each time."""

    @property
    def unit(self) -> str: ...

    @property
    def documents(self) -> bool:
        """Whether it consists of documents, each of which gets an end."""
        ...

    @property
    def total(self) -> int:
        """The number of positions, in `unit`."""
        ...

    @property
    def stamp(self) -> Any:
        """A value that changes when the text does."""
        ...

    def batches(self, position: int) -> Iterator[Batch]: ...


@dataclass(frozen=True)
class TextFile:
    """A file, with its size and time when it was first seen."""

    path: Path
    size: int
    mtime_ns: int

    @staticmethod
    def of(path: Path) -> TextFile:
        """Check a file; raises UsageError if it cannot be read twice."""
        try:
            if path.is_dir():
                raise UsageError(f"--text: {path} is a folder; its files are needed, as in {path / '*.txt'}")
            if path.exists() and not path.is_file():
                raise UsageError(f"--text: {path} is not a regular file, and it must be read twice")
            with path.open("rb"):
                stat = path.stat()
        except FileNotFoundError:
            raise UsageError(f"--text: {path} does not exist{_sibling(path)}") from None
        except (OSError, ValueError) as error:
            raise UsageError(f"--text: {path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
        return TextFile(path.resolve(), stat.st_size, stat.st_mtime_ns)


def _sibling(path: Path) -> str:
    try:
        known = [str(each) for each in path.parent.iterdir()]
    except OSError:
        return ""
    found = nearest(str(path), known)
    return found if "did you mean" in found else ""


@dataclass(frozen=True)
class TextFiles:
    """Files one after the other with nothing between them, as `cat` has them; the end of *each* file is val.

    So a single file is split as nanoGPT's users have it, and of many each is in both. Positions are bytes.
    """

    files: tuple[TextFile, ...]
    val: Fraction
    unit: str = "bytes"
    documents: bool = False

    @staticmethod
    def of(paths: Sequence[Path], val: float | None) -> TextFiles:
        found = TextFiles(tuple(map(TextFile.of, paths)), share(val) or _DEFAULT_VAL)
        if not any(map(found._cut, found.files)):
            why = f"train would be empty, with --val {float(found.val)}" if found.total else "there is no text"
            raise UsageError(f"--text: {why}: {found.total} bytes")
        return found

    @property
    def total(self) -> int:
        return sum(file.size for file in self.files)

    @property
    def stamp(self) -> list[list[str | int]]:
        return [[str(file.path), file.size, file.mtime_ns] for file in self.files]

    def batches(self, position: int) -> Iterator[Batch]:
        begin = 0
        for file in self.files:
            if position < begin + file.size:
                yield from self._read(file, begin, max(0, position - begin))
            begin += file.size

    def _read(self, file: TextFile, begin: int, at: int) -> Iterator[Batch]:
        cut = self._cut(file)
        pieces: list[Piece] = []
        with file.path.open("rb") as opened:
            while at < file.size:
                end = cut if at < cut else file.size
                opened.seek(at)
                text = opened.read(min(MAX_PIECE_BYTES, end - at))
                now = os.fstat(opened.fileno())
                if (now.st_size, now.st_mtime_ns) != (file.size, file.mtime_ns):
                    raise UsageError(f"--text: {file.path} changed while it was read")
                if at + len(text) < end:
                    text = _whole(text)
                pieces.append(Piece(text, at >= cut, f"--text: {file.path}", at))
                at += len(text)
                if len(pieces) == BATCH_PIECES or at == file.size:
                    yield Batch(pieces, begin + at)
                    pieces = []

    def _cut(self, file: TextFile) -> int:
        """The offset where val begins: the first byte of a character, if the file is UTF-8."""
        cut = int(file.size * (1 - self.val))
        with file.path.open("rb") as opened:
            opened.seek(max(0, cut - 3))
            before = opened.read(min(cut, 3) + 1)
        back = 0
        while before and back < min(cut, 3) and before[len(before) - 1 - back] & 0xC0 == 0x80:
            back += 1
        return cut - back


class HubRows:
    """Rows of a dataset of the Hugging Face hub, or of a folder that `datasets` can load; each a document.

    Train is its split `train`. Val is its split `validation`; if a share is asked for or the split is missing, val is
    the last rows of `train`. Empty rows are left out. Positions are rows.
    """

    unit = "rows"
    documents = True

    def __init__(self, asked: str, val: float | None) -> None:
        """Load the rows.

        Args:
            asked: DATASET[:CONFIG][:FIELD]. A single word after DATASET is a config if one has that name, else a field.
            val: The share of val; None: the split `validation`.

        Raises:
            UsageError: The dataset cannot be loaded, or has no such text.
        """
        self._asked = f"--hf {asked}"
        with quiet():
            self._open(asked, val)

    def _open(self, asked: str, val: float | None) -> None:
        datasets = need_package("datasets", self._asked)
        if not sys.stderr.isatty():
            datasets.disable_progress_bars()
        name, config, field = _parts(asked)
        try:
            configs = datasets.get_dataset_config_names(name)
            if field is None and config is not None and config not in configs:
                config, field = None, config
            if config is not None and config not in configs:
                raise UsageError(f"{self._asked}: no config {config!r}{nearest(config, configs)}")
            if config is None and len(configs) > 1 and "default" not in configs:
                raise UsageError(f"{self._asked}: a config is needed; allowed: {', '.join(configs)}")
            splits = datasets.load_dataset(name, config)
        except UsageError:
            raise
        except Exception as error:  # the hub, its cache and its file formats raise many types
            raise UsageError(f"{self._asked} cannot be loaded: {one_line(error)}") from error
        if "train" not in splits:
            raise UsageError(f"{self._asked}: no split 'train'; its splits: {', '.join(splits)}")
        rows = splits["train"]
        self._field = _text_field(self._asked, rows.features, field)
        of_train = share(val) or (None if "validation" in splits else _DEFAULT_VAL)
        self._parts = [rows] if of_train else [rows, splits["validation"]]
        self._cut = int(len(rows) * (1 - of_train)) if of_train else len(rows)
        if not 0 < self._cut < self.total:
            empty = "val" if self._cut else "train"
            raise UsageError(f"{self._asked}: {empty} would be empty: there are {self.total} rows")

    @property
    def total(self) -> int:
        return sum(map(len, self._parts))

    @property
    def stamp(self) -> list[Any]:
        return [self._field, self._cut, *([len(part), part.cache_files] for part in self._parts)]

    def batches(self, position: int) -> Iterator[Batch]:
        read = 0
        while position < self.total:
            if read > MAX_MAPPED_BYTES:  # mapped rows stay in memory until the part is mapped again
                self._parts = [pickle.loads(pickle.dumps(part)) for part in self._parts]
                read = 0
            after = min(position + BATCH_ROWS, self.total)
            pieces: list[Piece] = []
            for row, text in enumerate(self._texts(position, after), position):
                for piece in self._pieces(row, text):
                    pieces.append(piece)
                    read += len(piece.text)
                    if sum(len(each.text) for each in pieces) >= BATCH_PIECES * MAX_PIECE_BYTES:
                        yield Batch(pieces, None)
                        pieces = []
            yield Batch(pieces, after)
            position = after

    def _texts(self, start: int, stop: int) -> Iterator[str | None]:
        begin = 0
        for part in self._parts:
            here = slice(max(0, start - begin), max(0, min(len(part), stop - begin)))
            if here.start < here.stop:
                yield from part.select_columns([self._field])[here][self._field]
            begin += len(part)

    def _pieces(self, row: int, text: str | None) -> Iterator[Piece]:
        where = f"{self._asked}: row {row}"
        try:
            rest = (text or "").encode()
        except UnicodeEncodeError as error:
            raise UsageError(f"{where} holds half of a surrogate pair at character {error.start}") from error
        at = 0
        while at < len(rest):
            piece = rest[at : at + MAX_PIECE_BYTES]
            if at + len(piece) < len(rest):
                piece = _whole(piece)
            yield Piece(piece, row >= self._cut, where, at, ends=at + len(piece) == len(rest))
            at += len(piece)


def share(val: float | None) -> Fraction | None:
    """A share as an exact fraction: 0.1 is one tenth."""
    if val is None:
        return None
    if not 0 < val < 1:
        raise UsageError(f"--val: {val:g} is not a share; more than 0 and less than 1 is needed")
    return Fraction(repr(val))


def _parts(asked: str) -> tuple[str, str | None, str | None]:
    name, *rest = asked.split(":")
    if not name or len(rest) > 2:
        raise UsageError(f"--hf: {asked!r} is not DATASET[:CONFIG][:FIELD]")
    config, field = (*rest, "", "")[:2]
    return name, config or None, field or None


def _text_field(asked: str, features: Mapping[str, Any], field: str | None) -> str:
    texts = [name for name, each in features.items() if getattr(each, "dtype", "") in ("string", "large_string")]
    if field is None and "text" in texts:
        return "text"
    if field is None and len(texts) == 1:
        return texts[0]
    if field is None:
        raise UsageError(f"{asked}: a field is needed; those of text are: {', '.join(texts) or 'none'}")
    if field not in texts:
        what = "is not text" if field in features else "is not a field"
        raise UsageError(f"{asked}: {field!r} {what}{nearest(field, texts)}")
    return field


def _whole(text: bytes) -> bytes:
    """The whole lines of a text; its whole characters, if no line ends in it."""
    lines = text.rfind(b"\n") + 1
    if lines:
        return text[:lines]
    for back in (1, 2, 3):
        if text[-back] >= 0xC0:  # a character begins; 2 to 4 bytes, by its first
            size = 2 + (text[-back] >= 0xE0) + (text[-back] >= 0xF0)
            return text[:-back] if size > back else text
        if text[-back] < 0x80:
            break
    return text
