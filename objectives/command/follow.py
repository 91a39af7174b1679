"""Follows what a program writes while it runs: whole lines out of a stream, and out of a file that grows.

Only whole lines count, so half of a number is never taken for a number. A file that is rewritten is read again from its
beginning.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

MAX_ROW_BYTES = 1 << 20  # of a line in a file
MAX_PRINTED_BYTES = 4096  # of a printed line; patterns see no more of it
MARK_BYTES = 256  # at the file's start and before the offset: unchanged if the file has only grown
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Lines:
    """Whole lines out of pieces of a stream. Only the first `max_bytes` of a line are kept."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.part = bytearray()

    def feed(self, text: bytes) -> Iterator[str]:
        """The lines that this piece completes. A carriage return ends a line too: progress bars print nothing else."""
        *whole, rest = re.split(rb"[\r\n]", text)
        for piece in whole:
            self.part += piece[: self.max_bytes - len(self.part)]
            yield from self.rest()
        self.part += rest[: self.max_bytes - len(self.part)]

    def rest(self) -> Iterator[str]:
        """The last line, which has no end yet."""
        line = self.unfinished
        self.part.clear()
        if line.strip():
            yield line

    @property
    def unfinished(self) -> str:
        """The text after the last whole line."""
        return self.part.decode(errors="replace")


class File:
    """A file that grows. It need not exist yet."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.begin()

    def begin(self) -> None:
        """Read the file from its first line again."""
        self.lines = Lines(MAX_ROW_BYTES)
        self.offset = 0
        self.head = self.tail = b""
        self.seen: tuple[int, int, int] | None = None

    def read(self) -> tuple[bool, list[str]]:
        """Whether the file was rewritten, so that its earlier lines no longer count, and its new lines."""
        try:
            now = self.path.stat()
        except OSError:
            return False, []
        seen = (now.st_ino, now.st_size, now.st_mtime_ns)
        if seen == self.seen or not stat.S_ISREG(now.st_mode):
            return False, []
        found: list[str] = []
        rewritten = False
        with self.path.open("rb") as file:
            if not self._has_only_grown(file):
                self.begin()
                rewritten = True
            file.seek(self.offset)
            while piece := file.read(1 << 20):
                text = piece.removeprefix(BYTE_ORDER_MARK) if self.offset == 0 else piece
                self.offset += len(piece)
                self.head = (self.head + piece)[:MARK_BYTES]
                self.tail = (self.tail + piece)[-MARK_BYTES:]
                found += self.lines.feed(text)
        self.seen = seen
        return rewritten, found

    def _has_only_grown(self, file: BinaryIO) -> bool:
        if os.fstat(file.fileno()).st_size < self.offset:
            return False
        head = file.read(len(self.head))
        file.seek(self.offset - len(self.tail))
        return head == self.head and file.read(len(self.tail)) == self.tail
