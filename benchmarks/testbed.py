"""A server and its workers under faults, whichever program the workers are of."""

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
from benchmarks.faults import SERVER, Ends, Faults, Place
from benchmarks.janitor import Janitor
from benchmarks.jumping import jump
from benchmarks.network import Cable, Namespace, Proxy

CHECKOUT = Path(__file__).resolve().parent.parent
PATIENCE = 600.0
"""Seconds for studies to end, beside those that the faults take."""
Program = Callable[[Place], list[str]]
"""The command that a worker at this place is started with."""


@dataclass
class Hall:
    """The server, its workers, and what was done to them."""

    folder: Path
    cluster: Cluster
    cables: list[Cable]
    faults: Faults
    schedule: random.Random
    """What comes next: the same for the same seed, whoever it strikes and however long that takes."""
    due: str | None = None
    places: list[Place] = field(default_factory=list)
    ending: list[tuple[float, Ends, str]] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    starts: int = 0

    @staticmethod
    def build(folder: Path, janitor: Janitor, seed: int, places: int) -> Hall:
        """A server, and ways to it for so many workers."""
        folder.chmod(0o755)  # the server is another user where we are root
        janitor.at_the_end("remove", str(folder))
        dice = random.Random(seed)
        cables: list[Cable]
        if Namespace.permitted(janitor):
            links = [Namespace(f"sh{os.getpid()}n{n}", n, janitor) for n in range(places)]
            cluster = Cluster(folder, [link.address for link in links], janitor)
            cables = list(links)
        else:
            cluster = Cluster(folder, ["127.0.0.1"], janitor)
            cables = [Proxy(cluster.port, dice) for _ in range(places)]
        janitor.at_the_end("kill", f"STUDYHALL_HOME={folder}/home")
        return Hall(folder, cluster, cables, Faults(dice, cluster), random.Random(seed))

    def url(self, cable: Cable) -> str:
        """The database as it is reached this way."""
        if isinstance(cable, Proxy):
            return self.cluster.url("127.0.0.1").replace(f":{self.cluster.port}/", f":{cable.own_port}/")
        return self.cluster.url(cable.address)

    @property
    def own_url(self) -> str:
        """The database as it is reached on a way that nothing is done to."""
        return self.cluster.url(self.cluster.addresses[0])

    def environment(self, number: int) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "STUDYHALL_"))}
        own = {"STUDYHALL_HOME": f"{self.folder}/home", "STUDYHALL_LOCKS": f"{self.folder}/locks-{number}"}
        return {**kept, **own, "STUDYHALL_STORAGE": self.url(self.cables[number]), "PYTHONPATH": str(CHECKOUT)}

    def people(self, studies: Sequence[str]) -> None:
        """Give every place a study, as many to each."""
        each = len(self.cables) // len(studies)
        self.places = [
            Place(n, studies[n // each], cable, self.folder / f"clock-{n}") for n, cable in enumerate(self.cables)
        ]
        for place in self.places:
            jump(place.clock, 0, 0)

    def start(self, place: Place, program: Program) -> None:
        """A worker there, in a process group of its own."""
        with (self.folder / f"worker-{place.number}.log").open("ab") as log:
            place.process = subprocess.Popen(
                place.cable.command(program(place)),
                env=self.environment(place.number),
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.starts += 1

    @property
    def over(self) -> set[str]:
        """Studies that a worker of has left because the search has ended."""
        return {place.study for place in self.places if place.process is not None and place.process.poll() == 0}

    def work(self, studies: Sequence[str], program: Program, kinds: Sequence[str], faults: int, pause: float) -> None:
        """Disturb these studies `faults` times at most, until they have ended. Whoever is gone is started again.

        Raises:
            TimeoutError: They do not end.
        """
        self.people(studies)
        deadline = time.monotonic() + PATIENCE + 3 * faults * pause
        following, struck = time.monotonic() + 3, self.done.total()
        while len(self.over) < len(studies):
            self.heal()
            over = self.over
            for place in self.places:
                if not place.alive and place.study not in over:
                    self.start(place, program)
            if self.done.total() - struck < faults and time.monotonic() >= following:
                self.disturb(kinds)
                following = time.monotonic() + self.faults.dice.uniform(0.1, 2 * pause - 0.1)
            self._check(deadline, f"{set(studies) - over} do not end")
            time.sleep(0.02)
        self.heal(everything=True)
        while any(place.alive for place in self.places):
            self._check(deadline, "a worker of a study that has ended does not leave")
            time.sleep(0.05)

    def disturb(self, kinds: Sequence[str]) -> None:
        """One fault. A worker's strikes one that has trials running and nothing else to bear, if there is one.

        The first is always a worker's death, so that something is lost in every run.
        """
        if self.due is None:
            self.due = Faults.draw(self.schedule, kinds) if self.done else "worker -9"
        kind, now = self.due, time.monotonic()
        if kind in SERVER:
            if any(name in SERVER for _, _, name in self.ending):
                return  # it comes when the server has got over the last one
            ends = self.faults.strike_server(kind)
        else:
            free = [place for place in self.places if place.alive and place.busy_until <= now]
            place = self.faults.dice.choice([each for each in free if each.trials()] or free or [None])
            if place is None:
                return
            ends = self.faults.strike_worker(kind, place)
            place.busy_until = now + (0.0 if ends is None else ends[0])
        self.due = None
        if ends is not None:
            self.ending.append((now + ends[0], ends, kind))
        self.done[kind] += 1

    def heal(self, everything: bool = False) -> None:
        """End the faults whose time is up."""
        for each in list(self.ending):
            if everything or each[0] <= time.monotonic():
                self.ending.remove(each)
                each[1][1]()

    def table(self) -> str:
        """What was done, a kind a line."""
        width = max(map(len, self.done), default=0)
        lines = [f"{kind:{width}}  {count:4}" for kind, count in self.done.most_common()]
        return "\n".join([*lines, f"{'faults':{width}}  {self.done.total():4}, worker starts {self.starts}"])

    def _check(self, deadline: float, told: str) -> None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{told}, after {dict(self.done)}")
