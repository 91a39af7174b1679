"""A script that is started by the command objective, and the values that it then has."""

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

SLOW = ("LightningCLI", "HfArgumentParser")
"""Scripts that import a framework of many seconds; tests/journeys has them."""


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


def check_values(kind: str, folder: Path, trial: TrialContext) -> None:
    """Each value that the definition gives is the script's."""
    seen = received(SCRIPTS[kind], folder, trial)
    meant = {name: value for name, _, value in SCRIPTS[kind].rows if value is not ...} | INSIDE.get(kind, {})
    assert {name: seen.get(name, "nothing") for name in meant} == meant
