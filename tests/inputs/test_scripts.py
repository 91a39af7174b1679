"""Scripts as people have them, started by our command objective: each has the values that the definition says."""

from __future__ import annotations

import json
import shlex
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from objectives.command.command import Command
from objectives.command.run import run_command
from objectives.context import TrialContext
from tests.inputs.scripts import END, INSIDE, SCRIPTS, Script


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[TrialContext]:
    ours, theirs = socket.socketpair()
    before = signal.getsignal(signal.SIGTERM)
    (tmp_path / "run").mkdir()
    yield TrialContext(ours, 1337, 0, 1, "cpu", 1, tmp_path, tmp_path / "run")
    signal.signal(signal.SIGTERM, before)
    ours.close()
    theirs.close()


def received(script: Script, folder: Path, trial: TrialContext) -> dict[str, Any]:
    (folder / "train.py").write_text(END + script.source)
    for name, text in script.files.items():
        (folder / name).write_text(text)
    document = {
        "command": f"{shlex.quote(sys.executable)} {folder}/train.py {script.arguments}",
        "metrics": {"json": "{run_dir}/m.json"},
        "cwd": "{run_dir}",
        "env": {**script.env, "PYTHONWARNINGS": "ignore"},
        **script.keys,
    }
    command = Command.parse(document, folder, ["loss"], "own.yaml: objective")
    config = {name: given for name, given, _ in script.rows if name != "seed"}
    assert command.validate(config) is None
    assert run_command(command, config, trial) == {"loss": 1.0}
    seen: dict[str, Any] = json.loads((folder / "run" / "seen.json").read_text())
    return seen


@pytest.mark.parametrize("kind", SCRIPTS)
def test_a_script_has_the_values_that_the_definition_says(kind: str, tmp_path: Path, trial: TrialContext) -> None:
    seen = received(SCRIPTS[kind], tmp_path, trial)
    meant = {name: value for name, _, value in SCRIPTS[kind].rows if value is not ...} | INSIDE.get(kind, {})
    assert {name: seen.get(name, "nothing") for name in meant} == meant


def test_the_table_has_150_rows_of_scripts_and_more() -> None:
    rows = sum(len(script.rows) + len(INSIDE.get(kind, {})) for kind, script in SCRIPTS.items())
    assert rows >= 150
