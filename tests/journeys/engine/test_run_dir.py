"""Each attempt has a `run_dir` of its own, and the worker's interpreter has a name."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.support.program import Program, answer

TRAIN = """
import json, os, pathlib, sys
run, kept = map(pathlib.Path, sys.argv[1:])
assert not list(run.iterdir()), "it is fresh"
(run / "m.json").write_text(json.dumps({"loss": 1.0, "before": float((kept / "state").exists())}))
if not (kept / "state").exists():
    (kept / "state").touch()
    sys.exit("the first attempt fails")
"""


def write(folder: Path, python: str) -> Path:
    (folder / "train.py").write_text(TRAIN)
    (folder / "own.yaml").write_text(
        f"search: grid\nobjective:\n  command: '{python} train.py {{run_dir}} {{checkpoint_dir}}'\n"
        f'  metrics: {{json: "{{run_dir}}/m.json"}}\n'
        "score: {metric: loss, direction: minimize}\ngrid: {axes: {x: [1]}}\nconfig: {x: 1}\n"
    )
    return folder / "own.yaml"


def test_an_attempt_finds_its_own_folder_empty_and_its_checkpoint_where_it_was(
    program: Program, tmp_path: Path
) -> None:
    ended = program("run", "grid", "--study", "own", "--file", write(tmp_path, "{python}"))
    assert ended.returncode == 0, ended.stderr
    assert "interpreter" not in ended.stderr and "write {python}" not in ended.stderr + ended.stdout
    files = answer(program, "show", "--study", "own", "--trial", 0)["files"]
    assert [Path(each).parts[-2:] for each in files] == [("attempt-1", "m.json"), ("attempt-2", "m.json")]
    assert json.loads(Path(files[1]).read_text())["before"] == 1.0


def test_a_python_that_is_another_one_is_said_once(
    program: Program, environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "bin").mkdir()
    other = tmp_path / "bin" / "python"
    other.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    other.chmod(0o755)
    environment["PATH"] = f"{other.parent}:{environment['PATH']}"
    ended = program("run", "grid", "--study", "own", "--file", write(tmp_path, "python"))
    told = ended.stdout + ended.stderr
    assert ended.returncode == 0, told
    assert told.count(f"the command's python is {other}; this worker's is {sys.executable}: write {{python}}") == 1
