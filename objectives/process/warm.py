"""The warm server, from the worker's side: a process that has imported the objective once and forks every trial.

Starting a trial costs a fork instead of an import of torch. The server runs nothing itself: questions about
configurations (`validate`, `cost`, `fingerprint`) are answered by a fork too, so that whatever they do ends with it.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from objectives.process.attempt import Assignment, Attempt
from objectives.process.process_tree import kill_session
from objectives.process.wire import receive, send
from storage.errors import StudyhallError, UsageError
from storage.home import python_path

PATIENCE = 600.0  # seconds for a question: a data set may have to be read whole
EVICTION = 10.0  # seconds for an earlier attempt's processes to be gone once they are killed


@dataclass(frozen=True)
class Inspection:
    """What an objective says of a config before it runs."""

    refusal: str | None
    cost: Mapping[str, float]


@dataclass(frozen=True)
class Description:
    """What an objective says of itself with a config's data."""

    metrics: tuple[str, ...]
    fingerprint: Mapping[str, str]


class WarmServer:
    """One objective, imported once, ready to be forked. Made anew by itself if it is killed."""

    def __init__(
        self, reference: str, threads: int = 1, gpu: str = "", check: Callable[[Mapping[str, Any]], None] | None = None
    ) -> None:
        """Nothing is started yet.

        Args:
            check: Raises a UsageError for a config that this host may not run; asked before each is used.
        """
        self.reference, self.threads, self.gpu, self.check = reference, threads, gpu, check
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None

    def start(self, assignment: Assignment, lease: int | None = None) -> Attempt:
        """Fork a trial. An earlier attempt's processes that are still on this host are killed first.

        Args:
            assignment: What it is given.
            lease: A descriptor that its processes hold on to, with whatever lock that bears: its slot's.

        Raises:
            UsageError: The objective cannot be imported.
            StudyhallError: Processes of an earlier attempt cannot be ended.
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
        """What the objective says of each config.

        Raises:
            UsageError: The objective cannot be imported, or cannot answer.
        """
        self._check(configs)
        answer = self._ask({"do": "inspect", "configs": list(configs)})
        return [Inspection(each["refusal"], each["cost"]) for each in answer]

    def describe(self, config: Mapping[str, Any]) -> Description:
        """The objective's metrics on this host, and its data's fingerprints.

        Raises:
            UsageError: The objective cannot be imported, or its data cannot be read.
        """
        self._check([config])
        answer = self._ask({"do": "describe", "config": config})
        return Description(tuple(answer["metrics"]), answer["fingerprint"])

    def close(self) -> None:
        """End the server. Attempts that run go on until their own worker ends them."""
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
        with ours:
            with theirs:
                self._send(question, [theirs.fileno()])
            ours.settimeout(PATIENCE)
            try:
                answer, _ = receive(ours)
            except EOFError as error:
                told = f"objective: {self.reference} ended the process that was asked about a config"
                raise UsageError(told) from error
            except TimeoutError as error:
                told = f"objective: {self.reference} did not answer about a config in {PATIENCE:g} s"
                raise UsageError(told) from error
        if "wrong" in answer:
            raise UsageError(answer["wrong"])
        return answer["right"]

    def _send(self, message: Mapping[str, Any], fds: Sequence[int]) -> None:
        """To the server that is there; to a new one if that was killed."""
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
        ours, theirs = socket.socketpair()
        # Not the current folder first: the user's own may have a package that is called like one of ours.
        path = python_path(os.environ, str(Path.cwd()))
        threads = {f"{name}_NUM_THREADS": str(self.threads) for name in ("OMP", "MKL", "OPENBLAS", "NUMEXPR")}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "objectives.process.warm_server", str(theirs.fileno()), self.reference],
            env={**os.environ, **threads, "CUDA_VISIBLE_DEVICES": self.gpu, "PYTHONPATH": path},
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


def _lock(file: Path) -> int:
    """The trial's lock on this host, a descriptor to pass on; a holder that lost its worker is killed."""
    fd = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    deadline = time.monotonic() + EVICTION
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
                    f"{file}: processes of an earlier attempt are still there and cannot be ended"
                ) from None
            time.sleep(0.005)


def _kill_keeper(pid: int) -> None:
    """The lock is held, so its writer or what that left behind lives: a session of that number is the attempt's own."""
    kill_session(pid)
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
