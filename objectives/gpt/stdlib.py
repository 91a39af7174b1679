"""The dataset `stdlib`: the sources of the Python standard library as bytes. It is real text and needs no download.

Whole files follow in the order of their names, without tests and without files that differ between installations of
one version. A hash of the name assigns about a tenth of the files to val.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import platform
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from storage.errors import UsageError
from storage.home import home

VOCAB_SIZE = 256
_TEST_FOLDERS = frozenset({"test", "tests", "idle_test", "__pycache__"})
_NOT_TEXT = frozenset({"pydoc_data"})  # a manual in one string; alone it would be half of val


@dataclass(frozen=True)
class Sources:
    """The standard library's files, by split: (name relative to `root`, bytes), in order of name."""

    root: Path
    train: tuple[tuple[str, int], ...]
    val: tuple[tuple[str, int], ...]

    @property
    def folder(self) -> Path:
        """The folder of the tokens, named after these files and their sizes."""
        text = json.dumps((self.train, self.val))
        version = f"{platform.python_version()}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
        return home() / "data" / f"stdlib-{version}"


@functools.cache
def find_sources() -> Sources:
    """List this interpreter's standard library by names and sizes; reads no file."""
    root = Path(sysconfig.get_path("stdlib"))
    splits: dict[bool, list[tuple[str, int]]] = {False: [], True: []}
    for name, path in sorted((each.relative_to(root).as_posix(), each) for each in _modules(root)):
        is_val = hashlib.sha256(name.encode()).digest()[0] < 26  # of 256
        splits[is_val].append((name, path.stat().st_size))
    if not splits[True] or not splits[False]:
        raise UsageError(f"dataset 'stdlib': {root} holds no sources of the standard library; use a folder")
    return Sources(root, tuple(splits[False]), tuple(splits[True]))


def _modules(root: Path) -> Iterator[Path]:
    names = sys.stdlib_module_names - _NOT_TEXT  # neither installed packages nor this machine's own files
    for path in root.glob("*.py"):
        if path.stem in names:
            yield path
    for folder in root.iterdir():
        if folder.name in names and folder.is_dir():
            for path in folder.rglob("*.py"):
                if _TEST_FOLDERS.isdisjoint(path.relative_to(root).parts):
                    yield path


def make(sources: Sources) -> Path:
    """The folder with train.bin, val.bin and meta.json; made now if it does not exist.

    It is made aside and renamed: a reader sees all of it or none, and several processes may make it at once.
    """
    folder = sources.folder
    if folder.is_dir():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=".stdlib-", dir=folder.parent))
        try:
            for split, files in (("train", sources.train), ("val", sources.val)):
                text = b"".join((sources.root / name).read_bytes() for name, _ in files)
                _write(aside / f"{split}.bin", np.frombuffer(text, dtype=np.uint8).astype("<u2").tobytes())
            _write(aside / "meta.json", json.dumps({"vocab_size": VOCAB_SIZE}).encode())
            aside.chmod(0o755)
            aside.rename(folder)
        except OSError:
            if not folder.is_dir():  # another process was first, with the same bytes
                raise
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    except OSError as error:
        raise UsageError(f"dataset 'stdlib': cannot write {folder}: {error.strerror}") from error
    return folder


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())  # after a power cut, a renamed folder must have its files
