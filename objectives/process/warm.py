"""The warm server, from the worker's side: a process that has imported the objective once and forks every trial.

Starting a trial costs a fork instead of an import of torch. The server runs none of the objective's functions itself: a
forked process answers each question about configs (`validate`, `cost`, `fingerprint`), so its side effects end with it.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from objectives.process.attempt import Assignment, Attempt
from objectives.process.process_tree import kill_session
from objectives.process.wire import receive, send
from objectives.reference import shown_objective
from storage.errors import StudyhallError, UsageError
from storage.home import python_path

ANSWER_SECONDS = 600.0  # for a question: a data set may have to be read whole
EVICTION_SECONDS = 10.0  # for an earlier attempt's processes to be gone after they are killed
LAST_OUTPUT_BYTES = 4096  # of a process that ended without an answer
SECRET_VARIABLES = frozenset(
    ("STUDYHALL_STORAGE", "PGPASSWORD", "PGPASSFILE", "PGSERVICE", "PGSERVICEFILE", "PGSYSCONFDIR", "PGSSLKEY")
)
"""The storage's URL, and libpq's variables that hold a password or lead to one: no trial is given them."""


@dataclass(frozen=True)
class Inspection:
    """An objective's answer about a config, before it runs."""

    refusal: str | None
    cost: Mapping[str, float]


@dataclass(frozen=True)
class Description:
    """An objective's answer about its metrics and about a config's data."""

    metrics: tuple[str, ...]
    fingerprint: Mapping[str, str]


class WarmServer:
    """One objective, imported once and ready to be forked. A server that was killed is started again when needed."""

    def __init__(
        self, reference: str, threads: int = 1, gpu: str = "", check: Callable[[Mapping[str, Any]], None] | None = None
    ) -> None:
        """Start no process yet.

        Args:
            check: Raises a UsageError for a config that this host may not run; called for each config before its use.
        """
        self.reference, self.threads, self.gpu, self.check = reference, threads, gpu, check
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self.boots = 0
        """How often the server was started: each time it loads the objective anew."""

    def start(self, assignment: Assignment, lease: int | None = None) -> Attempt:
        """Fork a trial. An earlier attempt's processes that are still on this host are killed first.

        Args:
            assignment: The trial's config, slot and files.
            lease: A descriptor that the trial's processes keep open, and with it the lock of their slot.

        Raises:
            UsageError: The objective cannot be imported.
            StudyhallError: Processes of an earlier attempt cannot be killed.
        """
        self._check([assignment.config])
        lock = _lock(assignment.lock)
        ours, theirs = socket.socketpair()
        alive, lifeline = socket.socketpair()
        try:
            fds = [theirs.fileno(), lifeline.fileno(), lock, *([] if lease is None else [lease])]
            self._send({"do": "start", "assignment": assignment.to_json()}, fds)
        except BaseException:
            ours.close()
            alive.close()
            raise
        finally:
            theirs.close()
            lifeline.close()
            os.close(lock)
        return Attempt(ours, alive)

    def inspect(self, configs: Sequence[Mapping[str, Any]]) -> list[Inspection]:
        """Ask the objective about each config.

        Raises:
            UsageError: The objective cannot be imported, or cannot answer.
        """
        self._check(configs)
        answer = self._ask({"do": "inspect", "configs": list(configs)})
        return [Inspection(each["refusal"], each["cost"]) for each in answer]

    def describe(self, config: Mapping[str, Any]) -> Description:
        """The objective's metrics on this host, and the fingerprints of its data.

        Raises:
            UsageError: The objective cannot be imported, or its data cannot be read.
        """
        self._check([config])
        answer = self._ask({"do": "describe", "config": config})
        return Description(tuple(answer["metrics"]), answer["fingerprint"])

    def close(self) -> None:
        """End the server. Running attempts go on until their worker ends them."""
        if self._process is not None and self._channel is not None:
            self._channel.close()
            self._process.kill()
            self._process.wait()
        self._process = self._channel = None

    def _check(self, configs: Sequence[Mapping[str, Any]]) -> None:
        if self.check is not None:
            for config in configs:
                self.check(config)

    def _ask(self, question: Mapping[str, Any]) -> Any:
        ours, theirs = socket.socketpair()
        with ours, tempfile.TemporaryFile() as output:
            with theirs:
                self._send(question, [theirs.fileno(), output.fileno()])
            ours.settimeout(ANSWER_SECONDS)
            name = shown_objective(self.reference)
            try:
                answer, _ = receive(ours)
            except EOFError as error:
                message = f"objective: {name} ended the process that was asked about a config{_last_line(output)}"
                raise UsageError(message) from error
            except TimeoutError as error:
                message = f"objective: {name} did not answer about a config in {ANSWER_SECONDS:g} s"
                raise UsageError(message) from error
        if "wrong" in answer:
            raise UsageError(answer["wrong"])
        return answer["right"]

    def _send(self, message: Mapping[str, Any], fds: Sequence[int]) -> None:
        """Send to the running server, or to a new one if it was killed."""
        if self._process is not None and self._process.poll() is not None:
            self.close()
        if self._channel is not None:
            try:
                send(self._channel, message, fds)
                return
            except OSError:
                self.close()
        send(self._boot(), message, fds)

    def _boot(self) -> socket.socket:
        self.boots += 1
        ours, theirs = socket.socketpair()
        # The current folder comes last: a package in it may have the name of one of ours.
        path = python_path(os.environ, str(Path.cwd()))
        threads = {f"{name}_NUM_THREADS": str(self.threads) for name in ("OMP", "MKL", "OPENBLAS", "NUMEXPR")}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "objectives.process.warm_server", str(theirs.fileno()), self.reference],
            env={**_without_secrets(os.environ), **threads, "CUDA_VISIBLE_DEVICES": self.gpu, "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        self._channel = ours
        try:
            answer, _ = receive(ours)
        except EOFError as error:
            self.close()
            raise UsageError(f"objective: importing {self.reference} ended the process") from error
        if "wrong" in answer:
            self.close()
            raise UsageError(answer["wrong"])
        return ours


def _without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that the objective's processes inherit."""
    return {name: value for name, value in environment.items() if name not in SECRET_VARIABLES}


def _last_line(output: IO[bytes]) -> str:
    """The last line that a process printed before it ended, for the end of a message."""
    output.seek(max(0, output.seek(0, os.SEEK_END) - LAST_OUTPUT_BYTES))
    lines = output.read().decode(errors="replace").split("\n")
    last = next((" ".join(line.split()) for line in reversed(lines) if line.strip()), "")
    return f": {last[:300]}" if last else ""


def _lock(file: Path) -> int:
    """Take the trial's lock on this host, as a descriptor to pass on. A holder that lost its worker is killed."""
    fd = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + EVICTION_SECONDS
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(fd, 0)
            return fd
        except BlockingIOError:
            holder = os.pread(fd, 32, 0).strip()
            if holder.isdigit():
                _kill_keeper(int(holder))
            if time.monotonic() > deadline:
                os.close(fd)
                raise StudyhallError(
                    f"{file}: processes of an earlier attempt are still there and cannot be killed"
                ) from None
            time.sleep(0.005)


def _kill_keeper(pid: int) -> None:
    """Kill a keeper and its session. The lock is held, so a session of that number is the earlier attempt's."""
    kill_session(pid)
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
