"""Faults of workers, of their links to the server, and of the server.

A fault that lasts returns its seconds and the function that ends it.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2

from benchmarks.cluster import Cluster
from benchmarks.jumping import jump
from benchmarks.network import Link
from objectives.process.process_tree import children, descendants

Ends = tuple[float, Callable[[], None]]
LONG_FAULT_SECONDS = 45.0
"""Longer than keepalive and TCP's timeout wait for a peer, and than a worker waits for anything."""


WORKER = {
    "worker -9": 10,
    "worker TERM": 6,
    "worker STOP": 6,
    "worker STOP, session ended": 4,
    "session ended": 6,
    "trial -9": 6,
    "warm server -9": 3,
    "cut: to the server": 4,
    "cut: from the server": 4,
    "cut: both ways": 3,
    "slow": 3,
    "lossy": 3,
    "clock jumps": 4,
}
"""Faults of one worker, with their weights."""
SERVER = {
    "server -9": 3,
    "server restarted, fast": 2,
    "server restarted, immediate": 2,
    "out of connections": 2,
    "disk full": 2,
}
"""Faults of the server, with their weights."""


@dataclass
class WorkerHost:
    """A host of one study: it runs one worker at a time."""

    number: int
    study: str
    link: Link
    clock: Path
    process: subprocess.Popen[bytes] | None = None
    busy_until: float = 0.0
    """The end of its last fault; until then it gets no other."""

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def trials(self) -> list[int]:
        """Every process below the worker's children: keepers and trials."""
        if self.process is None:
            return []
        return [pid for below in children(self.process.pid) for pid in descendants(below)]


@dataclass
class Faults:
    """Strikes faults by the names of their kinds."""

    dice: random.Random
    cluster: Cluster
    long_seconds: float = LONG_FAULT_SECONDS
    crowd: list[psycopg2.extensions.connection] = field(default_factory=list)

    @staticmethod
    def draw(dice: random.Random, kinds: Sequence[str]) -> str:
        """One of these kinds, by weight."""
        weights = {**WORKER, **SERVER}
        return dice.choices(list(kinds), [weights[kind] for kind in kinds])[0]

    def duration(self, seconds: float) -> float:
        """Seconds of a fault: mostly about `seconds`, and now and then very long."""
        return self.long_seconds if self.dice.random() < 0.15 else self.dice.uniform(0.3, 2 * seconds)

    def strike_worker(self, kind: str, host: WorkerHost) -> Ends | None:
        """Strike a living worker. None: the fault is over already."""
        assert host.process is not None
        process = host.process
        match kind:
            case "worker -9":
                process.kill()
            case "worker TERM":
                process.terminate()
            case "worker STOP":
                process.send_signal(signal.SIGSTOP)
                return self.duration(1.5), lambda: process.send_signal(signal.SIGCONT)
            case "worker STOP, session ended":
                process.send_signal(signal.SIGSTOP)
                self._end_sessions(process.pid)
                return self.duration(1.5), lambda: process.send_signal(signal.SIGCONT)
            case "session ended":
                self._end_sessions(process.pid)
            case "trial -9":
                pids = host.trials()
                if pids:
                    with suppress(ProcessLookupError):
                        os.kill(self.dice.choice(pids), signal.SIGKILL)
            case "warm server -9":
                for pid in children(process.pid):
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            case "clock jumps":
                jump(host.clock, self.dice.uniform(-1, 1) * 10 ** self.dice.uniform(0, 6), self.dice.uniform(0, 3600))
            case "slow":
                host.link.slow()
                return self.duration(4), host.link.mend
            case "lossy":
                host.link.lossy()
                return self.duration(4), host.link.mend
            case _:
                for direction in {"cut: to the server": ["out"], "cut: from the server": ["in"]}.get(
                    kind, ["out", "in"]
                ):
                    host.link.cut(direction)
                return self.duration(3), host.link.mend
        return None

    def strike_server(self, kind: str) -> Ends | None:
        """Strike the server. None: the fault is over already."""
        match kind:
            case "server -9":
                self.cluster.kill()
                return self.dice.uniform(0, 2), self.cluster.up
            case "server restarted, fast":
                self.cluster.restart("fast")
            case "server restarted, immediate":
                self.cluster.restart("immediate")
            case "out of connections":
                with suppress(psycopg2.OperationalError):
                    while True:
                        self.crowd.append(self.cluster.connect())
                return self.dice.uniform(0.5, 3), self._disperse
            case "disk full":
                self.cluster.fill()
                return self.dice.uniform(0.5, 3), self._make_room
        return None

    def _end_sessions(self, pid: int) -> None:
        """End every session of the worker with this process."""
        with suppress(psycopg2.Error):
            self.cluster.execute(
                "SELECT pg_terminate_backend(lock.pid) FROM pg_locks AS lock JOIN studyhall_workers AS worker "
                f"ON objid = worker_id::oid WHERE locktype = 'advisory' AND worker.pid = {pid} AND ended_at IS NULL"
            )

    def _disperse(self) -> None:
        for connection in self.crowd:
            with suppress(psycopg2.Error):
                connection.close()
        self.crowd.clear()

    def _make_room(self) -> None:
        self.cluster.make_room()
        self.cluster.up()
