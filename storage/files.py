"""Files and folders that are complete or missing: written beside their place, then renamed."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replacing(target: Path, mode: int | None = None, durable: bool = False, sole: bool = False) -> Iterator[Path]:
    """A temporary path beside `target` for a new file or folder. At the end it is renamed to the target, or removed if
    the block failed. A folder that is not empty is never replaced: the rename raises OSError.

    Args:
        target: Readers find the old one or the new one, each complete.
        mode: Permissions of a file, set before its first byte is written.
        sole: Whether this process is the only writer; it then overwrites the temporary file of a killed one.
        durable: Whether file and name are on the disk when this returns, and survive a power cut.

    Raises:
        OSError: It cannot be made or renamed; the temporary path is removed.
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
