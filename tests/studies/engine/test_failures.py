"""What each end of an attempt leads to, in whole studies with real processes."""

from __future__ import annotations

import math
from pathlib import Path

import optuna
import pytest

from storage.home import CHECKOUT
from tests.support.program import GOOD, Program, answer, growth_of


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
        "    while time.monotonic() < end and len(list(FOLDER.iterdir())) == 1:\n"
        "        time.sleep(0.01)\n"
        "    others = len(list(FOLDER.iterdir())) - 1\n"
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


def test_twice_out_of_memory_is_a_failure_and_failures_names_the_cause(program: Program, tmp_path: Path) -> None:
    body = (
        "def own(config):\n    if config['b'] > 1:\n        raise MemoryError('no room for b')\n"
        "    return {'score': config['a'], 'params': 1}\n"
    )
    file = growth_of(tmp_path, body)
    assert program("run", "grow", "--study", "own", "--file", file).returncode == 1
    [cause] = answer(program, "show", "--study", "own", "--failures")
    assert (cause["attempts"], cause["ended"], len(cause["trials"])) == (2, 1, 1) and "no room" in cause["message"]
    assert "no room for b" in program("show", "--study", "own", "--failures").stdout


def test_a_lost_keeper_costs_no_attempt(program: Program, tmp_path: Path) -> None:
    """Its keeper is killed three times, more often than a point may fail: the point still counts."""
    body = (
        "def own(config, trial):\n"
        "    if config['b'] > 1 and trial.attempt <= 3:\n"
        "        os.kill(os.getppid(), signal.SIGKILL)\n"
        "        time.sleep(60)\n"
        "    return {'score': config['a'] + config['b'], 'params': 1}\n"
    )
    assert program("run", "grow", "--study", "own", "--file", growth_of(tmp_path, body)).returncode == 0
    certificate = answer(program, "audit", "--study", "own")
    assert certificate["holds"] and certificate["extra_attempts"] == {"lost": 3}
    assert certificate["points"]["failed"] == 0


def test_a_loss_that_is_nan_at_step_3_has_diverged_and_is_shown_as_nan(
    program: Program, tmp_path: Path, url: str
) -> None:
    body = (
        "def own(config, trial):\n"
        "    for step in range(1, 6):\n"
        "        value = float('nan') if step >= 3 and config['b'] > 1 else 1.0 * config['a']\n"
        "        trial.report(step, score=value)\n"
        "    return {'score': value, 'params': 1}\n"
    )
    assert program("run", "grow", "--study", "own", "--file", growth_of(tmp_path, body)).returncode == 1
    [step] = answer(program, "show", "--study", "own")["rounds"]
    [reason] = [row["reason"] for row in step["candidates"] if row["param"] == "b"]
    assert reason.endswith("failed: diverged: score is nan")
    [trial] = [t for t in optuna.load_study(study_name="own", storage=url).trials if t.state.name == "FAIL"]
    assert trial.intermediate_values[2] == 1.0 and math.isnan(trial.intermediate_values[3])
    certificate = answer(program, "audit", "--study", "own")
    assert certificate["holds"] and certificate["attempts"] == 3, "it would happen again: not tried again"


@pytest.mark.parametrize(
    ("pruner", "words"),
    [
        ("pruner: medium", "did you mean 'median'"),
        ("pruner: {name: median, startup: 3}", "pruner.median: "),
        ("pruner: {name: successive_halving, reduction_factor: 0}", "pruner.successive_halving: "),
        ("pruner: 3", "is not a name"),
    ],
)
def test_a_wrong_pruner(program: Program, tmp_path: Path, pruner: str, words: str) -> None:
    told = program(
        "run", "grow", "--study", "own", "--file", growth_of(tmp_path, f"def own(config):\n{GOOD}", pruner + "\n")
    )
    assert told.returncode == 2 and words in told.stderr and told.stderr.count("\n") == 1, told.stderr
