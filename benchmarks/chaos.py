"""A growth, a depth and a grid study at once, under every fault that a cluster brings: do they end as if undisturbed?

    python benchmarks/chaos.py --faults 500 --seed 7

Each worker lives in a network namespace of its own, on a private PostgreSQL with a small disk and few connections. The
schedule is drawn from the printed seed: workers are killed by -9 and TERM, stopped past every timeout, cut off from the
database in either direction, slowed, made to lose packets; their trials and warm servers are killed, their clocks
jump; the server is killed, restarted under load, runs out of connections and out of disk. Whoever died is started
again. When three studies have ended they are judged: `audit` and `replay` as a user would, decisions and scores beside
those of the same search in a plain loop, and the states that stock Optuna reads. Then three more, until there were so
many faults. Exit 1 if anything is off.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT))

from benchmarks.cluster import Cluster
from benchmarks.faults import SERVER, WORKER, Ends, Faults, Place
from benchmarks.janitor import Janitor
from benchmarks.jumping import jump
from benchmarks.network import Cable, Namespace, Proxy
from benchmarks.searches import Study, three_studies, timeless
from storage.records import need_study
from storage.session import Session


@dataclass
class Hall:
    """The server, its workers, and what was done to them."""

    folder: Path
    cluster: Cluster
    cables: list[Cable]
    faults: Faults
    slots: int
    places: list[Place] = field(default_factory=list)
    files: dict[str, Study] = field(default_factory=dict)
    ending: list[tuple[float, Ends, str]] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    starts: int = 0

    @staticmethod
    def build(folder: Path, janitor: Janitor, dice: random.Random, workers: int, slots: int) -> Hall:
        """`workers` places for each of three studies."""
        janitor.at_the_end("remove", str(folder))
        cables: list[Cable]
        if Namespace.permitted(janitor):
            links = [Namespace(f"sh{os.getpid()}n{n}", n, janitor) for n in range(3 * workers)]
            cluster = Cluster(folder, [link.address for link in links], janitor)
            cables = list(links)
        else:
            cluster = Cluster(folder, ["127.0.0.1"], janitor)
            cables = [Proxy(cluster.port, dice) for _ in range(3 * workers)]
        janitor.at_the_end("kill", f"STUDYHALL_HOME={folder}/home")
        return Hall(folder, cluster, cables, Faults(dice, cluster), slots)

    def url(self, cable: Cable) -> str:
        if isinstance(cable, Namespace):
            return self.cluster.url(cable.address)
        assert isinstance(cable, Proxy)
        return self.cluster.url("127.0.0.1").replace(f":{self.cluster.port}/", f":{cable.own_port}/")

    def environment(self, number: int) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "STUDYHALL_"))}
        own = {"STUDYHALL_HOME": f"{self.folder}/home", "STUDYHALL_LOCKS": f"{self.folder}/locks-{number}"}
        return {**kept, **own, "STUDYHALL_STORAGE": self.url(self.cables[number])}

    def call(self, *arguments: str) -> str:
        """What a user's command prints, on a way that nothing is done to any more."""
        command = [*self.cables[0].command([sys.executable, str(CHECKOUT / "cli.py")]), *arguments]
        return subprocess.run(command, env=self.environment(0), capture_output=True, text=True, check=False).stdout

    def keep_up(self) -> None:
        """Start again whoever is gone, but for those whose study has ended."""
        for place in self.places:
            if place.alive or place.study in self.over:
                continue
            if place.process is not None and place.process.returncode == 0:
                continue
            study = self.files[place.study]
            program = [sys.executable, "-m", "benchmarks.jumping", str(place.clock)]
            command = [*program, "run", study.search, "--study", place.study, "--file", str(study.file)]
            command += ["--gpus", "none", "--workers", str(self.slots)]
            with (self.folder / f"worker-{place.number}.log").open("ab") as log:
                place.process = subprocess.Popen(
                    place.cable.command(command),
                    env=self.environment(place.number),
                    cwd=CHECKOUT,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            self.starts += 1

    @property
    def over(self) -> set[str]:
        """Studies that a worker of has left because the search has ended."""
        return {place.study for place in self.places if place.process is not None and place.process.poll() == 0}

    def heal(self, everything: bool = False) -> None:
        """End the faults whose time is up."""
        for each in list(self.ending):
            if everything or each[0] <= time.monotonic():
                self.ending.remove(each)
                each[1][1]()

    def disturb(self, kinds: Sequence[str]) -> None:
        """One fault. A worker's strikes one that has trials running and nothing else to bear, if there is one."""
        kind = self.faults.draw(kinds)
        now = time.monotonic()
        if kind in SERVER:
            if any(name in SERVER for _, _, name in self.ending):
                return
            ends = self.faults.strike_server(kind)
        else:
            free = [place for place in self.places if place.alive and place.busy_until <= now]
            place = self.faults.dice.choice([each for each in free if each.trials()] or free or [None])
            if place is None:
                return
            ends = self.faults.strike_worker(kind, place)
            place.busy_until = now + (0.0 if ends is None else ends[0])
        if ends is not None:
            self.ending.append((now + ends[0], ends, kind))
        self.done[kind] += 1

    def work(self, studies: Sequence[Study], names: Mapping[str, str], faults: int, pause: float, limit: float) -> None:
        """Disturb these studies `faults` times at most, until they have ended.

        Raises:
            TimeoutError: They do not end.
        """
        deadline = time.monotonic() + limit
        workers = len(self.cables) // len(studies)
        self.files = {names[study.search]: study for study in studies}
        self.places = [
            Place(n, names[studies[n // workers].search], cable, self.folder / f"clock-{n}")
            for n, cable in enumerate(self.cables)
        ]
        for place in self.places:
            jump(place.clock, 0, 0)
        kinds = [*WORKER, *SERVER]
        following, struck = time.monotonic() + 3, self.done.total()
        while len(self.over) < len(studies):
            self.heal()
            self.keep_up()
            if self.done.total() - struck < faults and time.monotonic() >= following:
                self.disturb(kinds)
                following = time.monotonic() + self.faults.dice.uniform(0.1, 2 * pause - 0.1)
            if time.monotonic() > deadline:
                raise TimeoutError(f"not finished after {limit} s: {set(self.files) - self.over} go on")
            time.sleep(0.02)
        self.heal(everything=True)
        while any(place.alive for place in self.places):
            if time.monotonic() > deadline:
                raise TimeoutError("a worker of a study that has ended does not leave")
            time.sleep(0.05)


@dataclass(frozen=True)
class Verdict:
    """What was found at the end of a study."""

    audit: Mapping[str, Any]
    problems: Sequence[str]


def judge(hall: Hall, name: str, study: Study) -> Verdict:
    """Ask as a user would, and look beneath."""
    audit = json.loads(hall.call("audit", "--study", name, "--json"))
    problems = [f"{name}: {each}" for each in audit["violations"]]
    if not json.loads(hall.call("replay", "--study", name, "--json"))["agrees"]:
        problems.append(f"{name}: replay does not agree")
    session = Session(hall.cluster.url(hall.cluster.addresses[0]))
    row = need_study(session, name)
    records = [each.record for each in session.run("read_decisions", {"study_id": row.study_id})]
    points = session.run("read_points", {"study_id": row.study_id})
    session.close()
    expected, ends = study.expected
    if timeless(records) != timeless(expected):
        problems.append(f"{name}: its decisions are not those of the undisturbed run")
    found = {
        each.hash: (each.state, {key: float(text) for key, text in (each.metrics or {}).items()}) for each in points
    }
    if found != ends:
        differ = [each for each in {*found, *ends} if found.get(each) != ends.get(each)]
        problems.append(f"{name}: {len(differ)} points have other ends than in the undisturbed run")
    return Verdict(audit, problems + _optuna_problems(hall, name, ends))


def _optuna_problems(hall: Hall, name: str, ends: Mapping[str, tuple[str, Mapping[str, float]]]) -> list[str]:
    """What stock Optuna sees: as many trials of each state, numbered without a gap, each with its value and times."""
    from optuna import load_study
    from optuna.storages import RDBStorage

    storage = RDBStorage(hall.cluster.url(hall.cluster.addresses[0]))
    try:
        trials = load_study(study_name=name, storage=storage).get_trials()
    finally:
        storage.engine.dispose()
    problems = []
    if [trial.number for trial in trials] != list(range(len(trials))):
        problems.append(f"{name}: Optuna's numbers have a gap")
    if Counter(trial.state.name for trial in trials) != Counter(state for state, _ in ends.values()):
        problems.append(f"{name}: Optuna's states are {Counter(trial.state.name for trial in trials)}")
    for trial in trials:
        if trial.state.name == "COMPLETE" and (trial.value is None or not trial.datetime_complete or not trial.params):
            problems.append(f"{name}: trial {trial.number} is COMPLETE without a value, a time or parameters")
    return problems


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", type=int, default=500)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--workers", type=int, default=2, help="of each study")
    parser.add_argument("--slots", type=int, default=2, help="of each worker")
    parser.add_argument("--pause", type=float, default=0.6, help="mean seconds between two faults")
    parser.add_argument("--seconds", type=float, default=0.4, help="of a trial")
    parser.add_argument("--size", type=int, default=10, help="of a study: 16 points each")
    parser.add_argument("--limit", type=float, default=1200, help="seconds for three studies")
    options = parser.parse_args()
    print(f"seed {options.seed}: {options.faults} faults, 3 studies, {options.workers} workers each", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="studyhall-chaos-"))
    folder.chmod(0o755)
    janitor = Janitor()
    began = time.monotonic()
    verdicts: list[Verdict] = []
    try:
        hall = Hall.build(folder, janitor, random.Random(options.seed), options.workers, options.slots)
        print(f"cut off by: {hall.cables[0].kind}; data on a disk of its own: {hall.cluster.own_disk}", flush=True)
        studies = three_studies(folder, options.seconds, options.size)
        while (left := options.faults - hall.done.total()) > 0:
            names = {study.search: f"{study.search}-{len(verdicts) // 3 + 1}" for study in studies}
            hall.work(studies, names, left, options.pause, options.limit)
            verdicts += [judge(hall, names[study.search], study) for study in studies]
            problems = [problem for verdict in verdicts for problem in verdict.problems]
            print(f"{time.monotonic() - began:.0f} s: {hall.done.total()} faults, {len(problems)} problems", flush=True)
            if problems:
                break
        _tell(hall, verdicts)
    finally:
        if sys.exc_info()[0] or any(verdict.problems for verdict in verdicts):
            logs = Path(tempfile.mkdtemp(prefix=f"studyhall-chaos-logs-{options.seed}-"))
            for log in folder.glob("*.log"):
                shutil.copy(log, logs)
            print(f"the logs are in {logs}", flush=True)
        janitor.finish()
    return int(any(verdict.problems for verdict in verdicts))


def _tell(hall: Hall, verdicts: Sequence[Verdict]) -> None:
    audits = [verdict.audit for verdict in verdicts]
    extra: Counter[str] = Counter()
    for audit in audits:
        extra.update(audit["extra_attempts"])
    width = max(map(len, hall.done), default=0)
    print("\n".join(f"{kind:{width}}  {count:4}" for kind, count in hall.done.most_common()))
    print(f"faults {hall.done.total()}, worker starts {hall.starts}, studies {len(verdicts)}")
    points, attempts = (sum(each["points"]["planned"] for each in audits), sum(each["attempts"] for each in audits))
    print(f"points {points}, attempts {attempts}, beyond the one that counted {dict(extra)}")
    twice, lost = sum(each["duplicates"] for each in audits), sum(each["holes"] for each in audits)
    print(f"accepted twice {twice}, lost {lost}, refused by the fence {sum(each['refused'] for each in audits)}")
    made, again = (sum(each["decisions"][key] for each in audits) for key in ("made", "rederived"))
    print(f"decisions derived again {again}/{made}")
    problems = [problem for verdict in verdicts for problem in verdict.problems]
    print("\n".join(problems) or "every study ended as the undisturbed one", flush=True)


if __name__ == "__main__":
    sys.exit(main())
