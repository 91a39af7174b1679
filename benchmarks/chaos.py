"""A growth, a depth and a grid study at once, under every fault that a cluster brings: do they end as if undisturbed?

    python benchmarks/chaos.py --faults 500 --seed 7

Each worker lives in a network namespace of its own, on a private PostgreSQL with a small disk and few connections. The
schedule is drawn from the printed seed: workers are killed by -9 and TERM, stopped past every timeout, cut off from the
database in either direction, slowed, made to lose packets; their trials and warm servers are killed, their clocks
jump; the server is killed, restarted under load, runs out of connections and out of disk. Workers that die are started
again. When three studies have ended they are judged: `audit` and `replay` as a user would, decisions and scores beside
those of the same search in a plain loop, and the states that stock Optuna reads. Then three more, until there were so
many faults. Exit 1 if anything is off.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.faults import SERVER, WORKER, WorkerHost
from benchmarks.fleet import Fleet, Program
from benchmarks.janitor import Janitor
from benchmarks.searches import Study, studies_of, timeless
from storage.home import CHECKOUT
from storage.reader import Reader
from storage.session import Session

SEARCHES = ("grow", "depth", "grid")


def studyhall(studies: Mapping[str, Study], slots: int) -> Program:
    """Studyhall's workers, whose clocks can be moved."""

    def command(host: WorkerHost) -> list[str]:
        study = studies[host.study]
        started = [sys.executable, "-m", "benchmarks.jumping", str(host.clock), "run", study.search]
        return [*started, "--study", host.study, "--file", str(study.file), "--gpus", "none", "--workers", str(slots)]

    return command


def ask(fleet: Fleet, *arguments: str) -> Any:
    """The JSON that a command prints, on a link without faults."""
    command = fleet.links[0].command([sys.executable, str(CHECKOUT / "cli.py"), *arguments, "--json"])
    return json.loads(subprocess.run(command, env=fleet.environment(0), capture_output=True, check=False).stdout)


@dataclass(frozen=True)
class Verdict:
    """The judgement of an ended study."""

    audit: Mapping[str, Any]
    problems: Sequence[str]


def judge(fleet: Fleet, name: str, study: Study) -> Verdict:
    """Judge a study by `audit` and `replay`, and by the rows in the database."""
    audit = ask(fleet, "audit", "--study", name)
    problems = [f"{name}: {each}" for each in audit["violations"]]
    if not ask(fleet, "replay", "--study", name)["agrees"]:
        problems.append(f"{name}: replay does not agree")
    session = Session(fleet.own_url)
    row = Reader(session).study(name)
    records = [each.record for each in Reader(session).decisions(row.study_id)]
    points = Reader(session).trials(row.study_id)
    session.close()
    expected, ends = study.expected
    made, wanted = timeless(records), timeless(expected)
    if made != wanted:
        where, pair = next((n, pair) for n, pair in enumerate(zip_longest(made, wanted)) if pair[0] != pair[1])
        problems.append(f"{name}: decision {where} is {pair[0]}, in the undisturbed run it is {pair[1]}")
    found = {each.hash: (each.state, dict(each.metrics)) for each in points}
    if found != ends:
        differ = [each for each in {*found, *ends} if found.get(each) != ends.get(each)]
        problems.append(f"{name}: {len(differ)} points have other ends than in the undisturbed run")
    return Verdict(audit, problems + _optuna_problems(fleet, name, ends))


def _optuna_problems(fleet: Fleet, name: str, ends: Mapping[str, tuple[str, Mapping[str, float]]]) -> list[str]:
    """Check stock Optuna's view: the same number of trials in each state, no gap in their numbers, values and times."""
    from optuna import load_study
    from optuna.storages import RDBStorage

    storage = RDBStorage(fleet.own_url)
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


def chaos(fleet: Fleet, studies: Sequence[Study], slots: int, faults: int, pause: float) -> list[Verdict]:
    """Run these studies again and again, until there were `faults` faults or a judge found a problem.

    Faults that cost no trial an attempt prove little: then there are as many again, three times at most.
    """
    verdicts: list[Verdict] = []
    began, wanted = time.monotonic(), faults
    while (left := wanted - fleet.done.total()) > 0:
        named = {f"{study.search}-{len(verdicts) // len(studies) + 1}": study for study in studies}
        fleet.work(list(named), studyhall(named, slots), [*WORKER, *SERVER], left, pause)
        verdicts += [judge(fleet, name, study) for name, study in named.items()]
        problems = [problem for verdict in verdicts for problem in verdict.problems]
        print(f"{time.monotonic() - began:.0f} s: {fleet.done.total()} faults, {len(problems)} problems", flush=True)
        if problems:
            break
        if not any(verdict.audit["extra_attempts"] for verdict in verdicts) and wanted < 4 * faults:
            wanted = fleet.done.total() + faults
    return verdicts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", type=int, default=500)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--workers", type=int, default=2, help="of each study")
    parser.add_argument("--slots", type=int, default=2, help="of each worker")
    parser.add_argument("--pause", type=float, default=0.6, help="mean seconds between two faults")
    parser.add_argument("--seconds", type=float, default=0.4, help="of a trial")
    parser.add_argument("--size", type=int, default=10, help="of a study: 10 points or more each")
    options = parser.parse_args()
    print(f"seed {options.seed}: {options.faults} faults, 3 studies, {options.workers} workers each", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="studyhall-chaos-"))
    janitor = Janitor()
    good = False
    try:
        fleet = Fleet.build(folder, janitor, options.seed, len(SEARCHES) * options.workers)
        print(f"cut off by {fleet.links[0].kind}; data on a disk of its own: {fleet.cluster.own_disk}", flush=True)
        studies = studies_of(folder, SEARCHES, options.seconds, options.size)
        verdicts = chaos(fleet, studies, options.slots, options.faults, options.pause)
        print(summary(fleet, verdicts), flush=True)
        good = not any(verdict.problems for verdict in verdicts)
    finally:
        if not good:
            logs = Path(tempfile.mkdtemp(prefix=f"studyhall-chaos-logs-{options.seed}-"))
            for log in folder.glob("*.log"):
                shutil.copy(log, logs)
            print(f"the logs are in {logs}", flush=True)
        janitor.finish()
    return int(not good)


def summary(fleet: Fleet, verdicts: Sequence[Verdict]) -> str:
    """The figures over all studies."""
    audits = [verdict.audit for verdict in verdicts]
    extra: Counter[str] = Counter()
    for audit in audits:
        extra.update(audit["extra_attempts"])
    points, attempts = (sum(each["points"]["planned"] for each in audits), sum(each["attempts"] for each in audits))
    twice, lost, refused = (sum(each[key] for each in audits) for key in ("duplicates", "holes", "refused"))
    made, again = (sum(each["decisions"][key] for each in audits) for key in ("made", "rederived"))
    return "\n".join(
        [
            fleet.table(),
            f"studies {len(verdicts)}, points {points}, attempts {attempts}, beyond the one that counted {dict(extra)}",
            f"accepted twice {twice}, lost {lost}, refused by the fence {refused}",
            f"decisions derived again {again}/{made}",
            *[problem for verdict in verdicts for problem in verdict.problems],
            *([] if any(each.problems for each in verdicts) else ["every study ended as the undisturbed one"]),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
