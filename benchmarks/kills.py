"""One growth study under kills: is its end the end of an undisturbed run?

    python benchmarks/kills.py --kills 60 --seed 7

Several worker processes on one embedded server; at random moments drawn from the printed seed one of them is killed
by -9 or SIGTERM, or stopped for a while by SIGSTOP, or the server itself is killed by -9, or a trial's process.
Whoever died is started again. At the end the path is compared with the one that the same search takes in a plain loop
in this process, and `audit` and `replay` are run as a user would. Exit 1 if anything differs.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT))

from objectives.process_tree import children, descendants
from samplers.plan import Decision, Done, Need, Result
from storage import server
from storage.records import need_study
from storage.session import Session
from studies.definition import Definition
from studies.searches import search_of

ACTIONS = {"worker -9": 5, "worker TERM": 2, "worker STOP": 2, "server -9": 2, "trial -9": 3}


def undisturbed(definition: Definition, objective: Any) -> list[Mapping[str, Any]]:
    """The records of the same search in a plain loop: one process, no database, nothing killed.

    `objective` gives metrics, or raises MemoryError where the point does not fit.
    """
    search = search_of(definition, "the benchmark")
    state, results, records = search.start(), {}, []
    while True:
        step = search.advance(state, results)
        match step:
            case Done():
                return records
            case Decision():
                records.append(step.record)
                state = step.state
            case Need():
                for point in step.points:
                    results[point.hash] = _result(objective, {**point.config, "seed": point.seed})


def at_once(objective: Any) -> Any:
    """The same objective without its sleep: what an undisturbed run comes to does not depend on it."""
    return lambda config: objective({**config, "seconds": 0.0})


def _result(objective: Any, config: Mapping[str, Any]) -> Result:
    try:
        return Result(0, "COMPLETE", objective(config))
    except MemoryError as error:
        return Result(0, "FAIL", {}, f"out of memory: MemoryError: {error}", "out_of_memory")


@dataclass
class Disturbance:
    """A study at work, and everything that is done to it."""

    file: Path
    home: Path
    name: str
    workers: int
    slots: int
    dice: random.Random
    search: str = "grow"
    running: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "STUDYHALL_"))}
        return {**kept, "STUDYHALL_HOME": str(self.home)}

    def call(self, *arguments: str) -> str:
        """What a user's command prints."""
        command = [sys.executable, str(CHECKOUT / "cli.py"), *arguments, "--study", self.name]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False).stdout

    def start(self, place: int) -> None:
        """One worker, in a process group of its own."""
        command = [sys.executable, str(CHECKOUT / "cli.py"), "run", self.search, "--study", self.name]
        command += ["--file", str(self.file), "--workers", str(self.slots)]
        log = (self.home / f"worker-{place}.log").open("ab")
        self.running[place] = subprocess.Popen(
            command, env=self.environment, stdout=log, stderr=log, start_new_session=True
        )
        log.close()

    def keep_up(self) -> None:
        """Start again whoever is gone."""
        for place in range(self.workers):
            process = self.running.get(place)
            if process is None or process.poll() is not None:
                self.start(place)

    def disturb(self) -> None:
        """One thing, drawn by weight, to a worker that has trials running: there is more to lose. Nothing if the study
        has ended meanwhile. The first is always a worker's death, so that something is lost in every run."""
        (action,) = self.dice.choices(list(ACTIONS), list(ACTIONS.values()))
        action = action if self.done else "worker -9"
        while not (busy := [each for each in self.running.values() if trial_processes(each.pid)]):
            if all(each.poll() is not None for each in self.running.values()):
                return
            time.sleep(0.01)
        process = self.dice.choice(busy)
        match action:
            case "worker -9":
                process.kill()
            case "worker TERM":
                process.terminate()
            case "worker STOP":
                process.send_signal(signal.SIGSTOP)
                time.sleep(self.dice.uniform(0.2, 1.5))
                process.send_signal(signal.SIGCONT)
            case "server -9":
                pid = server.status(self.home).pid
                if pid is None:
                    return
                os.kill(pid, signal.SIGKILL)
            case "trial -9":
                pids = trial_processes(process.pid)
                if not pids:
                    return
                os.kill(self.dice.choice(pids), signal.SIGKILL)
        self.done[action] += 1

    def finished(self) -> bool:
        """Whether some worker left because the search has ended."""
        return any(process.poll() == 0 for process in self.running.values())

    def end(self) -> None:
        """Nothing of ours is left running."""
        for process in self.running.values():
            process.kill()
            process.wait()
        server.down(self.home)


def trial_processes(worker: int) -> list[int]:
    """Every process below a worker's that is not its child: keepers and trials."""
    return [pid for server in children(worker) for pid in descendants(server)]


def disturbed(work: Disturbance, kills: int, pause: float, limit: float) -> None:
    """Disturb `kills` times while the study is at work, then let it come to its end.

    Raises:
        TimeoutError: It does not come to an end.
        RuntimeError: It came to its end before there were so many: what is done to a finished study proves nothing.
    """
    deadline = time.monotonic() + limit
    work.start(0)
    while time.monotonic() < deadline:
        if work.finished():
            if work.done.total() < kills:
                raise RuntimeError(
                    f"the study ended after {work.done.total()} of {kills} kills: its trials are too short"
                )
            return
        work.keep_up()
        if work.done.total() < kills:
            time.sleep(work.dice.uniform(0.2, 2 * pause))
            work.disturb()
        else:
            time.sleep(0.1)
    raise TimeoutError(f"not finished after {limit} s and {dict(work.done)}")


@dataclass(frozen=True)
class Verdict:
    """What was found at the end."""

    audit: Mapping[str, Any]
    replay: Mapping[str, Any]
    same_path: bool
    rounds: int


def judge(work: Disturbance, expected: list[Mapping[str, Any]]) -> Verdict:
    """Ask as a user would. Trial numbers may differ between runs; everything else has to be the same."""
    session = Session(server.ensure(work.home))
    study = need_study(session, work.name)
    shown = [row.record for row in session.run("read_decisions", {"study_id": study.study_id})]
    session.close()
    same = [_timeless(record) for record in shown] == [_timeless(record) for record in expected]
    return Verdict(
        json.loads(work.call("audit", "--json")), json.loads(work.call("replay", "--json")), same, len(shown)
    )


def _timeless(value: Any) -> Any:
    """A record without the numbers of its trials, and as it is after a way through JSON."""
    if isinstance(value, Mapping):
        return {key: _timeless(each) for key, each in value.items() if key not in ("trial", "trials", "refused")}
    if isinstance(value, list | tuple):
        return [_timeless(each) for each in value]
    return value


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--slots", type=int, default=2, help="of each worker")
    parser.add_argument("--pause", type=float, default=0.9, help="mean seconds between two kills")
    parser.add_argument(
        "--seconds", type=float, default=4.0, help="of a trial: so many kills have to fit into the study"
    )
    parser.add_argument("--limit", type=float, default=1800)
    options = parser.parse_args()
    from tests.growth_trace import landscape, write_definition

    home = Path(tempfile.mkdtemp(prefix="studyhall-kills-"))
    home.chmod(0o755)
    file = write_definition(
        home, steps=12, seconds=options.seconds, more="attempts: 99\n"
    )  # a kill of a trial is charged to it
    work = Disturbance(file, home, "kills", options.workers, options.slots, random.Random(options.seed))
    print(f"seed {options.seed}: {options.kills} kills, {options.workers} workers of {options.slots} slots", flush=True)
    began = time.monotonic()
    try:
        disturbed(work, options.kills, options.pause, options.limit)
        verdict = judge(work, undisturbed(Definition.load(file, "grow"), at_once(landscape)))
    finally:
        work.end()
    audit = verdict.audit
    print(f"{time.monotonic() - began:.0f} s; disturbances: {dict(work.done)}")
    print(
        f"points {audit['points']}, attempts {audit['attempts']}, beyond the one that counted {audit['extra_attempts']}"
    )
    print(f"accepted twice {audit['duplicates']}, lost {audit['holes']}, refused by the fence {audit['refused']}")
    print(f"decisions derived again {audit['decisions']['rederived']}/{audit['decisions']['made']}")
    print(
        f"path of the undisturbed run: {'the same' if verdict.same_path else 'NOT the same'}, {verdict.rounds} rounds"
    )
    print("audit holds" if audit["holds"] else f"audit does not hold: {audit['violations']}")
    good = audit["holds"] and verdict.same_path and verdict.replay["agrees"]
    if good:
        shutil.rmtree(home)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
