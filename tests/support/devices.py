"""Recorded GPUs, and objectives that note which one they saw."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from storage.home import CHECKOUT
from studies.slots.devices import read_recorded
from tests.support.growth_trace import write_definition
from tests.support.program import Program

RECORDED = CHECKOUT / "tests" / "data" / "devices"
TWO = read_recorded(RECORDED / "two.json")
FIRST, SECOND = (device.uuid for device in TWO)


@pytest.fixture
def devices(environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two recorded devices, in a file of the test's own, for the program and for this process."""
    file = tmp_path / "devices.json"
    shutil.copy(RECORDED / "two.json", file)
    del environment["CUDA_VISIBLE_DEVICES"]
    environment["STUDYHALL_DEVICES"] = str(file)
    monkeypatch.setenv("STUDYHALL_DEVICES", str(file))
    monkeypatch.setenv("STUDYHALL_LOCKS", environment["STUDYHALL_LOCKS"])
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return file


def definition(folder: Path, name: str, function: str, code: str, **settings: Any) -> Path:
    """A study of the growth landscape whose objective has this code around it."""
    file = write_definition(folder, **settings)
    with (folder / "landscape.py").open("a") as module:
        module.write(code)
    text = file.read_text().replace("landscape.py:landscape", f"landscape.py:{function}")
    (folder / f"{name}.yaml").write_text(text + f"  who: {name}\n")
    return folder / f"{name}.yaml"


def audit(program: Program, name: str) -> Any:
    return json.loads(program("audit", "--study", name, "--json").stdout)
