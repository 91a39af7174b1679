"""README's own examples, run as they stand there."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
import pytest

from storage.home import CHECKOUT
from studies.definition.yaml_text import read_yaml
from tests.support.program import Program, answer

BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", (CHECKOUT / "README.md").read_text(), re.DOTALL | re.MULTILINE)
OWN = """
METRICS = ("score", "params")

def objective(config, trial):
    size = config["n_layer"] * config["n_head"] * config["n_embd"]
    return {"score": 1 - 1 / size, "params": float(size), "val_loss": 1 / size}
"""
GRID_OWN = """
def objective(config, trial):
    return {"score": config["learning_rate"] * config["n_embd"], "params": float(config["mlp_size"])}
"""


def block(language: str, words: str) -> str:
    """The one block of a language with these words."""
    (found,) = (text for kind, text in BLOCKS if kind == language and words in text)
    return str(found)


def cli_lines(words: str) -> list[list[str]]:
    """The program's own commands in a block of shell lines."""
    parts = [part for line in block("sh", words).splitlines() for part in line.split("&&")]
    commands = [shlex.split(part, comments=True) for part in parts]
    return [each[2:] for each in commands if each[:2] == ["python", "cli.py"]]


def searches(folder: Path) -> Mapping[str, Any]:
    """The blocks of depth, grid and fit."""
    file = folder / "blocks.yaml"
    file.write_text(block("yaml", "depth: {targets"))
    return read_yaml(file)


def write(folder: Path, name: str, document: Mapping[str, Any]) -> Path:
    file = folder / f"{name}.yaml"
    file.write_text(json.dumps(document))
    return file


def test_the_first_commands_what_they_promise_and_the_notebook(
    program: Program, environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run,) = cli_lines("--steps 2")
    (audit,) = cli_lines("cli.py audit --study lobo")
    for arguments in (run, run, audit):
        ended = program(*arguments, timeout=600)
        assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "audit passed" in ended.stdout
    (report,) = cli_lines("lobo-report")
    ended = program(*report[:-1], tmp_path / report[-1])
    assert ended.returncode == 0, ended.stderr
    for name in ("STUDYHALL_STORAGE", "STUDYHALL_HOME", "STUDYHALL_LOCKS"):
        monkeypatch.setenv(name, environment[name])
    names: dict[str, Any] = {}
    exec(block("python", "open_study"), names)
    lobo = names["lobo"]
    assert len(lobo.frame()) > 0 and len(lobo.series()) > 0 and lobo.figures()


def test_the_definition_of_a_growth_is_accepted_and_grows(
    program: Program, environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "train.py").write_text(OWN)
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "one.txt").write_text("a prompt")
    (tmp_path / "layers.cu").write_text("// a kernel")
    file = tmp_path / "growth.yaml"
    file.write_text(block("yaml", "search: grow"))
    environment["WANDB_MODE"] = "disabled"
    run = ["run", "grow", "--study", "growth", "--file", file]
    checked = program(*run, "--dry-run")
    assert checked.returncode == 0, checked.stderr
    ended = program(*run, "--steps", 1, timeout=600)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert len(answer(program, "show", "--study", "growth")["rounds"]) == 1


def test_the_blocks_of_depth_grid_and_fit(program: Program, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(GRID_OWN)
    blocks = searches(tmp_path)
    common = {"objective": "own.py:objective", "score": {"metric": "score", "direction": "maximize"}}
    config = {"n_embd": 64, "mlp_size": 64, "learning_rate": 0.1, "depth": 4}
    grid = write(tmp_path, "grid", {"search": "grid", **common, "grid": blocks["grid"], "config": config})
    checked = program("run", "grid", "--study", "grid", "--file", grid, "--dry-run")
    assert checked.returncode == 0 and "× 5 seeds" in checked.stdout, checked.stdout + checked.stderr

    family = {"family": "gpt2", "vocab_size": 50257, "n_embd": 64, "n_layer": 1, "n_head": 8}
    depth = {"search": "depth", "objective": "parameters", "depth": blocks["depth"], "config": family}
    checked = program("run", "depth", "--study", "depth", "--file", write(tmp_path, "depth", depth), "--dry-run")
    assert checked.returncode == 0, checked.stderr

    (tmp_path / "fits.py").write_text(
        "def objective(config, trial):\n"
        "    if config['batch_size'] > 1000:\n        raise MemoryError\n"
        "    return {'tokens_per_second': float(config['batch_size'])}\n"
    )
    fit = {"search": "fit", "objective": "fits.py:objective", "fit": blocks["fit"], "config": {"batch_size": 8}}
    ended = program("run", "fit", "--study", "fit", "--file", write(tmp_path, "fit", fit))
    assert ended.returncode == 0 and "1,000" in ended.stdout + program("show", "fit").stdout, ended.stdout


def test_the_command_runs_a_script_that_knows_nothing_of_us(program: Program, tmp_path: Path) -> None:
    shutil.copy(CHECKOUT / "objectives" / "examples" / "train.py", tmp_path)
    command = block("yaml", "command: python train.py {flags}")
    (tmp_path / "own.yaml").write_text(
        f"search: grid\n{command}score: {{metric: val_loss, direction: minimize}}\n"
        "grid: {axes: {learning_rate: [0.1, 0.3]}, repeats: 2}\n"
        "config: {hidden: 2, learning_rate: 0.1, max_iters: 50, bias: true}\n"
    )
    ended = program("run", "grid", "--study", "own", "--file", tmp_path / "own.yaml")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert answer(program, "audit", "--study", "own")["points"]["accepted"] == 4


def test_the_sampler_in_a_plain_program() -> None:
    given = {
        "optuna": optuna,
        "config": {"n_layer": 1, "n_embd": 32},
        "increments": {"n_layer": 1, "n_embd": 32},
        "count": lambda config: config["n_layer"] * config["n_embd"] ** 2,
        "train": lambda config: 1 - 1 / min(config["n_layer"], 3) / min(config["n_embd"], 96),
    }
    exec(block("python", "GrowSampler"), given)
    assert given["study"].best_value == 1 - 1 / 3 / 96
