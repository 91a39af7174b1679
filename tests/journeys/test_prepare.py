"""`data prepare` that is killed at any step, and run again."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from objectives.datasets import catalogue
from objectives.datasets.sources import TextFiles
from storage.home import CHECKOUT
from tests.support.cases import usual
from tests.support.prepared import DRIVER, FOX, call, home, text_of

__all__ = ["call", "home"]  # fixtures


@pytest.mark.parametrize(("tokenizer", "replaces"), usual([("char", ""), ("bytes", "replaces")], count=1))
def test_killed_at_any_step_and_run_again_it_ends_with_the_same_bytes(call, tmp_path, tokenizer, replaces):
    (tmp_path / "a").write_text(FOX * 90)
    (tmp_path / "old").write_text("something else\n" * 50)
    assert call("data", "prepare", "whole", "--text", tmp_path / "a", "--tokenizer", tokenizer)[0] == 0
    script = (
        DRIVER
        + """
from objectives.datasets import catalogue
text, old, tokenizer, force = sys.argv[1:]
force = bool(force)
def files(name):
    return [(catalogue.datasets_folder() / name / each).read_bytes() for each in ("train.bin", "val.bin", "meta.json")]

whole = files("whole")
for steps in count(1):
    name = f"x{steps}"
    if force:
        assert run(name, old, "bytes", False) == 0
        before = files(name)
    code = run(name, text, tokenizer, force, steps)
    if name in catalogue.names():
        assert files(name) == whole or (force and files(name) == before), steps
    if code == 0:
        break
    assert code == -signal.SIGKILL, code
    assert run(name, text, tokenizer, force) == 0
    assert files(name) == whole, steps
    assert [each.problem for each in catalogue.entries() if each.problem] == [], steps
print(steps)
chain = count(1)
while run("chain", text, tokenizer, False, next(chain)):  # killed, and killed again
    pass
assert files("chain") == whole
print(next(chain))
"""
    )
    command = [sys.executable, "-c", script, tmp_path / "a", tmp_path / "old", tokenizer, replaces]
    found = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=120)
    assert found.returncode == 0, found.stderr
    assert min(map(int, found.stdout.split())) > 20  # there were that many steps to be killed at


def test_a_killed_one_reads_on_and_does_not_begin_anew(call, tmp_path, monkeypatch):
    (tmp_path / "a").write_text(FOX * 300)
    script = DRIVER + "print(run('x', sys.argv[1], 'bytes', False, 40))"
    subprocess.run([sys.executable, "-c", script, tmp_path / "a"], cwd=CHECKOUT, check=True, timeout=60)
    state = json.loads((catalogue.part_of("x") / "state.json").read_text())
    assert 0 < state["position"] < state["total"]
    listed = json.loads(call("data", "list", "--json")[1])
    assert [each["name"] for each in listed] == ["x"] and "not finished, " in listed[0]["problem"]
    asked = []
    read_from = TextFiles.batches
    monkeypatch.setattr(TextFiles, "batches", lambda self, at: asked.append(at) or read_from(self, at))
    assert call("data", "prepare", "x", "--text", tmp_path / "a", "--tokenizer", "bytes")[0] == 0
    assert asked == [state["position"]]
    assert text_of("x") == FOX * 300
