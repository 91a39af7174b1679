"""A worker's scribe: a process of low priority that keeps a study's note and figures in the dashboard current.

The worker sends it one byte when something has changed, which costs microseconds, and waits for it only a few seconds
at its own end. The scribe may be killed at any moment: nothing depends on it.
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
"""An environment variable: with `off` a worker has no scribe."""
SCRIBE_END_SECONDS = 3.0
"""That a worker which leaves by itself waits for the last update."""


class Scribe:
    """The worker's end of the pipe. However the worker ends, the pipe closes and the scribe leaves."""

    def __init__(self, url: str, study: str, storage: str | None, log: Callable[[str], None]) -> None:
        """Start the process. The URL goes through the pipe, so that no list of processes shows a password.

        Args:
            url: Of the storage.
            study: The study's name.
            storage: The URL as a note may show it; None: the embedded server.
            log: Prints its one line, if it cannot work.
        """
        self.url, self.log = url, log
        self._process: subprocess.Popen[bytes] | None = None
        if os.environ.get(SWITCH) == "off":
            return
        try:
            # It has a session of its own: Ctrl-C is for the worker, which then closes the pipe.
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "studies.dashboard.scribe_process"],
                env={**os.environ, "PYTHONPATH": python_path(os.environ)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            log(f"the dashboard is not up to date: {error.strerror}")
            return
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
        self._write(json.dumps({"url": url, "study": study, "storage": storage}).encode() + b"\n")

    def notify(self) -> None:
        """A trial was settled or a decision made. Never waits, never fails."""
        self._write(b".")
        self._read()

    def close(self, wait: bool) -> None:
        """Close the pipe: the scribe makes its last update and ends. `wait` for that, at most `SCRIBE_END_SECONDS`."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            return
        with suppress(OSError):
            process.stdin.close()
        if wait:
            with suppress(subprocess.TimeoutExpired):
                process.wait(SCRIBE_END_SECONDS)
        self._read()
        process.stdout.close()

    def _write(self, data: bytes) -> None:
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError, ValueError):  # a full pipe holds news enough, or the pipe is closed
                os.write(self._process.stdin.fileno(), data)

    def _read(self) -> None:
        """Print the one line that the scribe writes when it cannot work."""
        if self._process is None or self._process.stdout is None:
            return
        with suppress(OSError, ValueError):
            line = os.read(self._process.stdout.fileno(), 4096).decode(errors="replace").strip()
            if line:
                self.log(without_secrets(line.splitlines()[0], self.url))
