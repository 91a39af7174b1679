"""Ends of an attempt that take their time: a signal before a job's end, a pruner that watches, a disk that fills."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest

from storage.home import CHECKOUT
from tests.support.program import Begin, Program, answer, growth_of, states, until


def test_a_signal_before_the_end_of_a_job_gives_trials_back(program: Program, begin: Begin, tmp_path: Path) -> None:
    """SIGUSR1, as Slurm sends it: the trial saves its place on SIGTERM, and the next attempt goes on from there."""
    body = (
        "def own(config, trial):\n"
        "    place = trial.checkpoint_dir / 'place'\n"
        "    if place.exists():\n"
        "        return {'score': config['a'] + trial.attempt, 'params': 1}\n"
        "    def save(*_):\n"
        "        place.write_text('half way')\n"
        "        os._exit(0)\n"
        "    signal.signal(signal.SIGTERM, save)\n"
        "    trial.report(1, loss=1)\n"
        "    time.sleep(60)\n"
    )
    file = growth_of(tmp_path, body, grow="increments: {a: 1, b: 1}, steps: 0")
    file.write_text(file.read_text().replace("steps: 0", "steps: 1"))
    worker = begin("run", "grow", "--study", "own", "--file", file, "--workers", 1)
    until(
        lambda: (
            program("show", "--study", "own").returncode == 0
            and json.loads(program("status", "--study", "own", "--json").stdout)["running"]
            and json.loads(program("status", "--study", "own", "--json").stdout)["running"][0]["step"]
        )
    )
    worker.send_signal(signal.SIGUSR1)
    output, _ = worker.communicate(timeout=30)
    assert worker.returncode == 130, output
    assert states(program, "own")["waiting"] == 1
    story = answer(program, "show", "--study", "own", "--trial", 0)
    assert [each["outcome"] for each in story["attempts"]] == ["given_back"]
    kept = list((tmp_path / "home").rglob("place"))
    assert len(kept) == 1 and kept[0].read_text() == "half way"


LEARNER = (
    "def own(config, trial):\n"
    "    for step in range(1, 41):\n"
    "        value = step * (1.0 if config['b'] == 1 else 0.1)\n"
    "        trial.report(step, score=value)\n"
    "        time.sleep(0.1)\n"
    "        if trial.should_stop():\n"
    "            return {'score': value, 'params': 1}\n"
    "    return {'score': value + config['a'], 'params': config['a']}\n"
)


def test_a_pruned_candidate_is_out_of_its_round_with_that_reason(program: Program, tmp_path: Path, url: str) -> None:
    pruner = "pruner: {name: median, n_startup_trials: 1, n_warmup_steps: 3}\n"
    file = growth_of(tmp_path, LEARNER, pruner)
    ended = program("run", "grow", "--study", "own", "--file", file, "--workers", 1)
    assert ended.returncode == 0, ended.stderr
    [step] = answer(program, "show", "--study", "own")["rounds"]
    rows = {row["param"]: row for row in step["candidates"]}
    assert step["chosen"] == {"param": "a", "value": 2}
    assert not rows["b"]["eligible"] and "was pruned" in rows["b"]["reason"] and "median pruner" in rows["b"]["reason"]
    study = optuna.load_study(study_name="own", storage=url)
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "COMPLETE", "PRUNED"]
    assert answer(program, "audit", "--study", "own")["holds"]


# The disk

FILLS = (
    "def own(config, trial):\n"
    "    if config['b'] > 1:\n"
    "        for number in range(10**6):\n"
    "            (trial.run_dir / str(number)).write_bytes(b'x' * SIZE)\n"
    "    return {'score': config['a'] + config['b'] / 2, 'params': 1}\n"
)


@pytest.fixture
def on_a_small_disk(tmp_path: Path, environment: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the program with a home of 2 MiB and 40 files, a disk that ends with it."""
    (tmp_path / "home").mkdir()
    inside = f'mount -t tmpfs -o size=2m,nr_inodes=40 tmpfs {tmp_path / "home"} && exec "$@"'
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    begin = ["unshare", *user, "--mount", "sh", "-c", inside, "sh"]
    tried = subprocess.run([*begin, "true"], capture_output=True, text=True)
    if tried.returncode != 0:
        pytest.skip(f"no disk of a test's own can be mounted here: {tried.stderr.strip()}")

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [*begin, sys.executable, str(CHECKOUT / "cli.py"), *map(str, arguments)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)

    return run


@pytest.mark.parametrize("size", [1 << 16, 1], ids=["of its bytes", "of its files"])
def test_a_disk_that_a_trial_fills_is_that_trials_failure_and_loses_nothing(
    program: Program,
    on_a_small_disk: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path: Path,
    size: int,
) -> None:
    """Where not even the next trial's folder can be made, the worker says so and leaves; with room it goes on."""
    body = FILLS.replace("SIZE", str(size))
    file = growth_of(tmp_path, body, "attempts: 1\n", "increments: {b: 1, a: 1}, steps: 1")
    run = ["run", "grow", "--study", "own", "--file", file, "--workers", 1]
    ended = on_a_small_disk(*run)
    assert "Traceback" not in ended.stderr and "No space left on device" in ended.stderr, ended.stderr
    if "steps are done" not in ended.stderr:
        assert "cannot keep a trial's files: No space left on device" in ended.stderr.splitlines()[-1], ended.stderr
        assert program(*run).returncode == 1
    assert ended.returncode != 0, "a candidate failed for good"
    [step] = answer(program, "show", "--study", "own")["rounds"]
    assert step["chosen"] == {"param": "a", "value": 2}
    [reason] = [row["reason"] for row in step["candidates"] if row["param"] == "b"]
    assert "No space left on device" in reason
    certificate = answer(program, "audit", "--study", "own")
    assert certificate["holds"] and certificate["points"]["failed"] == 1


@pytest.mark.parametrize("slots", [("--workers", 3), ("--gpus", "0", "--per-gpu", 3)], ids=["cpu", "gpu"])
def test_out_of_memory_runs_once_more_alone_on_its_device(
    program: Program, tmp_path: Path, environment: dict[str, str], slots: tuple[object, ...]
) -> None:
    """It fails whenever somebody else is on the device; the others take their time."""
    body = (
        "from pathlib import Path\n"
        f"FOLDER = Path({str(tmp_path)!r}) / 'here'\n"
        "def own(config, trial):\n"
        "    mine = FOLDER / str(os.getpid())\n"
        "    mine.touch()\n"
        "    time.sleep(0.5)\n"
        "    grown = config['b'] + config['a'] + config['c'] > 3\n"
        "    end = time.monotonic() + (20 if trial.attempt == 1 and grown else 0)\n"
        "    met = FOLDER.parent / 'met'\n"
        "    while time.monotonic() < end and not met.exists():\n"
        "        time.sleep(0.01)\n"
        "        if len(list(FOLDER.iterdir())) == 3:\n"
        "            met.touch()\n"
        "    others = len(list(FOLDER.iterdir())) - 1\n"
        "    time.sleep(3 if grown and config['b'] == 1 else 0)\n"
        "    mine.unlink()\n"
        "    if config['b'] > 1 and (others or os.environ.get('STUDYHALL_MEMORY_FRACTION', '1') != '1'):\n"
        "        raise RuntimeError('CUDA out of memory. Tried to allocate 2.00 GiB')\n"
        "    return {'score': config['a'] + 2 * config['b'] + config['c'], 'params': 1}\n"
    )
    (tmp_path / "here").mkdir()
    environment["STUDYHALL_DEVICES"] = str(CHECKOUT / "tests" / "data" / "devices" / "two.json")
    environment.pop("CUDA_VISIBLE_DEVICES")
    file = growth_of(tmp_path, body, grow="increments: {b: 1, a: 1, c: 1}, steps: 1")
    file.write_text(file.read_text().replace("config: {a: 1, b: 1}", "config: {a: 1, b: 1, c: 1}"))
    told = program("run", "grow", "--study", "own", "--file", file, *slots)
    assert told.returncode == 0, told.stderr
    [step] = answer(program, "show", "--study", "own")["rounds"]
    assert step["chosen"] == {"param": "b", "value": 2}
    [cause] = answer(program, "show", "--study", "own", "--failures")
    assert (cause["outcome"], cause["attempts"], cause["ended"]) == ("out_of_memory", 1, 0)
    certificate = answer(program, "audit", "--study", "own")
    assert certificate["holds"] and certificate["extra_attempts"] == {"out_of_memory": 1}
