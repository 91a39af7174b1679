"""What is done to workers, to their way to the server, and to the server: each fault with what ends it.

A fault that lasts is ended by what it returns, after the seconds that it returns with it.
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
from benchmarks.network import Cable
from objectives.process.process_tree import children, descendants

Ends = tuple[float, Callable[[], None]]
PAST_TIMEOUTS = 45.0
"""Seconds: longer than keepalive and TCP's timeout take to give a peer up, and than a worker waits for anything."""


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
"""What befalls one worker, by weight."""
SERVER = {
    "server -9": 3,
    "server restarted, fast": 2,
    "server restarted, immediate": 2,
    "out of connections": 2,
    "disk full": 2,
}
"""What befalls the server, and so everybody."""


@dataclass
class Place:
    """Where a worker of one study lives, one after the other."""

    number: int
    study: str
    cable: Cable
    clock: Path
    process: subprocess.Popen[bytes] | None = None
    busy_until: float = 0.0
    """A fault lasts until then: no second one is put on top of it."""

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def trials(self) -> list[int]:
        """Every process below its worker's that is not its child: keepers and trials."""
        if self.process is None:
            return []
        return [pid for below in children(self.process.pid) for pid in descendants(below)]


@dataclass
class Faults:
    """All kinds of them, by name."""

    dice: random.Random
    cluster: Cluster
    past: float = PAST_TIMEOUTS
    """Seconds of what lasts long."""
    crowd: list[psycopg2.extensions.connection] = field(default_factory=list)

    @staticmethod
    def draw(dice: random.Random, kinds: Sequence[str]) -> str:
        """One of these kinds, by weight."""
        weights = {**WORKER, **SERVER}
        return dice.choices(list(kinds), [weights[kind] for kind in kinds])[0]

    def long(self, seconds: float) -> float:
        """How long something lasts: mostly about `seconds`, and now and then very long."""
        return self.past if self.dice.random() < 0.15 else self.dice.uniform(0.3, 2 * seconds)

    def strike_worker(self, kind: str, place: Place) -> Ends | None:
        """Do it to a worker that is alive. None: it was over at once."""
        assert place.process is not None
        process = place.process
        match kind:
            case "worker -9":
                process.kill()
            case "worker TERM":
                process.terminate()
            case "worker STOP":
                process.send_signal(signal.SIGSTOP)
                return self.long(1.5), lambda: process.send_signal(signal.SIGCONT)
            case "worker STOP, session ended":
                process.send_signal(signal.SIGSTOP)
                self._end_sessions(process.pid)
                return self.long(1.5), lambda: process.send_signal(signal.SIGCONT)
            case "session ended":
                self._end_sessions(process.pid)
            case "trial -9":
                pids = place.trials()
                if pids:
                    with suppress(ProcessLookupError):
                        os.kill(self.dice.choice(pids), signal.SIGKILL)
            case "warm server -9":
                for pid in children(process.pid):
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            case "clock jumps":
                jump(place.clock, self.dice.uniform(-1, 1) * 10 ** self.dice.uniform(0, 6), self.dice.uniform(0, 3600))
            case "slow":
                place.cable.slow()
                return self.long(4), place.cable.mend
            case "lossy":
                place.cable.lossy()
                return self.long(4), place.cable.mend
            case _:
                for direction in {"cut: to the server": ["out"], "cut: from the server": ["in"]}.get(
                    kind, ["out", "in"]
                ):
                    place.cable.cut(direction)
                return self.long(3), place.cable.mend
        return None

    def strike_server(self, kind: str) -> Ends | None:
        """Do it to the server."""
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
        """Every session of a worker, by what it signed in with."""
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
