"""What each end of an attempt leads to, in whole studies with real processes."""

from __future__ import annotations

import math
from pathlib import Path

import optuna
import pytest

from tests.support.program import GOOD, Program, answer, growth_of


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
