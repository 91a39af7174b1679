"""The dashboard's cost: keeping it current, and loading a study of 20,000 trials.

    python benchmarks/dashboard.py

First a grid of one-second trials runs twice, with the scribe and without: seconds, and processor seconds of worker,
trials and scribe together. Then a browser loads a grid of 20,000 finished trials from `python cli.py dashboard`, then
the same grid as Optuna's GridSampler leaves it from `optuna-dashboard`: bytes sent, and seconds to draw the history.
"""

from __future__ import annotations

import gzip
import json
import resource
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import optuna

from benchmarks.bench import claim_and_finish, copy_last_trial, own_storage, run_program
from storage.home import CHECKOUT
from storage.ledger import Ledger
from storage.reader import Reader
from storage.records import Budget
from storage.session import Session
from storage.studies import set_budget
from studies.dashboard.renewal import renew
from studies.dashboard.scribe import SWITCH
from studies.definition.searches import search_in_force
from studies.planning.planner import plan

TRIALS, SLOTS = 60, 2
MANY = {"width": list(range(100)), "depth": list(range(100)), "kind": ["relu", "gelu"]}
MANY_TRIALS = 20_000
OBJECTIVE = (
    "import time\n\ndef objective(config):\n    time.sleep(config['seconds'])\n    return float(config['width'])\n"
)
DEFINITION = """
search: grid
objective: objective.py:objective
score: {{metric: value, direction: maximize}}
grid: {{axes: {axes}}}
config: {{width: 1, depth: 1, kind: relu, seconds: {seconds}}}
"""


def main() -> None:
    with own_storage() as (url, home):
        (home / "objective.py").write_text(OBJECTIVE)
        _keeping_current(home)
        _loading(url, home)


def _run(home: Path, name: str, axes: object, seconds: float, *options: str, scribe: str = "on") -> tuple[float, float]:
    """Seconds and processor seconds of a grid's run."""
    file = home / f"{name}.yaml"
    file.write_text(DEFINITION.format(axes=json.dumps(axes), seconds=seconds))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    took = run_program("run", "grid", "--study", name, "--file", file, "--gpus", "none", *options, **{SWITCH: scribe})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _keeping_current(home: Path) -> None:
    axes = {"width": {"range": [1, TRIALS, 1]}}
    (without, spent_without), (kept, spent) = (
        _run(home, f"scribe-{scribe}", axes, 1.0, "--workers", str(SLOTS), scribe=scribe) for scribe in ("off", "on")
    )
    print(
        f"{TRIALS} trials of a second on {SLOTS} slots: {without:.2f} s without the scribe, {kept:.2f} s with it, "
        f"ratio {kept / without:.2f}; {spent_without:.1f} and {spent:.1f} processor seconds"
    )


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
            await_page(port)
            whole, packed, first = fetch(port, study)
            again = fetch(port, study)[2]
            drawn = _draw(port, study)
            print(
                f"{name:12} {whole / 2**20:6.1f} MiB, sent as {packed / 2**20:.1f} MiB; answered in {first:.1f} s, "
                f"then {again:.1f} s; drawn after {drawn:.1f} s"
            )
        finally:
            process.terminate()
            process.wait()


def _ours(url: str, home: Path) -> int:
    """A grid of Studyhall's, finished by the ledger's verbs."""
    axes = {name: values if name == "kind" else {"range": [0, 99, 1]} for name, values in MANY.items()}
    _run(home, "many", axes, 0.0, "--workers", "1", "--max-trials", "1")
    session = Session(url)
    row = Reader(session).study("many")
    ledger, worker = Ledger(session, row.study_id), Reader(session).workers(row.study_id)[0].worker_id
    set_budget(session, row.study_id, Budget(max_trials=MANY_TRIALS))

    def plan_batch() -> None:
        plan(ledger, search_in_force(row), lambda configs: [None] * len(configs), "bench")

    claim_and_finish(ledger, worker, MANY_TRIALS - 1, plan_batch, "value")
    session.execute("ANALYZE")
    began = time.perf_counter()
    renew(session, "many", None)
    print(f"note and figures of {MANY_TRIALS:,} trials: written in {time.perf_counter() - began:.2f} s")
    session.close()
    return row.study_id


def _theirs(url: str) -> int:
    """The same grid as GridSampler leaves it: the first trial is its own, the others are copies."""
    study = optuna.create_study(study_name="theirs", storage=url, sampler=optuna.samplers.GridSampler(MANY))

    def objective(trial: optuna.Trial) -> float:
        trial.suggest_int("width", 0, 99)
        trial.suggest_int("depth", 0, 99)
        trial.suggest_categorical("kind", MANY["kind"])
        return 0.5

    study.optimize(objective, n_trials=1)
    session = Session(url)
    value = (
        "CASE param_name WHEN 'width' THEN trial.number %% 100 WHEN 'depth' THEN trial.number / 100 %% 100 "
        "ELSE trial.number / 10000 END"
    )
    copy_last_trial(session, study._study_id, MANY_TRIALS, value)
    session.close()
    return int(study._study_id)


def await_page(port: int) -> None:
    """Wait until a dashboard answers."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://localhost:{port}/api/meta").read()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the dashboard did not come up")


def fetch(port: int, study: int) -> tuple[int, int, float]:
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
