"""A worker's scribe: a process of low priority that keeps what the browser shows of a study current.

The worker tells it by one byte that something has changed, which costs microseconds, and never waits for it but for a
few seconds at its own end. The scribe may be killed at any moment: nothing depends on it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress

from storage.home import python_path
from storage.url import without_secrets

SWITCH = "STUDYHALL_BOARD"
"""An environment variable: `off`, and a worker has no scribe."""
LAST = 3.0
"""Seconds that a worker which leaves by itself waits for the last update."""


class Scribe:
    """The worker's end of the pipe. The scribe sees the pipe's end however the worker ends, and leaves."""

    def __init__(self, url: str, study: str, storage: str | None, say: Callable[[str], None]) -> None:
        """Start it. The URL goes through the pipe, so that no list of processes shows a password.

        Args:
            url: Of the storage.
            study: The study's name.
            storage: The URL as a note may show it; None: the embedded server.
            say: Where its one line goes, if it cannot do its work.
        """
        self.url, self.say = url, say
        self._process: subprocess.Popen[bytes] | None = None
        if os.environ.get(SWITCH) == "off":
            return
        try:
            # In a session of its own: Ctrl-C is for the worker, which then ends the pipe.
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "studies.dashboard.scribe_process"],
                env={**os.environ, "PYTHONPATH": python_path(os.environ)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            say(f"the dashboard is not kept current: {error.strerror}")
            return
        assert self._process.stdin is not None and self._process.stdout is not None
        os.set_blocking(self._process.stdin.fileno(), False)
        os.set_blocking(self._process.stdout.fileno(), False)
        self._write(json.dumps({"url": url, "study": study, "storage": storage}).encode() + b"\n")

    def tell(self) -> None:
        """Something has changed: a trial was settled, or a decision made. Never waits, never fails."""
        self._write(b".")
        self._hear()

    def close(self, wait: bool) -> None:
        """Let it go: it makes its last update and ends. With `wait`, that is waited for, at most `LAST` seconds."""
        process = self._process
        if process is None or process.stdin is None or process.stdin.closed:
            return
        with suppress(OSError):
            process.stdin.close()
        if wait:
            with suppress(subprocess.TimeoutExpired):
                process.wait(LAST)
        self._hear()
        if process.stdout is not None:
            process.stdout.close()

    def _write(self, data: bytes) -> None:
        if self._process is not None and self._process.stdin is not None and not self._process.stdin.closed:
            with suppress(OSError):  # full: it knows already; or it is gone
                os.write(self._process.stdin.fileno(), data)

    def _hear(self) -> None:
        """The one line that it says when it cannot work."""
        if self._process is None or self._process.stdout is None or self._process.stdout.closed:
            return
        with suppress(OSError):
            said = os.read(self._process.stdout.fileno(), 4096).decode(errors="replace").strip()
            if said:
                self.say(without_secrets(said.splitlines()[0], self.url))
