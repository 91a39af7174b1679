"""Workers beside each other, and workers that are interrupted, stopped, frozen and killed."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import optuna
import psutil
import pytest

from storage import server
from storage.home import CHECKOUT
from storage.session import Session
from tests.support.cases import usual
from tests.support.growth_trace import CHOICES, landscape, write_definition
from tests.support.program import GOOD, Begin, Program, answer, growth_of, path, states, until
from tests.support.reference_path import assert_reference_path


@pytest.mark.parametrize("workers", usual([8, 2], count=1))
def test_the_reference_path_with_any_number_of_workers(
    program: Program, begin: Begin, tmp_path: Path, workers: int
) -> None:
    file = write_definition(tmp_path)
    processes = [begin("run", "grow", "--study", "trace", "--file", file, "--workers", 1) for _ in range(workers)]
    for process in processes:
        output, _ = process.communicate(timeout=240)
        assert process.returncode == 0, output
    assert_reference_path(program)


def test_a_worker_starts_the_embedded_server_again_that_was_killed_under_it(environment: dict[str, str]) -> None:
    home = Path(tempfile.mkdtemp(prefix="studyhall-kills-"))
    home.chmod(0o755)  # run as root, the server is another user
    file = write_definition(home, steps=2, seconds=0.3)
    own = {name: value for name, value in environment.items() if name != "STUDYHALL_STORAGE"}
    command = [sys.executable, CHECKOUT / "cli.py", "run", "grow", "--study", "trace", "--file", file, "--workers", "2"]
    try:
        with (home / "log").open("w") as log:
            worker = subprocess.Popen(command, env={**own, "STUDYHALL_HOME": str(home)}, stdout=log, stderr=log)
        for _ in range(2):
            said = (home / "log").read_text().count(": score ")
            until(lambda said=said: (home / "log").read_text().count(": score ") > said)
            os.kill(until(lambda: server.status(home).pid), signal.SIGKILL)
        assert worker.wait(120) == 0, (home / "log").read_text()
        assert "the database is back" in (home / "log").read_text()
    finally:
        worker.kill()
        worker.wait()
        server.down(home)
    shutil.rmtree(home)


def test_two_studies_and_three_hosts_worth_of_workers_without_the_definitions(
    program: Program, begin: Begin, tmp_path: Path, url: str
) -> None:
    """Every trial notes its process: none may run twice."""
    (tmp_path / "noted.py").write_text(
        "import os, time\nfrom pathlib import Path\n"
        "def noted(config):\n"
        "    time.sleep(0.05)\n"
        f"    file = Path({str(tmp_path)!r}, 'ran', config['who'] + str(sorted(config.items())).replace('/', ''))\n"
        "    with file.open('x'):\n        pass\n"
        "    return {'score': -1 / config['a'] - 1 / config['b'], 'params': config['a'] + 2 * config['b']}\n"
    )
    (tmp_path / "ran").mkdir()
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text(
            "search: grow\nobjective: noted.py:noted\nscore: {metric: score, direction: maximize}\ncost: params\n"
            f"grow: {{increments: {{a: 1, b: 1}}, steps: 6, repeats: 2}}\nconfig: {{a: 1, b: 1, who: {name}}}\n"
        )
    first = [
        begin("run", "grow", "--study", name, "--file", tmp_path / f"{name}.yaml", "--workers", 2)
        for name in ("one", "two")
    ]
    until(lambda: program("show", "--study", "one").returncode == program("show", "--study", "two").returncode == 0)
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").unlink()
    others = [begin("run", "grow", "--study", name, "--workers", 2) for name in ("one", "two") for _ in range(2)]
    for process in first + others:
        output, _ = process.communicate(timeout=240)
        assert process.returncode == 0, output
    for name in ("one", "two"):
        certificate = answer(program, "audit", "--study", name)
        assert certificate["holds"] and certificate["attempts"] == certificate["points"]["planned"]
    ran = list((tmp_path / "ran").iterdir())
    assert len(ran) == sum(states(program, name)["accepted"] for name in ("one", "two"))


def test_stock_optuna_reads_a_study_while_it_runs(program: Program, begin: Begin, tmp_path: Path, url: str) -> None:
    file = write_definition(tmp_path, steps=2, seconds=0.2)
    process = begin("run", "grow", "--study", "trace", "--file", file, "--workers", 2)
    stock = optuna.storages.RDBStorage(url)
    until(lambda: "trace" in [study.study_name for study in stock.get_all_studies()])
    study = optuna.load_study(study_name="trace", storage=stock)
    until(lambda: any(trial.state.name == "COMPLETE" for trial in study.get_trials()))
    seen = {trial.state.name for trial in until(lambda: [t for t in study.get_trials() if t.state.name == "RUNNING"])}
    assert seen == {"RUNNING"}
    assert process.wait(120) == 0
    assert study.direction.name == "MAXIMIZE"
    for trial in study.get_trials():
        assert trial.state.name == "COMPLETE" and set(trial.params) >= {"n_layer", "seed"}
        config = {"n_layer": 1, "max_iters": 5000, **trial.params}
        assert trial.value == landscape(config)["score"]
        assert all(trial.distributions[name]._contains(value) for name, value in trial.params.items())
        assert trial.datetime_start is not None and trial.datetime_complete >= trial.datetime_start
    stock.engine.dispose()


# Ending early


def test_the_first_ctrl_c_lets_running_trials_finish_and_the_next_run_goes_on(
    program: Program, begin: Begin, tmp_path: Path
) -> None:
    file = write_definition(tmp_path, steps=2, seconds=0.5)
    process = begin("run", "grow", "--study", "trace", "--file", file, "--workers", 2)
    until(lambda: program("show", "--study", "trace").returncode == 0 and states(program, "trace")["running"])
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 130 and "interrupted" in output
    before = states(program, "trace")
    assert before["running"] == 0 and before["accepted"] > 0
    certificate = answer(program, "audit", "--study", "trace")
    assert certificate["attempts"] == before["accepted"], "a drain gives nothing back"
    assert program("run", "grow", "--study", "trace", "--file", file).returncode == 0
    assert path(program, "trace") == CHOICES[:2]


@pytest.mark.parametrize("signals", [[signal.SIGTERM], [signal.SIGINT, signal.SIGINT]], ids=["TERM", "INT twice"])
def test_given_back_trials_wait_again_free_of_charge(
    program: Program, begin: Begin, tmp_path: Path, signals: list[int]
) -> None:
    file = write_definition(tmp_path, steps=1, seconds=30)
    process = begin("run", "grow", "--study", "trace", "--file", file, "--workers", 2)
    until(lambda: program("show", "--study", "trace").returncode == 0 and states(program, "trace")["running"])
    for number in signals:
        process.send_signal(number)
        time.sleep(0.2)  # two signals of one kind at once are one
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 130, output
    after = states(program, "trace")
    assert after["running"] == 0 and after["waiting"] == 1 and after["failed"] == 0
    assert "given back" in program("show", "--study", "trace", "--trial", 0).stdout


def test_stop_drains_every_worker_and_run_goes_on(program: Program, begin: Begin, tmp_path: Path) -> None:
    file = write_definition(tmp_path, steps=12, seconds=0.2)
    workers = [begin("run", "grow", "--study", "trace", "--file", file, "--workers", 1) for _ in range(2)]
    until(lambda: program("show", "--study", "trace").returncode == 0 and states(program, "trace")["accepted"] > 2)
    assert program("stop", "--study", "trace").returncode == 0
    for worker in workers:
        output, _ = worker.communicate(timeout=30)
        assert worker.returncode == 0 and "told to stop" in output
    assert program("run", "grow", "--study", "trace", "--file", file, "--steps", 1).returncode == 0
    assert path(program, "trace")[:1] == CHOICES[:1]


def test_a_definition_changed_under_a_running_study_reaches_its_workers(
    program: Program, begin: Begin, tmp_path: Path
) -> None:
    file = write_definition(tmp_path, steps=3, seconds=0.15)
    first = begin("run", "grow", "--study", "trace", "--file", file, "--workers", 2)
    until(lambda: program("show", "--study", "trace").returncode == 0 and states(program, "trace")["accepted"] > 2)
    file.write_text(file.read_text().replace("max_iters: 5000", "max_iters: 8000"))
    second = begin("run", "grow", "--study", "trace", "--file", file, "--workers", 1)
    for worker in (first, second):
        output, _ = worker.communicate(timeout=120)
        assert worker.returncode == 0, output
    assert answer(program, "show", "--study", "trace")["config"]["max_iters"] == 8000
    certificate = answer(program, "audit", "--study", "trace")
    assert certificate["holds"], certificate


def test_no_process_of_a_trial_outlives_a_worker_killed_by_9(program: Program, begin: Begin, tmp_path: Path) -> None:
    file = write_definition(tmp_path, steps=1, seconds=60)
    worker = begin("run", "grow", "--study", "trace", "--file", file, "--workers", 1)
    below = until(lambda: len(found := psutil.Process(worker.pid).children(recursive=True)) >= 3 and found, 60)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    _, alive = psutil.wait_procs(below, timeout=1)
    assert [process for process in alive if process.status() != "zombie"] == []


def test_a_stopped_worker_finds_its_trial_taken_and_its_result_refused_or_not_written(
    program: Program, begin: Begin, tmp_path: Path, url: str
) -> None:
    """Its session is ended by the server while it is frozen: the other worker takes the trial over."""
    file = write_definition(tmp_path, steps=1, seconds=1.0)
    frozen = begin("run", "grow", "--study", "trace", "--file", file, "--workers", 1)
    until(lambda: program("show", "--study", "trace").returncode == 0 and states(program, "trace")["running"])
    frozen.send_signal(signal.SIGSTOP)
    session = Session(url)
    held = session.execute("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted GROUP BY pid")
    for row in held:
        session.execute("SELECT pg_terminate_backend(%s)", [row.pid])
    session.close()
    other = program("run", "grow", "--study", "trace", "--file", file, "--workers", 2)
    assert other.returncode == 0, other.stderr
    frozen.send_signal(signal.SIGCONT)
    output, _ = frozen.communicate(timeout=60)
    assert frozen.returncode == 0, output
    assert "the database session was lost" in output
    certificate = answer(program, "audit", "--study", "trace")
    assert certificate["holds"] and certificate["duplicates"] == 0 and certificate["points"]["accepted"] == 8
    assert path(program, "trace") == CHOICES[:1]


def test_a_trial_is_told_when_it_begins_and_status_says_what_to_do(
    program: Program, begin: Begin, tmp_path: Path
) -> None:
    """A worker that was killed leaves its trials behind; a budget that is used up leaves some that wait."""
    file = write_definition(tmp_path, steps=1, seconds=60)
    worker = begin("run", "grow", "--study", "trace", "--file", file, "--workers", 1, "--verbose")
    assert worker.stdout is not None
    begins = "trial 0 (round 0, baseline, seed 1337) begins on cpu0"
    for line in (f"definition: {file}", "round 0: the baseline, 1 trial", begins):
        assert worker.stdout.readline().partition(" ")[2] == f"{line}\n"
    worker.kill()
    worker.wait()
    until(lambda: not any(each["alive"] for each in answer(program, "status", "--study", "trace")["workers"]))
    output = program("status", "--study", "trace").stdout
    assert "trial 0: the worker is gone; to go on: python cli.py run grow --study trace\n" in output
    short = write_definition(tmp_path, steps=1, seconds=0.0)
    ran = program("run", "grow", "--study", "short", "--file", short, "--workers", 1, "--max-trials", 3)
    ended = re.findall(r"\(round 0, (.*), seed 1337\): ", ran.stderr)
    assert ended == ["baseline", "n_layer → 2 (layer 0 again)", "n_head → 2"]
    output = program("status", "--study", "short").stdout
    assert "to raise its budget: python cli.py run grow --study short --max-trials 6" in output
    assert program("run", "grow", "--study", "short", "--max-trials", 100).returncode == 0
    output = program("status", "--study", "short").stdout
    assert "round 0: mlp_size → 64" in output
    assert "to grow further: python cli.py run grow --study short --steps " in output
    assert "round 0: mlp_size → 64: reproduced" in program("replay", "--study", "short").stdout


def test_status_tells_nan_as_text(program: Program, tmp_path: Path, environment: dict[str, str]) -> None:
    body = "def own(config, trial):\n    trial.report(1, score=float('nan'))\n    time.sleep(60)\n" + GOOD
    command = [sys.executable, CHECKOUT / "cli.py", "run", "grow", "--study", "own"]
    worker = subprocess.Popen(
        [*command, "--file", growth_of(tmp_path, body)], env=environment, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(600):
            ended = program("status", "--study", "own", "--json")
            running = json.loads(ended.stdout)["running"] if ended.returncode == 0 else []
            if running and running[0]["metrics"]:
                break
        assert running[0]["metrics"] == {"score": "nan"}
    finally:
        worker.terminate()
        worker.wait(20)
