"""The demonstration's own home and its workers. However it ends, nothing of it runs on or is left behind.

A keeper process waits for the end of its standard input, which comes when the demonstration's process ends, killed or
not. It then stops the server and removes the home. The workers are tied to the demonstration in the same way.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from storage.errors import StudyhallError
from storage.home import CHECKOUT, python_path
from storage.store import Store

KEEPER_SECONDS = 60.0
"""That stopping the server may take."""


@dataclass(frozen=True)
class WorkerProcess:
    """One worker: `run` with one CPU slot."""

    number: int
    """From 1, in the order of their starts."""
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def name(self) -> str:
        """`worker 2 (process 4711)`."""
        return f"worker {self.number} (process {self.pid})"

    @property
    def failure(self) -> str | None:
        """The last line of the log of a worker that failed by itself."""
        if self.process.poll() in (None, 0, -signal.SIGKILL):
            return None
        return (self.log.read_text(errors="replace").splitlines() or ["no message"])[-1]


@dataclass
class Scene:
    """A home with a server of its own, and the workers that were started in it."""

    home: Path
    workers: list[WorkerProcess]

    @property
    def store(self) -> Store:
        """Its storage: never the user's."""
        return Store("", self.home)

    def start_worker(self, arguments: Sequence[str]) -> WorkerProcess:
        """Start `cli.py ARGUMENTS`; it is killed when this process ends."""
        number = len(self.workers) + 1
        environment = {name: value for name, value in os.environ.items() if not name.startswith("STUDYHALL_")}
        environment |= {
            "PYTHONPATH": python_path(os.environ),
            "STUDYHALL_HOME": str(self.home),
            "STUDYHALL_LOCKS": str(self.home / "locks"),
            "STUDYHALL_BOARD": "off",
            "TMPDIR": str(self.home),  # torch leaves a folder there
        }
        tied = [sys.executable, "-m", "studies.launch.tied", str(os.getpid()), *arguments]
        log = self.home / f"worker-{number}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                tied,
                env=environment,
                cwd=CHECKOUT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is this process's matter
            )
        worker = WorkerProcess(number, process, log)
        self.workers.append(worker)
        return worker


@contextmanager
def scene() -> Iterator[Scene]:
    """A new home, until the end of the block.

    Raises:
        StudyhallError: Its server does not stop in time.
    """
    made = Scene(Path(tempfile.mkdtemp(prefix="studyhall-demo-")), [])
    if os.geteuid() == 0:
        made.home.chmod(0o755)  # root's server is another user
    keeper = subprocess.Popen(
        [sys.executable, "-m", "studies.demo.keeper", str(made.home)],
        env={**os.environ, "PYTHONPATH": python_path(os.environ)},
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield made
    finally:
        for worker in made.workers:
            worker.process.kill()
            worker.process.wait()
        try:
            keeper.communicate(timeout=KEEPER_SECONDS)
        except subprocess.TimeoutExpired:
            raise StudyhallError(f"demo: the server in {made.home} takes long to stop; it is still asked to") from None
