"""One attempt from the worker's side: what its process is given, what it reports, and how it ended."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from objectives.outcome import Kind, Outcome, Report
from objectives.process.process_tree import kill_session
from objectives.process.wire import line, messages

READ_BYTES = 1 << 18


@dataclass(frozen=True)
class Assignment:
    """What a trial's process is given to run."""

    config: Mapping[str, Any]
    seed: int
    number: int
    attempt: int
    device: str
    threads: int
    env: Mapping[str, str]
    log: Path
    lock: Path
    """A file that this attempt's processes lock: it is free when none of them is left on this host."""
    checkpoint_dir: Path
    run_dir: Path
    memory_limit: int | None = None
    """Bytes that the trial may hold beyond those that its process is forked with."""
    timeout: float | None = None
    """Seconds."""
    cores: Sequence[int] = ()
    """CPU cores that the trial is pinned to; empty: it may run on any."""
    gpu: str | None = None
    """The UUID of the one GPU that the trial may see."""
    memory_fraction: float = 1.0
    """The share of that GPU's memory."""
    study: str = ""
    """The study's name."""
    log_to: Sequence[str] = ()
    """Names from objectives/loggers.py."""

    def to_json(self) -> dict[str, Any]:
        return {name: str(value) if isinstance(value, Path) else value for name, value in asdict(self).items()}


class Attempt:
    """A running attempt. No method waits: `fileno` is readable when `receive` has messages."""

    def __init__(self, channel: socket.socket, lifeline: socket.socket) -> None:
        self._channel, self._lifeline = channel, lifeline
        for each in (channel, lifeline):
            each.setblocking(False)
        self._buffer = bytearray()
        self._began = time.monotonic()
        self._result: Mapping[str, Any] | None = None
        self._keeper = 0
        self._cause: str | None = None
        self._ended = False
        self.pid = 0
        """The trial's process; 0 until it has said so."""

    def fileno(self) -> int:
        return self._channel.fileno()

    def receive(self) -> list[Report | Outcome]:
        """The reports since the last call; at the end, once, the outcome."""
        if self._ended:
            return []
        over = self._read()
        found: list[Report | Outcome] = []
        for message in messages(self._buffer):
            if "report" in message:
                found.append(Report(message["report"], message["metrics"]))
            elif "kind" in message:
                self._result = message
            elif "keeper" in message:
                self._keeper, self.pid = message["keeper"], message["trial"]
            elif "end" in message:
                found.append(self._end(message))
        if over and not self._ended:
            if self._keeper:
                kill_session(self._keeper)
            found.append(self._end({"end": None, "cause": None, "message": "", "tail": ""}))
        return found

    def request_stop(self) -> None:
        """Make `should_stop` true in the trial."""
        self._send(self._channel, b"stop")

    def give_back(self, grace: float) -> None:
        """Ask the trial to end (SIGTERM), and kill it after `grace` seconds; the outcome is GIVEN_BACK."""
        self._cause = "given_back"
        self._send(self._lifeline, line({"grace": grace}))
        self._wake()

    def kill(self) -> None:
        """Kill the trial and every process that it started, now; the outcome is GIVEN_BACK."""
        self._cause = "given_back"
        self._lifeline.close()
        self._wake()

    def _wake(self) -> None:
        """Continue a keeper that its trial has stopped: it would not read our message."""
        if self._keeper and not self._ended:
            with suppress(OSError):
                os.kill(self._keeper, signal.SIGCONT)

    def _read(self) -> bool:
        """Read the messages that are there; True when the other side has closed."""
        while True:
            try:
                text = self._channel.recv(READ_BYTES)
            except BlockingIOError:
                return False
            except ConnectionResetError:
                return True
            if not text:
                return True
            self._buffer += text

    def _send(self, channel: socket.socket, text: bytes) -> None:
        with suppress(OSError):  # it has ended: the outcome is on its way
            channel.sendall(text)

    def _end(self, message: Mapping[str, Any]) -> Outcome:
        self._ended = True
        self._channel.close()
        self._lifeline.close()
        kind, text, metrics = self._judged(message)
        tail = "" if kind is Kind.COMPLETED else message["tail"]
        return Outcome(kind, metrics, text, tail, time.monotonic() - self._began)

    def _judged(self, message: Mapping[str, Any]) -> tuple[Kind, str, Mapping[str, float]]:
        """Its own result; else the reason that it was ended for, if it was ended from outside; else its exit status."""
        result = self._result
        cause = message["cause"] or self._cause
        if result is not None and result["kind"] == Kind.COMPLETED.value:
            return Kind.COMPLETED, "", result["metrics"]
        if cause in ("given_back", "worker_gone"):
            return Kind.GIVEN_BACK, "given back by its worker", {}  # an error may come of its SIGTERM
        if result is not None:  # a limit can pass after it, while the loggers close
            return Kind(result["kind"]), result["message"], {}
        if cause is not None:
            return Kind(cause), message["message"], {}
        if message["end"] is None:
            return Kind.LOST, "its keeper process was killed", {}
        return (*_from_status(message["end"], message["message"]), {})


def _from_status(status: int, message: str) -> tuple[Kind, str]:
    """The meaning of a wait status, where the objective gave no result."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        name = signal.Signals(number).name if number in list(signal.Signals) else f"signal {number}"
        hint = " (by a user, or by the host, short of memory)" if number == signal.SIGKILL and not message else ""
        return Kind.KILLED, f"{name}{hint}{': ' if message else ''}{message}"
    return Kind.ERROR, f"exited with code {os.WEXITSTATUS(status)} without a result"
