"""A server and its workers under faults. The workers may run any program."""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.cluster import Cluster
from benchmarks.faults import SERVER, Ends, Faults, WorkerHost
from benchmarks.janitor import Janitor
from benchmarks.jumping import jump
from benchmarks.network import Link, Namespace, Proxy
from storage.home import CHECKOUT

TIMEOUT_SECONDS = 600.0
"""For studies to end, beside the time that the faults take."""
STARTING_SECONDS = 30.0
"""In which a fleet's workers have begun a trial."""
Program = Callable[[WorkerHost], list[str]]
"""The command that starts a worker on a host."""


@dataclass
class Fleet:
    """The server, its workers, and the faults so far."""

    folder: Path
    cluster: Cluster
    links: Sequence[Link]
    faults: Faults
    schedule: random.Random
    """Draws the kinds of faults: the same seed gives the same kinds, whichever worker they strike."""
    due: str | None = None
    hosts: list[WorkerHost] = field(default_factory=list)
    ending: list[tuple[float, Ends, str]] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    starts: int = 0

    @staticmethod
    def build(folder: Path, janitor: Janitor, seed: int, hosts: int) -> Fleet:
        """A server, and links to it for so many workers."""
        folder.chmod(0o755)  # as root, the server runs as another user
        janitor.at_the_end("remove", str(folder))
        dice = random.Random(seed)
        links: Sequence[Link]
        if Namespace.permitted(janitor):
            links = [Namespace(f"sh{os.getpid()}n{n}", n, janitor) for n in range(hosts)]
            cluster = Cluster(folder, [link.address for link in links], janitor)
        else:
            cluster = Cluster(folder, ["127.0.0.1"], janitor)
            links = [Proxy(cluster.port, dice) for _ in range(hosts)]
        janitor.at_the_end("kill", f"STUDYHALL_HOME={folder}/home")
        return Fleet(folder, cluster, links, Faults(dice, cluster), random.Random(seed))

    def url(self, link: Link) -> str:
        """The database's URL on a link."""
        if isinstance(link, Proxy):
            return self.cluster.url("127.0.0.1").replace(f":{self.cluster.port}/", f":{link.own_port}/")
        return self.cluster.url(link.address)

    @property
    def own_url(self) -> str:
        """The database's URL on a way without faults."""
        return self.cluster.url(self.cluster.addresses[0])

    def environment(self, number: int) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "STUDYHALL_"))}
        own = {"STUDYHALL_HOME": f"{self.folder}/home", "STUDYHALL_LOCKS": f"{self.folder}/locks-{number}"}
        return {**kept, **own, "STUDYHALL_STORAGE": self.url(self.links[number]), "PYTHONPATH": str(CHECKOUT)}

    def assign(self, studies: Sequence[str]) -> None:
        """Give each study the same number of hosts."""
        each = len(self.links) // len(studies)
        self.hosts = [
            WorkerHost(n, studies[n // each], link, self.folder / f"clock-{n}") for n, link in enumerate(self.links)
        ]
        for host in self.hosts:
            jump(host.clock, 0, 0)

    def start(self, host: WorkerHost, program: Program) -> None:
        """Start a worker on a host, in a session of its own."""
        with (self.folder / f"worker-{host.number}.log").open("ab") as log:
            host.process = subprocess.Popen(
                host.link.command(program(host)),
                env=self.environment(host.number),
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.starts += 1

    @property
    def over(self) -> set[str]:
        """Studies whose search has ended: a worker left with exit code 0."""
        return {host.study for host in self.hosts if host.process is not None and host.process.poll() == 0}

    def work(self, studies: Sequence[str], program: Program, kinds: Sequence[str], faults: int, pause: float) -> None:
        """Run these studies to their end under at most `faults` faults. Workers that die are started again.

        The first fault waits for a running trial, `STARTING_SECONDS` at most: workers that still start lose nothing.

        Raises:
            TimeoutError: A study does not end.
        """
        self.assign(studies)
        deadline = time.monotonic() + TIMEOUT_SECONDS + 3 * faults * pause
        latest, following, struck = time.monotonic() + STARTING_SECONDS, 0.0, self.done.total()
        while len(self.over) < len(studies):
            self.heal()
            over = self.over
            for host in self.hosts:
                if not host.alive and host.study not in over:
                    self.start(host, program)
            if not following and (time.monotonic() >= latest or any(host.trials() for host in self.hosts)):
                following = time.monotonic()
            if self.done.total() - struck < faults and 0 < following <= time.monotonic():
                self.disturb(kinds)
                following = time.monotonic() + self.faults.dice.uniform(0.1, 2 * pause - 0.1)
            self._check(deadline, f"{set(studies) - over} do not end")
            time.sleep(0.02)
        self.heal(everything=True)
        while any(host.alive for host in self.hosts):
            self._check(deadline, "a worker of a study that has ended does not leave")
            time.sleep(0.05)

    def disturb(self, kinds: Sequence[str]) -> None:
        """One fault. A worker's fault strikes a worker without another fault, and with running trials if there is one.

        The first fault always kills a worker, so that every run loses something.
        """
        if self.due is None:
            self.due = Faults.draw(self.schedule, kinds) if self.done else "worker -9"
        kind, now = self.due, time.monotonic()
        if kind in SERVER:
            if any(name in SERVER for _, _, name in self.ending):
                return  # wait until the server has recovered from the last one
            ends = self.faults.strike_server(kind)
        else:
            free = [host for host in self.hosts if host.alive and host.busy_until <= now]
            host = self.faults.dice.choice([each for each in free if each.trials()] or free or [None])
            if host is None:
                return
            ends = self.faults.strike_worker(kind, host)
            host.busy_until = now + (0.0 if ends is None else ends[0])
        self.due = None
        if ends is not None:
            self.ending.append((now + ends[0], ends, kind))
        self.done[kind] += 1

    def heal(self, everything: bool = False) -> None:
        """End the faults whose time is over."""
        for each in list(self.ending):
            if everything or each[0] <= time.monotonic():
                self.ending.remove(each)
                each[1][1]()

    def table(self) -> str:
        """The faults so far, a line for each kind."""
        width = max(map(len, self.done), default=0)
        lines = [f"{kind:{width}}  {count:4}" for kind, count in self.done.most_common()]
        return "\n".join([*lines, f"{'faults':{width}}  {self.done.total():4}, worker starts {self.starts}"])

    def _check(self, deadline: float, problem: str) -> None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{problem}, after {dict(self.done)}")
