"""The keeper: a small process above each trial that lets no process of the trial outlive its worker.

The keeper holds one end of a socket, the lifeline; only the worker has the other. When that end closes, however the
worker ended, the keeper kills the trial and every process that it started. The keeper writes the log, keeps its last
lines, enforces the limits on time and memory, and reports the end when no process of the trial is left. If the keeper
dies first, the kernel kills the trial.

A trial may stop its keeper (SIGSTOP). The warm server continues it at once. If the warm server is gone, its end has
continued the keeper (PR_SET_PDEATHSIG), and the worker continues it before each request. If all three fail, the next
attempt of the trial on this host kills the processes that are left: they hold the trial's lock, and its file names
their session.
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

MEMORY_POLL_SECONDS = 0.1  # between looks at memory, where there is a limit
POLL_SECONDS = 0.5  # between looks at the trial, where no descriptor reports its end


@dataclass
class Keeper:
    """Watches one attempt. `cause` is the reason for which the keeper ended it, if it did."""

    trial: int
    assignment: Mapping[str, Any]
    lifeline: socket.socket
    output: int
    log: Log
    cause: str | None = None
    message: str = ""
    kill_at: float | None = None

    def watch(self) -> int:
        """Watch the trial until it ends, and return its wait status."""
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
            pause = POLL_SECONDS if self.assignment["memory_limit"] is None else MEMORY_POLL_SECONDS
            while True:
                ready = {key.fileobj for key, _ in selector.select(self._pause(began, pause))}
                if self.output in ready and not self.pump():
                    selector.unregister(self.output)
                if self.lifeline in ready:
                    self._read_requests(buffer)
                self._enforce(began, held)
                pid, status = os.waitpid(self.trial, os.WNOHANG)
                if pid:
                    return status

    def _pause(self, began: float, pause: float) -> float:
        timeout = self.assignment["timeout"]
        ends = [each for each in (self.kill_at, None if timeout is None else began + timeout) if each is not None]
        return max(0.0, min([pause, *(end - time.monotonic() for end in ends)]))

    def pump(self) -> bool:
        """Move the trial's output into the log; False when every process that could print has closed it."""
        for _ in range(64):
            try:
                text = os.read(self.output, 1 << 16)
            except BlockingIOError:
                return True
            if not text:
                return False
            self.log.write(text)
        return True

    def _read_requests(self, buffer: bytearray) -> None:
        try:
            text = self.lifeline.recv(4096)
        except BlockingIOError:
            return
        buffer += text
        for request in messages(buffer):
            self.cause = self.cause or "given_back"
            self.kill_at = time.monotonic() + request["grace"]
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
                message = f"held {used / 2**20:,.0f} MiB, memory_limit is {limit / 2**20:,.0f} MiB"
                self.cause, self.message, self.kill_at = "out_of_memory", message, now
        if self.kill_at is not None and now >= self.kill_at:
            os.kill(self.trial, signal.SIGKILL)


def keep(
    trial: int, assignment: Mapping[str, Any], channel: socket.socket, lifeline: socket.socket, output: int
) -> None:
    """Watch a trial to its end, kill what it left behind, report the end, and exit."""
    log = Log(assignment["log"])
    keeper = Keeper(trial, assignment, lifeline, output, log)
    status = keeper.watch()
    kill_descendants()
    keeper.pump()
    end = {"end": status, "cause": keeper.cause, "message": keeper.message, "tail": log.close()}
    try:
        channel.setblocking(True)
        channel.sendall(line(end))
    except OSError:
        pass  # the worker is gone
    os._exit(0)


def _pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None
