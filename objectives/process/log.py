"""An attempt's log file. A trial is not failed for want of room for its log: what cannot be written is counted."""

from __future__ import annotations

import os

LARGEST = 64 << 20
TAIL = 4000


class Log:
    """A file that may fill up or never open, and the last characters of what came."""

    def __init__(self, path: str) -> None:
        self.room = LARGEST
        self.lost = 0
        self.tail = b""
        self.why = ""
        try:
            self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        except OSError as error:
            self.fd, self.why = -1, error.strerror or "cannot be opened"

    def write(self, text: bytes) -> None:
        """Append, as far as there is room."""
        self.tail = (self.tail + text)[-4 * TAIL :]
        part = text[: self.room]
        if len(part) < len(text):
            self.why = self.why or f"longer than {LARGEST >> 20} MiB"
        try:
            written = os.write(self.fd, part) if part and self.fd >= 0 else 0
        except OSError as error:
            written, self.why, self.room = 0, error.strerror or "cannot be written", 0
        self.room -= written
        self.lost += len(text) - written

    def close(self) -> str:
        """The last lines, with a note if some of the text is only there."""
        note = f"[{self.lost} bytes are not in the log file: {self.why}]\n" if self.lost else ""
        if self.fd >= 0:
            os.close(self.fd)
        return note + self.tail.decode(errors="replace")[-(TAIL - len(note)) :]
