"""`data prepare` called in this process, with a home of the test's own, and a driver that kills it at any step."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cli
from objectives.datasets import catalogue
from storage.home import CHECKOUT

FOX = "The quick brown fox — zażółć gęślą jaźń — 漢字 😀\n"
Told = tuple[int, str, str]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STUDYHALL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return tmp_path / "home"


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Told]:
    """Run the program here, to its exit code and what it printed."""

    def run(*arguments: object) -> Told:
        monkeypatch.setattr(sys, "argv", ["studyhall", *map(str, arguments)])
        code = 0
        try:
            cli.main()
        except SystemExit as exit:
            code = int(str(exit.code or 0))
        return code, *capsys.readouterr()

    return run


def read(name: str) -> dict[str, bytes]:
    """A dataset's three files."""
    return {
        each: (catalogue.datasets_folder() / name / each).read_bytes() for each in ("train.bin", "val.bin", "meta.json")
    }


def meta_of(name: str) -> dict[str, Any]:
    return dict(json.loads(read(name)["meta.json"]))


def tokens_of(name: str) -> tuple[list[int], list[int]]:
    kind = np.dtype(meta_of(name)["dtype"])
    train, val = (np.frombuffer(read(name)[f"{split}.bin"], kind).tolist() for split in ("train", "val"))
    return train, val


def text_of(name: str) -> str:
    """The whole text of a dataset of bytes."""
    train, val = tokens_of(name)
    return bytes(train + val).decode()


DRIVER = """
import os, signal, sys
from itertools import count
from objectives.datasets import prepare as module, sources
from objectives.datasets.tokenizers import *
module.CHECKPOINT_BYTES, sources.MAX_PIECE_BYTES, sources.BATCH_PIECES = 4000, 512, 2
left = None

def step(*_):
    global left
    if left is not None:
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

def watch(event, _):
    if event in ("open", "os.rename", "os.truncate", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree"):
        step()

sync = os.fsync
def fsync(descriptor):
    sync(descriptor)
    step()

os.fsync = fsync
sys.addaudithook(watch)

def run(name, text, tokenizer, force, steps=None):
    global left
    child = os.fork()
    if child == 0:
        try:
            order = module.Preparation.of(name, [text], None, tokenizer, None, force)
            left = steps
            module.prepare(order, lambda *_: None)
            os._exit(0)
        except BaseException as error:
            os.write(2, repr(error).encode())
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
"""


def program(*arguments: object, before: str = "", **given: Any) -> subprocess.CompletedProcess[str]:
    """Run the program in a process of its own, after the statements `before`."""
    code = f"import sys\n{before}\nimport cli\ncli.main()"
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=120, **given)


def refused(told: Told, reason: str, code: int = 2) -> None:
    """One line, and nothing that could be taken for a dataset."""
    assert told[0] == code, told
    error = [line for line in told[2].splitlines() if not line.endswith("%")]
    assert len(error) == 1 and error[0].startswith("studyhall: "), told
    assert reason in error[0], told
    assert "Traceback" not in told[2]
