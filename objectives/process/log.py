"""An attempt's log file, bounded in size: a long log keeps its head and its tail, and says what it left out.

A full disk never fails a trial: the bytes that cannot be written are counted, and the database's copy of the last lines
says so.
"""

from __future__ import annotations

import os

MAX_LOG_BYTES = 64 << 20
MAX_TAIL_BYTES = 1 << 20  # of the log's end, kept in memory and written when the trial ends
MAX_STORED_CHARACTERS = 4000  # of the last lines, for the database
CUT = f"\n[the log has {(MAX_LOG_BYTES - MAX_TAIL_BYTES) >> 20} MiB: its end follows when the trial ends]\n".encode()


class Log:
    """Writes a trial's output to its file, and keeps the end of the output in memory."""

    def __init__(self, path: str) -> None:
        self.room = MAX_LOG_BYTES - MAX_TAIL_BYTES
        self.unwritten = 0
        self.tail = bytearray()
        self.was_cut = False
        self.fault = ""
        try:
            self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as error:
            self.fd, self.fault = -1, error.strerror or "cannot be opened"

    def write(self, text: bytes) -> None:
        """Append as much of the text as there is room for."""
        self.tail += text
        if len(self.tail) > 2 * MAX_TAIL_BYTES:
            del self.tail[:-MAX_TAIL_BYTES]
        written = self._append(text[: self.room])
        self.room -= written
        self.unwritten += len(text) - written
        if self.room == 0 and self.unwritten and not self.was_cut and not self.fault:
            self.was_cut = True
            self._append(CUT)

    def close(self) -> str:
        """Write the end of a log that was cut. Returns the last lines, with a note if the file could not be written."""
        note = ""
        if self.fault and self.unwritten:
            note = f"[{self.unwritten} bytes are not in the log file: {self.fault}]\n"
        if self.was_cut and not self.fault:
            self._write_tail()
        if self.fd >= 0:
            os.close(self.fd)
        text = self.tail[-4 * MAX_STORED_CHARACTERS :].decode(errors="replace")
        return note + text[-(MAX_STORED_CHARACTERS - len(note)) :]

    def _write_tail(self) -> None:
        """After the notice of the cut: how many bytes were left out, and the bytes after those."""
        room = MAX_TAIL_BYTES - len(CUT)
        end = bytes(self.tail[-min(len(self.tail), self.unwritten) :])
        notice = b""
        while len(notice) + len(end) > room:  # its number of digits depends on what it leaves out
            end = end[len(notice) + len(end) - room :]
            notice = f"[{self.unwritten - len(end):,} bytes were left out here]\n".encode()
        self._append(notice + end)

    def _append(self, text: bytes) -> int:
        """Write to the file; how many bytes it took."""
        written = 0
        try:
            while written < len(text) and self.fd >= 0 and not self.fault:
                written += os.write(self.fd, text[written:])
        except OSError as error:
            self.fault = error.strerror or "cannot be written"
        return written
