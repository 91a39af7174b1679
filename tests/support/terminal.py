"""A real terminal for tests: a program in tmux, what its screen shows, keys, and another size."""

from __future__ import annotations

import os
import pty
import shlex
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

needs_tmux = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


class Terminal:
    """One program on a screen of its own."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], columns: int = 120, lines: int = 40
    ) -> None:
        self.socket = f"studyhall-{uuid.uuid4().hex}"
        shell = " ".join(map(shlex.quote, command)) + '; echo "ended with $?"; exec sleep 600'
        start = ["-f", "/dev/null", "new-session", "-d", "-s", "test", "-x", str(columns), "-y", str(lines), shell]
        left = {name: value for name, value in environment.items() if name not in ("COLUMNS", "LINES", "TMUX")}
        subprocess.run(
            ["tmux", "-L", self.socket, *start], env={**left, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}, check=True
        )

    def screen(self) -> str:
        """What it shows, a line a line, without what pads them."""
        return self._tmux("capture-pane", "-p", "-t", "test")

    def keys(self, *keys: str) -> None:
        """Type: text, or tmux's names of keys."""
        self._tmux("send-keys", "-t", "test", "--", *keys)

    def resize(self, columns: int, lines: int) -> None:
        """As a user drags the window's edge."""
        self._tmux("resize-window", "-t", "test", "-x", str(columns), "-y", str(lines))

    def shows(self, *words: str, seconds: float = 60) -> str:
        """The screen, once all of this stands on it."""
        return self.once(lambda screen: all(word in screen for word in words), seconds, str(words))

    def once(self, true: Callable[[str], bool], seconds: float = 60, what: str = "") -> str:
        """The screen, once that is true of it."""
        end = time.monotonic() + seconds
        while not true(screen := self.screen()):
            assert time.monotonic() < end, f"waited in vain for {what} on\n{screen}"
            time.sleep(0.1)
        return screen

    def close(self) -> None:
        """End it, and what runs in it."""
        subprocess.run(["tmux", "-L", self.socket, "kill-server"], capture_output=True)
        for folder in Path("/tmp").glob("tmux-*"):
            (folder / self.socket).unlink(missing_ok=True)

    def _tmux(self, *arguments: str) -> str:
        ended = subprocess.run(["tmux", "-L", self.socket, *arguments], capture_output=True, text=True, check=True)
        return ended.stdout


def written_to_a_terminal(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """All that a program writes, standard error too, where both are a terminal: byte for byte, as the terminal gets
    it."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command, env={**environment, "TERM": "xterm-256color"}, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    written = b""
    try:
        while part := os.read(ours, 65536):
            written += part
    except OSError:  # the last process that had it open has ended
        pass
    os.close(ours)
    process.wait(timeout=60)
    return written.decode()
