"""Many workers, many trials, many studies: what the engine does there, and what limits it.

    python benchmarks/scale.py claims [--workers 1 8 32 100] [--seconds 10]
    python benchmarks/scale.py sizes [--trials 1000 10000 100000]
    python benchmarks/scale.py studies [--studies 10 100 1000]
    python benchmarks/scale.py crowd [--workers 500]

`claims`: claim + finish of so many workers on one study, each with a session of its own and no trial to run, beside
pgbench sending the same two statements from as many clients: what PostgreSQL itself can do with them on this machine.
`sizes`: claim + finish, planning a batch, and the verbs that read a whole study, at so many finished trials.
`studies`: the same at so many studies in one storage. `crowd`: as many workers through PgBouncer in session mode, and
what the first one too many gets without it.
"""

from __future__ import annotations

import argparse
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.bench import claim_and_finish, in_processes, own_storage, run_program
from samplers.searches.plan import Done
from storage import server
from storage.errors import StorageError
from storage.ledger import Ledger
from storage.locks import TRIAL_LOCKS
from storage.reader import Reader
from storage.session import Session, query
from storage.url import libpq_url
from studies.definition.searches import search_in_force
from studies.planning.planner import plan
from tests.support.pgbouncer import PGBOUNCER, start_pgbouncer
from tests.support.planned import begin, new_points

PGBENCH = shutil.which("pgbench") or next(map(str, Path("/usr/lib/postgresql").glob("*/bin/pgbench")), None)
VERBS = ("status", "show", "audit", "replay")
GRID = """
search: grid
objective: {objective}:nothing
score: {{metric: value, direction: maximize}}
grid: {{axes: {{x: {{range: [1, 400, 1]}}, y: {{range: [1, 400, 1]}}}}}}
config: {{x: 1, y: 1}}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("what", choices=("claims", "sizes", "studies", "crowd"))
    parser.add_argument("--workers", type=int, nargs="+")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--trials", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--studies", type=int, nargs="+", default=[10, 100, 1_000])
    asked = parser.parse_args()
    with own_storage() as (url, home):
        match asked.what:
            case "claims":
                for count in asked.workers or [1, 8, 32, 100]:
                    _claims(url, count, asked.seconds)
            case "sizes":
                _sizes(url, home, sorted(asked.trials))
            case "studies":
                _studies(url, sorted(asked.studies))
            case "crowd":
                _crowd(url, home, (asked.workers or [500])[0], asked.seconds)


# claims


def _claims(url: str, count: int, seconds: float) -> None:
    raw = _pgbench(url, count, seconds)
    ours = _together(url, f"claims {count}", count, seconds)
    beside = "" if raw is None else f"; pgbench, the same two statements: {raw:,.0f}/s; ratio {ours / raw:.2f}"
    print(f"{count:4} workers: {ours:,.0f} trials/s{beside}", flush=True)


def _together(url: str, name: str, count: int, seconds: float) -> float:
    """Trials a second that so many workers claim and finish at once."""
    _plan(url, name, int(3_000 * seconds))
    start = time.time() + 2 + count / 25  # all of them have connected by then
    done = in_processes(_work, count, start, url, name, seconds)
    failed = [each for each in done if isinstance(each, str)]
    if failed:
        raise SystemExit(f"{len(failed)} of {count} workers failed: {failed[0]}")
    return sum(done) / seconds


def _plan(url: str, name: str, points: int) -> None:
    ledger, _ = begin(url, name)
    for first in range(1, points, 10_000):
        with ledger.planning():
            ledger.plan_points(new_points(min(10_000, points + 1 - first), first), 0)
    ledger.session.execute("VACUUM ANALYZE")
    ledger.session.execute("CHECKPOINT")
    ledger.session.close()


def _work(url: str, name: str, seconds: float, start: float) -> int | str:
    try:
        ledger, worker = begin(url, name)
        time.sleep(max(0.0, start - time.time()))
        done = 0
        while time.time() < start + seconds:
            claim_and_finish(ledger, worker, 1)
            done += 1
        return done
    except StorageError as error:
        return str(error)


def _pgbench(url: str, clients: int, seconds: float) -> float | None:
    """Transactions a second of pgbench with our claim and our finish, read from where the workers read them."""
    if PGBENCH is None:
        return None
    name = f"pgbench {clients}"
    _plan(url, name, int(3_000 * seconds))
    ledger, worker = begin(url, name)
    values = {
        "study_id": str(ledger.study_id),
        "alone": "true",
        "worker_id": str(worker),
        "slot": "'cpu0'",
        "space": str(TRIAL_LOCKS),
        "trial_id": ":trial_id",
        "attempt": ":attempt",
        "state": "'COMPLETE'",
        "outcome": "'completed'",
        "message": "''",
        "tail": "''",
        "reason": "NULL",
        "number": "NULL",
        "score": "0.5",
        "names": "ARRAY['score']",
        "figures": "ARRAY[0.5]",
    }
    claim, finish = (
        re.sub(r"%\((\w+)\)s", lambda match: values[match[1]], query(name)) for name in ("claim_trial", "finish_trial")
    )
    ledger.session.close()
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "claims.sql")
        script.write_text(f"{claim.strip()}\n\\gset\n{finish.strip()};\n")
        options = ["-n", "-f", script, "-c", str(clients), "-j", "2", "-T", f"{seconds:.0f}"]
        ended = subprocess.run([PGBENCH, *options, libpq_url(url)], capture_output=True, text=True)
    found = re.search(r"tps = ([0-9.]+)", ended.stdout)
    if found is None or ended.returncode != 0:
        raise SystemExit(f"pgbench: {ended.stdout}{ended.stderr}")
    return float(found[1])


# sizes


def _sizes(url: str, home: Path, sizes: list[int]) -> None:
    file = home / "grid.yaml"
    file.write_text(GRID.format(objective=Path(__file__).resolve()))
    run_program("run", "grid", "--study", "sizes", "--file", file, "--workers", "1", "--max-trials", "1")
    session = Session(url)
    session.execute("UPDATE studyhall_studies SET max_trials = NULL")
    study = Reader(session).study("sizes")
    ledger, worker = Ledger(session, study.study_id), Reader(session).workers(study.study_id)[0].worker_id
    search, done, planning = search_in_force(study), 1, [0.0]

    def plan_batch() -> None:
        began = time.perf_counter()
        assert not isinstance(plan(ledger, search, lambda configs: [None] * len(configs), "benchmark"), Done)
        planning.append(time.perf_counter() - began)

    for size in sizes:
        times = claim_and_finish(ledger, worker, size - done, plan_batch, "value")
        done = size
        session.execute("ANALYZE")
        verbs = ", ".join(f"{verb} {run_program(verb, '--study', 'sizes', '--json'):.2f} s" for verb in VERBS)
        cost = statistics.median(times[-200:]) * 1e3
        print(
            f"{size:7,} trials: claim + finish {cost:.2f} ms, a batch planned in {planning[-1]:.2f} s, {verbs}",
            flush=True,
        )
    session.close()


def nothing(config: object) -> float:
    """The objective."""
    return 0.5


# studies


def _studies(url: str, sizes: list[int]) -> None:
    made = 0
    for size in sizes:
        for number in range(made, size):
            _cost(url, f"study-{number:04}", 1, 25, 20)
        made = size
        cost = _cost(url, "study-0000", 1_000 * size, 100, 100) * 1e3
        every, one = run_program("status"), run_program("status", "--study", "study-0001")
        print(f"{size:5,} studies: claim + finish {cost:.2f} ms, status of all {every:.2f} s, of one {one:.2f} s")


def _cost(url: str, name: str, first: int, points: int, trials: int) -> float:
    """Median seconds of so many trials of a study that is given so many points more."""
    ledger, worker = begin(url, name)
    with ledger.planning():
        ledger.plan_points(new_points(points, first), 0)
    times = claim_and_finish(ledger, worker, trials)
    ledger.session.close()
    return statistics.median(times)


# crowd


def _crowd(url: str, home: Path, count: int, seconds: float) -> None:
    held = []
    try:
        while True:
            held.append(Session(url))
    except StorageError as error:
        print(f"worker {len(held) + 1} on a default server gets: {error}", flush=True)
    for session in held:
        session.close()
    if PGBOUNCER is None:
        raise SystemExit("there is no pgbouncer here")
    session = Session(url)
    session.execute(f"ALTER SYSTEM SET max_connections = {count + 20}")
    session.close()
    server.down(home)
    url = server.ensure(home)
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    proxy, through = start_pgbouncer(url, home, home, "session", count + 10)
    try:
        rate = _together(through, "crowd", count, seconds)
        print(f"{count:4} workers through PgBouncer, session mode: {rate:,.0f} trials/s")
    finally:
        proxy.terminate()
        proxy.wait()


if __name__ == "__main__":
    main()
