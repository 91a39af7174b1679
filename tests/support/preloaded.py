"""The program without its start-up time: every call is a process of its own, forked from one that has the imports.

A call has its own arguments, environment, folder, output and exit code, as a started `python cli.py` has; only the
interpreter and the modules are there already. tests/test_cli.py compares the two. Tests of signals, of processes, of
closed streams and of what is imported start a real one (`begin` in tests/conftest.py, or subprocess).
"""

from __future__ import annotations

import atexit
import gc
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Lock

from objectives.process.wire import receive, send
from storage.home import CHECKOUT, python_path

CLI = str(CHECKOUT / "cli.py")


class Preloaded:
    """A process that has imported the program and forks each call. It ends with this one, or with `close`."""

    def __init__(self) -> None:
        self._channel, theirs = socket.socketpair()
        self._sending = Lock()
        # One thread in each: a process with more than one is not to be forked.
        threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS", "NUMEXPR")}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tests.support.preloaded", str(theirs.fileno())],
            env={**os.environ, **threads, "PYTHONPATH": python_path(os.environ)},
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )
        theirs.close()

    def close(self) -> None:
        self._channel.close()
        self._process.wait(30)

    def call(
        self, arguments: Sequence[str], environment: Mapping[str, str], timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """Run `python cli.py ARGUMENTS` to its end, from the current folder.

        Raises:
            subprocess.TimeoutExpired: It took longer; it has been killed.
        """
        command = [sys.executable, CLI, *arguments]
        order = {"arguments": [CLI, *arguments], "environment": dict(environment), "folder": str(Path.cwd())}
        ours, theirs = socket.socketpair()
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, ours:
            with theirs, self._sending:
                send(self._channel, order, [out.fileno(), err.fileno(), theirs.fileno()])
            ours.settimeout(timeout)
            (begun, _), code = receive(ours), None
            try:
                code = receive(ours)[0]["code"]
            except TimeoutError as error:
                os.kill(begun["pid"], signal.SIGKILL)
                raise subprocess.TimeoutExpired(command, timeout) from error
            for file in (out, err):
                file.seek(0)
            return subprocess.CompletedProcess(command, code, _text(out.read()), _text(err.read()))


@cache
def preloaded() -> Preloaded:
    """The one of this process."""
    started = Preloaded()
    atexit.register(started.close)
    return started


def _text(output: bytes) -> str:
    """As subprocess reads it with `text=True`."""
    return output.decode().replace("\r\n", "\n").replace("\r", "\n")


def main(fd: int) -> None:
    """Fork a watcher with its call for every order, until no sender is left."""
    import_program()
    gc.collect()
    gc.freeze()  # what is imported stays where it is: children share its pages
    channel = socket.socket(fileno=fd)
    channel.set_inheritable(False)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # watchers tell the code themselves: nothing has to be reaped
    while True:
        try:
            order, fds = receive(channel)
        except EOFError:
            return
        if os.fork() == 0:
            channel.close()
            watch(order["arguments"], order["environment"], order["folder"], *fds)
            return
        for each in fds:
            os.close(each)


def import_program() -> None:
    """What the verbs import when they are called, but for what no verb of this program imports in its own process."""
    import optuna  # noqa: F401
    import rich.console  # noqa: F401
    import sqlalchemy.dialects.postgresql.psycopg2  # noqa: F401

    import cli  # noqa: F401
    import studies.audit.audit
    import studies.lifecycle.preview
    import studies.lifecycle.run
    import studies.results.show
    import studies.status.status
    import studies.tables.terminal  # noqa: F401


def watch(arguments: list[str], environment: dict[str, str], folder: str, out: int, err: int, channel: int) -> None:
    """Fork the call and tell its number and its exit code. In the call itself this returns at the program's end, so
    that it leaves as every program does."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    answer = socket.socket(fileno=channel)
    pid = os.fork()
    if pid == 0:
        answer.close()
        for source, target in ((out, 1), (err, 2)):
            os.dup2(source, target)
            os.close(source)
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        sys.argv = arguments
        import cli

        cli.main()
        return
    send(answer, {"pid": pid})
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with suppress(OSError):  # the caller has given up
        send(answer, {"code": code})
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
