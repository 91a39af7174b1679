"""Ctrl-C and SIGTERM as values that a loop can read, with a descriptor to wait on."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Signals:
    """First Ctrl-C: drain. Second Ctrl-C, SIGTERM, or SIGUSR1 (Slurm, before a job's end): give back. Valid inside
    `watching()`."""

    def __init__(self) -> None:
        self.interrupts = 0
        self.terminated = False
        self._reader, self._writer = os.pipe()
        for end in (self._reader, self._writer):
            os.set_blocking(end, False)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Handle the signals, and restore the earlier handlers at the end."""
        before = [(number, signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)]
        wakeup = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        for number, _ in before:
            signal.signal(number, self._handle)
        try:
            yield
        finally:
            signal.set_wakeup_fd(wakeup)
            for number, handler in before:
                signal.signal(number, handler)
            os.close(self._reader)
            os.close(self._writer)

    @property
    def draining(self) -> bool:
        """Start nothing more."""
        return self.interrupts > 0 or self.terminated

    @property
    def giving_back(self) -> bool:
        """Do not wait for running trials."""
        return self.interrupts > 1 or self.terminated

    def fileno(self) -> int:
        """Readable after a signal."""
        return self._reader

    def wait(self, seconds: float) -> None:
        """Wait for a signal, at most so long."""
        poll = select.poll()
        poll.register(self._reader, select.POLLIN)
        poll.poll(seconds * 1000)

    def clear(self) -> None:
        """Empty the descriptor; the flags stay."""
        with suppress(BlockingIOError):
            while os.read(self._reader, 512):
                pass

    def _handle(self, number: int, _: object) -> None:
        if number == signal.SIGINT:
            self.interrupts += 1
        else:
            self.terminated = True
