"""`init` on one script of each parser: the real packages, a dry run that is accepted, a first trial that completes."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from storage.home import CHECKOUT
from tests.support.program import Program

SCRIPTS = CHECKOUT / "tests" / "data" / "scripts"


@pytest.mark.parametrize(
    ("parser", "mode", "score"),
    [
        ("absl", "equals", "eval_loss"),
        ("argparse", "no-prefix", "val_loss"),
        ("click", "omit", "val_accuracy"),
        ("configurator", "python", "val_loss"),
        ("fire", "python", "val_loss"),
        ("hydra", "hydra", "val_loss"),
        ("jsonargparse", "value", "test_acc"),
        ("transformers", "value", "eval_loss"),
        ("tyro", "no-prefix", "loss"),
    ],
)
def test_a_starter_of_each_parser_is_accepted_and_its_first_trial_completes(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parser: str, mode: str, score: str
) -> None:
    shutil.copytree(SCRIPTS, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.rglob("*"))
    told = program("init", "grid", "--command", f"{sys.executable} with_{parser}.py", "--try")
    assert told.returncode == 0, told.stdout + told.stderr
    assert f"flags: {mode}\n" in told.stdout and f"metrics: {score} (" in told.stdout and "edit" not in told.stdout
    assert "first trial: completed" in told.stdout
    made = {
        each
        for each in set(tmp_path.rglob("*")) - before
        if each.relative_to(tmp_path).parts[0] not in ("home", "locks")
    }
    assert made == {tmp_path / f"with_{parser}.yaml"}, "a script's files lie in its trial's folder"
    dry = program("run", f"with_{parser}", "--dry-run")
    assert dry.returncode == 0 and "9 trials to run" in dry.stdout, dry.stderr
    ran = program("run", f"with_{parser}", "--workers", 1, "grid.repeats=1")
    assert ran.returncode == 0 and score in ran.stdout, ran.stdout + ran.stderr
