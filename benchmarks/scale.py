"""Many workers, many trials, many studies: what the engine does there, and what limits it.

    python benchmarks/scale.py claims [--workers 1 8 32 100] [--seconds 10]
    python benchmarks/scale.py sizes [--trials 1000 10000 100000]
    python benchmarks/scale.py studies [--studies 10 100 1000]
    python benchmarks/scale.py crowd [--workers 500]

`claims`: claim + finish of so many workers on one study, each with a session of its own and no trial to run, beside
pgbench sending the same two statements from as many clients: what PostgreSQL itself can do with them on this machine.
`sizes`: claim + finish, planning a batch, and the verbs that read a whole study, at so many finished trials.
`studies`: the same at so many studies in one storage. `crowd`: as many workers through PgBouncer in session mode, and
what the first one too many is told without it.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from storage.reader import Reader

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from samplers.searches.plan import Done
from storage import server
from storage.errors import StorageError
from storage.ledger import End, Ledger
from storage.locks import TRIAL_LOCKS
from storage.session import Session, query
from storage.store import Store
from storage.url import libpq_url
from studies.definition.searches import search_in_force
from studies.engine.planner import plan
from tests.support.planned import begin, new_points

CHECKOUT = Path(__file__).resolve().parent.parent
PGBENCH = shutil.which("pgbench") or next(map(str, Path("/usr/lib/postgresql").glob("*/bin/pgbench")), None)
PGBOUNCER = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")
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
    home = Path(tempfile.mkdtemp(prefix="studyhall-bench-"))
    home.chmod(0o755)
    os.environ["STUDYHALL_HOME"] = str(home)
    try:
        url = server.ensure(home)
        Store.of(url).write().close()
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
    finally:
        server.down(home)
        shutil.rmtree(home)


# claims


def _claims(url: str, count: int, seconds: float) -> None:
    raw = _pgbench(url, count, seconds)
    ours = _together(url, f"claims {count}", count, seconds)
    beside = "" if raw is None else f"; pgbench, the same two statements: {raw:,.0f}/s; ratio {ours / raw:.2f}"
    print(f"{count:4} workers: {ours:,.0f} trials/s{beside}", flush=True)


def _together(url: str, name: str, count: int, seconds: float) -> float:
    """Trials a second that so many workers claim and finish at once."""
    _plan(url, name, int(3_000 * seconds))
    context = multiprocessing.get_context("fork")
    told = context.Queue()
    start = time.time() + 2 + count / 25  # all of them are connected by then
    processes = [context.Process(target=_work, args=(url, name, start, seconds, told)) for _ in range(count)]
    for process in processes:
        process.start()
    done = [told.get() for _ in processes]
    for process in processes:
        process.join()
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


def _work(url: str, name: str, start: float, seconds: float, told: Any) -> None:
    try:
        ledger, worker = begin(url, name)
        time.sleep(max(0.0, start - time.time()))
        told.put(_claim_and_finish(ledger, worker, start + seconds))
    except StorageError as error:
        told.put(str(error))


def _claim_and_finish(ledger: Ledger, worker: int, until: float) -> int:
    done = 0
    while time.time() < until:
        claim = ledger.claim_trial(worker, "cpu0")
        assert claim is not None, "the queue ran dry"
        ledger.finish_trial(claim, "COMPLETE", End("completed"), 0.5, {"params": 1.0}, None)
        done += 1
    return done


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
        "names": "ARRAY['params']",
        "figures": "ARRAY[1.0]",
    }
    script = Path(tempfile.mkdtemp()) / "claims.sql"
    claim, finish = (re.sub(r"%\((\w+)\)s", lambda match: values[match[1]], query(each)) for each in QUERIES)
    script.write_text(f"{claim.strip()}\n\\gset\n{finish.strip()};\n")
    ledger.session.close()
    ended = subprocess.run(
        [PGBENCH, "-n", "-f", script, "-c", str(clients), "-j", "2", "-T", f"{seconds:.0f}", libpq_url(url)],
        capture_output=True,
        text=True,
    )
    shutil.rmtree(script.parent)
    found = re.search(r"tps = ([0-9.]+)", ended.stdout)
    if found is None or ended.returncode != 0:
        raise SystemExit(f"pgbench: {ended.stdout}{ended.stderr}")
    return float(found[1])


QUERIES = ("claim_trial", "finish_trial")

# sizes


def _sizes(url: str, home: Path, sizes: list[int]) -> None:
    file = home / "grid.yaml"
    file.write_text(GRID.format(objective=Path(__file__).resolve()))
    _verb("run", "grid", "--study", "sizes", "--file", str(file), "--workers", "1", "--max-trials", "1")
    session = Session(url)
    session.execute("UPDATE studyhall_studies SET max_trials = NULL")
    study = Reader(session).study("sizes")
    ledger = Ledger(session, study.study_id)
    worker = session.one("read_workers", {"study_id": study.study_id, "space": TRIAL_LOCKS}).worker_id
    search, done = search_in_force(study), 1
    for size in sizes:
        planning = []
        times = []
        while done < size:
            began = time.perf_counter()
            claim = ledger.claim_trial(worker, "cpu0")
            if claim is None:
                before = time.perf_counter()
                assert not isinstance(plan(ledger, search, lambda configs: [None] * len(configs), "benchmark"), Done)
                planning.append(time.perf_counter() - before)
                continue
            ledger.finish_trial(claim, "COMPLETE", End("completed"), float(done), {"value": float(done)}, None)
            times.append(time.perf_counter() - began)
            done += 1
        session.execute("ANALYZE")
        verbs = {verb: _verb(verb, "--study", "sizes", "--json") for verb in VERBS}
        print(
            f"{size:7,} trials: claim + finish {statistics.median(times[-200:]) * 1e3:.2f} ms, a batch planned in "
            f"{planning[-1] if planning else 0:.2f} s, " + ", ".join(f"{verb} {each}" for verb, each in verbs.items()),
            flush=True,
        )
    session.close()


def nothing(config: object) -> float:
    """The objective."""
    return 0.5


def _verb(*arguments: str) -> str:
    """Run the program: its seconds."""
    began = time.perf_counter()
    ended = subprocess.run([sys.executable, CHECKOUT / "cli.py", *arguments], capture_output=True, text=True)
    seconds = time.perf_counter() - began
    if ended.returncode != 0:
        raise SystemExit(f"{' '.join(arguments)}: {ended.stdout[-500:]}{ended.stderr}")
    return f"{seconds:.2f} s"


# studies


def _studies(url: str, sizes: list[int]) -> None:
    made = 0
    for size in sizes:
        for number in range(made, size):
            ledger, worker = begin(url, f"study-{number:04}")
            with ledger.planning():
                ledger.plan_points(new_points(25), 0)
            _some(ledger, worker, 20)
            ledger.session.close()
        made = size
        ledger, worker = begin(url, "study-0000")
        with ledger.planning():
            ledger.plan_points(new_points(100, first=1_000 * size), 0)
        cost = _some(ledger, worker, 100)
        ledger.session.close()
        seconds = {verb: _verb(verb, *more) for verb, *more in (("status",), ("status", "--study", "study-0001"))}
        one = _verb("status", "--study", "study-0001")
        print(f"{size:5,} studies: claim + finish {cost * 1e3:.2f} ms, status of all {seconds['status']}, of one {one}")


def _some(ledger: Ledger, worker: int, count: int) -> float:
    times = []
    for _ in range(count):
        began = time.perf_counter()
        claim = ledger.claim_trial(worker, "cpu0")
        assert claim is not None
        ledger.finish_trial(claim, "COMPLETE", End("completed"), 0.5, {"score": 0.5}, None)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


# crowd


def _crowd(url: str, home: Path, count: int, seconds: float) -> None:
    held = []
    try:
        while True:
            held.append(Session(url))
    except StorageError as error:
        print(f"worker {len(held) + 1} on a default server is told: {error}", flush=True)
    for session in held:
        session.close()
    if PGBOUNCER is None:
        raise SystemExit("there is no pgbouncer here")
    session = Session(url)
    session.execute(f"ALTER SYSTEM SET max_connections = {count + 20}")
    session.close()
    server.down(home)
    url = server.ensure(home)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    proxy, through = _proxy(url, home, count + 10)
    try:
        rate = _together(through, "crowd", count, seconds)
        print(f"{count:4} workers through PgBouncer, session mode: {rate:,.0f} trials/s")
    finally:
        proxy.terminate()
        proxy.wait()


def _proxy(url: str, home: Path, most: int) -> tuple[subprocess.Popen[bytes], str]:
    parts = urlsplit(url)
    folder = home / "pgbouncer"
    folder.mkdir()
    folder.chmod(0o755)
    port = 16_432
    (folder / "users.txt").write_text(f'"{parts.username}" ""\n')
    settings = ["[databases]", f"* = host={parse_qs(parts.query)['host'][0]} port=5432", "[pgbouncer]"]
    settings += ["pool_mode = session", "listen_addr = 127.0.0.1", f"listen_port = {port}", "unix_socket_dir ="]
    settings += [f"default_pool_size = {most}", f"max_client_conn = {most}", "auth_type = trust"]
    settings += [f"auth_file = {folder}/users.txt"]
    (folder / "pgbouncer.ini").write_text("\n".join(settings) + "\n")
    who = server.cluster(home).who
    assert PGBOUNCER is not None
    log = (folder / "log").open("wb")
    process = subprocess.Popen([PGBOUNCER, folder / "pgbouncer.ini"], stdout=log, stderr=log, **who.process_options())
    through = f"postgresql+psycopg2://{parts.username}@127.0.0.1:{port}{parts.path}"
    for _ in range(100):
        try:
            Session(through).close()
            return process, through
        except StorageError:
            time.sleep(0.1)
    raise SystemExit((folder / "log").read_text())


if __name__ == "__main__":
    main()
