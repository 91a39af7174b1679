"""`retry --reread`: metrics that could not be read are read again, and nothing is trained twice."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

import pytest

from tests.support.program import Program, answer, refused

TRAIN = """
import sys
run, x, count = sys.argv[1:]
with open(count, "a") as file:
    file.write("x")
print(f"final loss: {1 / int(x)}")
for step in (1, 2):
    open(run + "/m.txt", "a").write(f"{step};{1 / int(x) + 2 - step}\\n")
"""
WRONG = {
    "stdout": ("{stdout: {loss: 'val loss ([0-9.]+)'}}", "{stdout: {loss: 'final loss: ([0-9.]+)'}}"),
    "file": ('{json: "{run_dir}/m.txt"}', '{csv: "{run_dir}/m.txt", columns: [step, loss]}'),
}


def write(folder: Path, metrics: str, script: str = TRAIN, arguments: str = "{run_dir} {x}") -> Path:
    (folder / "train.py").write_text(script)
    (folder / "own.yaml").write_text(
        "search: grid\nobjective:\n"
        f"  command: {shlex.quote(sys.executable)} train.py {arguments} {folder}/count\n  metrics: {metrics}\n"
        "score: {metric: loss, direction: minimize}\ngrid: {axes: {x: [1, 2]}}\nconfig: {x: 1}\n"
    )
    return folder / "own.yaml"


@pytest.mark.parametrize("kind", WRONG)
def test_a_corrected_pattern_reads_what_is_there_without_training(program: Program, tmp_path: Path, kind: str) -> None:
    wrong, right = WRONG[kind]
    file = write(tmp_path, wrong)
    assert program("run", "grid", "--study", "own", "--file", file).returncode == 1
    refused(program("retry", "--study", "own", "--reread", "--file", file), "trial 0: exited with 0, but")
    assert "python cli.py retry --study own --reread" in program("show", "--study", "own", "--failures").stdout
    write(tmp_path, right)
    told = program("retry", "--study", "own", "--reread", "--file", file)
    assert told.stdout == "trial 0: read again as trial 2: loss 1\ntrial 1: read again as trial 3: loss 0.5\n", (
        told.stderr
    )
    assert [each["mean"] for each in answer(program, "show", "--study", "own")["results"]] == [0.5, 1.0]
    certificate = answer(program, "audit", "--study", "own")
    assert certificate["holds"], certificate["violations"]
    again = program("run", "grid", "--study", "own", "--file", file)
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "count").read_text() == "xx", "each was trained once"
    if kind == "file":
        reports = answer(program, "show", "--study", "own", "--trial", 2)["reports"]
        assert [each["loss"] for each in reports] == [2.0, 1.0]


def test_a_corrected_pattern_counts_for_the_trials_to_come(program: Program, tmp_path: Path) -> None:
    wrong, right = WRONG["stdout"]
    assert program("run", "grid", "--study", "own", "--file", write(tmp_path, wrong)).returncode == 1
    file = write(tmp_path, right)
    assert program("retry", "--study", "own", "--trial", 0).returncode == 0
    assert program("run", "grid", "--study", "own", "--file", file).returncode == 1, "trial 1 still has failed"
    assert [each["mean"] for each in answer(program, "show", "--study", "own")["results"]] == [1.0]
    told = program("retry", "--study", "own", "--reread", "--trial", 1)
    assert told.stdout == "trial 1: read again as trial 3: loss 0.5\n", "the study keeps the corrected pattern"
    refused(program("retry", "--study", "own", "--reread", "--trial", 2), "2 is not a failed trial")


def test_a_study_that_was_renamed_is_read_again_from_the_folder_that_it_had(program: Program, tmp_path: Path) -> None:
    wrong, right = WRONG["stdout"]
    assert program("run", "grid", "--study", "own", "--file", write(tmp_path, wrong)).returncode == 1
    assert program("rename", "own", "mine").returncode == 0
    told = program("retry", "--study", "mine", "--reread", "--file", write(tmp_path, right))
    assert told.stdout.count("read again as trial") == 2, told.stderr


def test_a_step_that_no_column_holds_is_left_out_of_the_reports(program: Program, tmp_path: Path) -> None:
    script = TRAIN.replace("(1, 2)", "(1, 2**31, 2)")
    wrong, right = WRONG["file"]
    assert program("run", "grid", "--study", "own", "--file", write(tmp_path, wrong, script)).returncode == 1
    told = program("retry", "--study", "own", "--reread", "--file", write(tmp_path, right, script))
    assert told.stdout.count("read again as trial") == 2, told.stderr
    reports = answer(program, "show", "--study", "own", "--trial", 2)["reports"]
    assert [each["step"] for each in reports] == [1, 2]


def test_a_log_is_read_again_without_the_files_of_the_trial(program: Program, tmp_path: Path) -> None:
    script = """
import json, sys
_, config, count = sys.argv
with open(count, "a") as file:
    print(config, file=file)
print("final loss:", 1 / json.load(open(config))["x"])
"""
    wrong, right = WRONG["stdout"]
    file = write(tmp_path, wrong, script, "{config_json}")
    assert program("run", "grid", "--study", "own", "--file", file).returncode == 1
    for config in (tmp_path / "count").read_text().splitlines():
        shutil.rmtree(Path(config).parent)
    told = program("retry", "--study", "own", "--reread", "--file", write(tmp_path, right, script, "{config_json}"))
    assert told.stdout.count("read again as trial") == 2, told.stderr
