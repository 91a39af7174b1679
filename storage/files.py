"""Files and folders that are whole or not there: made aside, then renamed over what had their name."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replacing(target: Path, mode: int | None = None, durable: bool = False, sole: bool = False) -> Iterator[Path]:
    """A path beside `target` to make a file or a folder at; it takes the target's name at the end, or goes if that
    fails. A folder that is not empty is not replaced: the rename raises OSError.

    Args:
        target: What a reader finds whole: the old one or the new one.
        mode: Permissions of a file, from before its first byte on.
        sole: Whether nobody else writes this target: then what a killed writer left is written over, and not kept.
        durable: Whether file and name are on the disk when this returns, so that a power cut does not undo it.

    Raises:
        OSError: It cannot be made or renamed; nothing of it is left.
    """
    aside = target.with_name(f".{target.name[:100]}.{'aside' if sole else f'{os.getpid()}-{secrets.token_hex(4)}'}")
    try:
        if mode is not None:
            os.close(os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))
        yield aside
        if durable and aside.is_file():
            sync(aside)
        aside.replace(target)
    except BaseException:
        if aside.is_dir():
            shutil.rmtree(aside, ignore_errors=True)
        with suppress(OSError):
            aside.unlink()
        raise
    if durable:
        sync(target.parent)


def make_private(folder: Path) -> None:
    """Make a folder, and those above it that are missing, for this user alone, whatever the umask."""
    for each in reversed([folder, *folder.parents]):
        with suppress(FileExistsError):
            each.mkdir(mode=0o700)


def sync(path: Path) -> None:
    """Return once a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
