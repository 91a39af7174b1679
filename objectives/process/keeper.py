"""The keeper: one small process above each trial, which sees to it that nothing of the trial outlives its worker.

It holds one end of a lifeline whose other end only the worker has: when that closes, however the worker ended, the
keeper kills the trial and all that it started. It writes the log, keeps the last lines, watches time and memory, and
tells the end only when nothing of the trial is left. The trial is killed by the kernel if the keeper dies first.

A trial may stop its keeper (SIGSTOP). The warm server continues it at once; when that is gone, its end does, and the
worker before it asks for anything. If all three are out of the way, what is left is killed when the next attempt of the
trial begins on this host: it holds the trial's lock, whose file names its session.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from objectives.process.log import Log
from objectives.process.process_tree import anonymous_memory, descendants, kill_descendants
from objectives.process.wire import line, messages

MEMORY_EVERY = 0.1  # seconds between looks at memory
LOOK = 0.5  # seconds between looks at the trial where no descriptor tells of its end


@dataclass
class Keeper:
    """The life of one attempt, seen from above it. `cause` is why it was ended, if it was ended from here."""

    trial: int
    assignment: Mapping[str, Any]
    lifeline: socket.socket
    output: int
    log: Log
    cause: str | None = None
    message: str = ""
    kill_at: float | None = None

    def watch(self) -> int:
        """Until the trial has ended: its wait status. Everything that it started is gone then."""
        began = time.monotonic()
        held = anonymous_memory([self.trial])
        buffer = bytearray()
        for each in (self.lifeline.fileno(), self.output):
            os.set_blocking(each, False)
        with selectors.DefaultSelector() as selector:
            selector.register(self.lifeline, selectors.EVENT_READ)
            selector.register(self.output, selectors.EVENT_READ)
            pidfd = _pidfd(self.trial)
            if pidfd is not None:
                selector.register(pidfd, selectors.EVENT_READ)
            pause = LOOK if self.assignment["memory_limit"] is None else MEMORY_EVERY
            while True:
                ready = {key.fileobj for key, _ in selector.select(self._pause(began, pause))}
                if self.output in ready and not self._pump():
                    selector.unregister(self.output)
                if self.lifeline in ready:
                    self._obey(buffer)
                self._enforce(began, held)
                pid, status = os.waitpid(self.trial, os.WNOHANG)
                if pid:
                    return status

    def _pause(self, began: float, pause: float) -> float:
        timeout = self.assignment["timeout"]
        ends = [each for each in (self.kill_at, None if timeout is None else began + timeout) if each is not None]
        return max(0.0, min([pause, *(end - time.monotonic() for end in ends)]))

    def _pump(self) -> bool:
        """Take what the trial printed; False when nobody can print any more."""
        for _ in range(64):
            try:
                text = os.read(self.output, 1 << 16)
            except BlockingIOError:
                return True
            if not text:
                return False
            self.log.write(text)
        return True

    def _obey(self, buffer: bytearray) -> None:
        try:
            text = self.lifeline.recv(4096)
        except BlockingIOError:
            return
        buffer += text
        for order in messages(buffer):
            self.cause = self.cause or "given_back"
            self.kill_at = time.monotonic() + order["grace"]
            os.kill(self.trial, signal.SIGTERM)
        if not text:
            self.cause = self.cause or "worker_gone"
            self.kill_at = 0.0

    def _enforce(self, began: float, held: int) -> None:
        now = time.monotonic()
        timeout, limit = self.assignment["timeout"], self.assignment["memory_limit"]
        if self.cause is None and timeout is not None and now - began >= timeout:
            self.cause, self.message, self.kill_at = "timed_out", f"not finished after {timeout:g} s", now
        if self.cause is None and limit is not None:
            used = anonymous_memory([self.trial, *descendants(self.trial)]) - held
            if used > limit:
                told = f"held {used / 2**20:,.0f} MiB, memory_limit is {limit / 2**20:,.0f} MiB"
                self.cause, self.message, self.kill_at = "out_of_memory", told, now
        if self.kill_at is not None and now >= self.kill_at:
            os.kill(self.trial, signal.SIGKILL)


def keep(
    trial: int, assignment: Mapping[str, Any], channel: socket.socket, lifeline: socket.socket, output: int
) -> None:
    """Watch a trial to its end, clear up after it, tell, and leave the process."""
    log = Log(assignment["log"])
    keeper = Keeper(trial, assignment, lifeline, output, log)
    status = keeper.watch()
    kill_descendants()
    keeper._pump()
    told = {"end": status, "cause": keeper.cause, "message": keeper.message, "tail": log.close()}
    try:
        channel.setblocking(True)
        channel.sendall(line(told))
    except OSError:
        pass  # nobody is left to tell
    os._exit(0)


def _pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None
