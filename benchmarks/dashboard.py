"""What the dashboard costs: keeping it current, and loading a study of 20,000 trials.

    python benchmarks/dashboard.py

First a grid of one-second trials is run twice, with the scribe and without: the time that the worker spends on telling
it, the processor time of both, and the statements of the worker's own session. Then a grid of 20,000 finished trials is
loaded in a browser from `python cli.py dashboard`, beside the same grid as Optuna's GridSampler leaves it, from
`optuna-dashboard`: bytes sent, and seconds until the history is drawn.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage.reader import Reader

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT))

import optuna
import psutil

import studies.lifecycle.run
from storage import server
from storage.ledger import Ledger
from storage.optuna_storage import StudyStorage
from storage.session import Session
from storage.store import Store
from studies.dashboard.renewal import renew
from studies.dashboard.scribe import Scribe
from studies.definition.searches import search_in_force
from studies.engine.planner import plan
from studies.lifecycle.order import Order

TRIALS, SLOTS = 60, 2
MANY = {"width": list(range(100)), "depth": list(range(100)), "kind": ["relu", "gelu"]}
MANY_TRIALS = 20_000
OBJECTIVE = (
    "import time\n\ndef objective(config):\n    time.sleep(config['seconds'])\n    return float(config['width'])\n"
)


def main() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    home = Path(tempfile.mkdtemp(prefix="studyhall-bench-"))
    home.chmod(0o755)
    os.environ["STUDYHALL_HOME"], os.environ["STUDYHALL_LOCKS"] = str(home), str(home / "locks")
    (home / "objective.py").write_text(OBJECTIVE)
    try:
        url = server.ensure(home)
        StudyStorage(url).engine.dispose()
        _keeping_current(home)
        _loading(url, home)
    finally:
        server.down(home)
        shutil.rmtree(home)


# Keeping current


@dataclass
class Timed:
    """Stands where the scribe stands, and takes its time; without a scribe, does nothing."""

    scribe: Scribe | None
    told: float = 0.0
    processor: float = 0.0

    def tell(self) -> None:
        began = time.perf_counter()
        if self.scribe is not None:
            self.scribe.tell()
        self.told += time.perf_counter() - began

    def close(self, wait: bool) -> None:
        if self.scribe is not None and self.scribe._process is not None:
            times = psutil.Process(self.scribe._process.pid).cpu_times()
            self.processor = times.user + times.system
            self.scribe.close(wait)


def _keeping_current(home: Path) -> None:
    without, _, plain = _run(home, "without", keep=False)
    kept, timed, counted = _run(home, "kept", keep=True)
    print(f"{TRIALS} trials of a second on {SLOTS} slots: {without:.2f} s without, {kept:.2f} s with the scribe")
    print(f"the worker told it for {1e3 * timed.told:.1f} ms: {100 * timed.told / kept:.3f} % of its time")
    print(f"the scribe's process, at the lowest priority: {100 * timed.processor / kept:.2f} % of a processor")
    for name in ("claim_trial", "finish_trial"):
        print(f"{name}: {plain[name] / TRIALS:.2f} and {counted[name] / TRIALS:.2f} statements a trial")


def _run(home: Path, name: str, keep: bool) -> tuple[float, Timed, Counter[str]]:
    """Seconds of a run, its scribe, and how often each named query was run by the worker."""
    file = home / f"{name}.yaml"
    file.write_text(
        "search: grid\nobjective: objective.py:objective\nscore: {metric: score, direction: maximize}\n"
        f"grid: {{axes: {{width: {{range: [1, {TRIALS}, 1]}}}}}}\nconfig: {{width: 1, seconds: 1.0}}\n"
    )
    made: list[Timed] = []
    counts: Counter[str] = Counter()
    run_query = Session.run

    def start(url: str, study: str, storage: str | None, say: Any) -> Timed:
        made.append(Timed(Scribe(url, study, storage, say) if keep else None))
        return made[-1]

    def counted(self: Session, query: str, values: Any = None) -> list[Any]:
        rows = run_query(self, query, values)
        counts[query] += bool(rows)  # a look into an empty queue is no claim
        return rows

    studies.lifecycle.run.Scribe, Session.run = start, counted  # type: ignore[assignment, method-assign, misc]
    order = Order.of("grid", name, file, (), "none", None, None, SLOTS, 1, None, None, None, False, False, False, None)
    began = time.perf_counter()
    studies.lifecycle.run.run(Store.of(None), order, lambda line: None)
    took = time.perf_counter() - began
    studies.lifecycle.run.Scribe, Session.run = Scribe, run_query  # type: ignore[method-assign, misc]
    return took, made[0], counts


# Loading


def _loading(url: str, home: Path) -> None:
    ours, theirs = _ours(url, home), _theirs(url)
    stock = [sys.executable, "-m", "optuna_dashboard._cli", url, "--port", "8977"]
    mine = [sys.executable, str(CHECKOUT / "cli.py"), "dashboard", "--port", "8978"]
    for name, command, port, study in (
        ("studyhall", mine, 8978, ours),
        ("GridSampler", stock, 8977, theirs),
    ):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _await(port)
            whole, packed, first = _fetch(port, study)
            again = _fetch(port, study)[2]
            drawn = _draw(port, study)
            print(
                f"{name:12} {whole / 2**20:6.1f} MiB, sent as {packed / 2**20:.1f} MiB; answered in {first:.1f} s, "
                f"then {again:.1f} s; drawn after {drawn:.1f} s"
            )
        finally:
            process.terminate()
            process.wait()


def _ours(url: str, home: Path) -> int:
    """A grid of ours whose trials are finished by SQL, as finish_trial.sql leaves them."""
    file = home / "many.yaml"
    axes = {name: values if name == "kind" else {"range": [0, 99, 1]} for name, values in MANY.items()}
    file.write_text(
        "search: grid\nobjective: objective.py:objective\nscore: {metric: score, direction: maximize}\n"
        f"grid: {{axes: {json.dumps(axes)}}}\nconfig: {{width: 1, depth: 1, kind: relu, seconds: 0.0}}\n"
    )
    order = Order.of("grid", "many", file, (), "none", None, None, 1, 1, None, None, 1, False, False, False, None)
    session = Session(url)
    studies.lifecycle.run.run(Store.of(None), order, lambda line: None)
    study = int(session.execute("SELECT study_id FROM studies WHERE study_name = 'many'")[0].study_id)
    ledger = Ledger(session, study)
    while session.execute("SELECT count(*) AS n FROM trials WHERE study_id = %s", [study])[0].n < MANY_TRIALS:
        plan(ledger, search_in_force(Reader(session).study("many")), lambda configs: [None] * len(configs), "bench")
    session.execute(
        """
        WITH ended AS (
            UPDATE trials SET state = 'COMPLETE', datetime_start = now(), datetime_complete = now() + interval '1 s'
            WHERE study_id = %(study)s AND state = 'WAITING' RETURNING trial_id, number
        ), point AS (
            UPDATE studyhall_points SET attempt = 1 FROM ended WHERE studyhall_points.trial_id = ended.trial_id
        ), attempt AS (
            INSERT INTO studyhall_attempts (trial_id, attempt, slot, outcome, accepted)
            SELECT trial_id, 1, 'cpu0', 'completed', true FROM ended
        ), metric AS (
            INSERT INTO studyhall_metrics SELECT trial_id, 'score', random() FROM ended
        )
        INSERT INTO trial_values (trial_id, objective, value, value_type)
        SELECT trial_id, 0, random(), 'FINITE' FROM ended
        """,
        {"study": study},
    )
    session.execute("ANALYZE")
    began = time.perf_counter()
    renew(session, "many", None)
    print(f"note and figures of {MANY_TRIALS:,} trials: written in {time.perf_counter() - began:.2f} s")
    session.close()
    return study


def _theirs(url: str) -> int:
    """The same grid as GridSampler leaves it: its first trial is its own, the others are copied from that."""
    study = optuna.create_study(study_name="theirs", storage=url, sampler=optuna.samplers.GridSampler(MANY))

    def objective(trial: optuna.Trial) -> float:
        trial.suggest_int("width", 0, 99)
        trial.suggest_int("depth", 0, 99)
        trial.suggest_categorical("kind", MANY["kind"])
        return 0.5

    study.optimize(objective, n_trials=1)
    session = Session(url)
    session.execute(
        """
        WITH first AS (SELECT * FROM trials WHERE study_id = %(study)s AND number = 0),
        trial AS (
            INSERT INTO trials (study_id, number, state, datetime_start, datetime_complete)
            SELECT study_id, n, state, datetime_start, datetime_complete FROM first, generate_series(1, 19999) AS n
            RETURNING trial_id, number
        ), param AS (
            INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json)
            SELECT trial.trial_id, param_name, CASE param_name WHEN 'width' THEN trial.number %% 100
                WHEN 'depth' THEN trial.number / 100 %% 100 ELSE trial.number / 10000 END, distribution_json
            FROM trial, trial_params AS old WHERE old.trial_id = (SELECT trial_id FROM first)
        ), attribute AS (
            INSERT INTO trial_system_attributes (trial_id, key, value_json)
            SELECT trial.trial_id, key, CASE key WHEN 'grid_id' THEN trial.number::text ELSE value_json END
            FROM trial, trial_system_attributes AS old WHERE old.trial_id = (SELECT trial_id FROM first)
        )
        INSERT INTO trial_values (trial_id, objective, value, value_type)
        SELECT trial_id, 0, random(), 'FINITE' FROM trial
        """,
        {"study": study._study_id},
    )
    session.execute("ANALYZE")
    session.close()
    return int(study._study_id)


def _await(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://localhost:{port}/api/meta").read()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the dashboard did not come up")


def _fetch(port: int, study: int) -> tuple[int, int, float]:
    """Bytes of what the page asks for, bytes as they are sent, and seconds to the last of them."""
    time.sleep(11)  # the dashboard keeps what it read for ten seconds
    asked = urllib.request.Request(f"http://localhost:{port}/api/studies/{study}", headers={"Accept-Encoding": "gzip"})
    began = time.perf_counter()
    with urllib.request.urlopen(asked) as answered:
        sent = answered.read()
        packed = answered.headers.get("Content-Encoding") == "gzip"
    took = time.perf_counter() - began
    if not packed:
        return len(sent), len(sent), took
    return len(gzip.decompress(sent)), len(sent), took


def _draw(port: int, study: int) -> float:
    """Seconds until a browser has drawn the history."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(240_000)
        began = time.perf_counter()
        page.goto(f"http://localhost:{port}/dashboard/studies/{study}")
        page.wait_for_function(
            "document.querySelectorAll('.scatterlayer .point, .scatterlayer .js-line, .gl-canvas').length > 0"
        )
        took = time.perf_counter() - began
        browser.close()
    return took


if __name__ == "__main__":
    main()
