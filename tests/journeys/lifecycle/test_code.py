"""The user's code as part of every result: what is said when it was changed between two runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from storage.session import Session
from tests.support.program import Begin, Program, answer, growth_of, refused, until

TRAIN = "import sys\nprint('score', float(sys.argv[1]) + {plus})\n"
GRID = (
    "search: grid\nobjective:\n  command: python3 train.py {{a}} {{seed}}\n"
    "  metrics: {{stdout: {{score: 'score (.*)'}}}}\nscore: {{metric: score, direction: maximize}}\n"
    "grid: {{axes: {{a: [1, 2]}}, repeats: {repeats}}}\nconfig: {{a: 1}}\n"
)


def grid(folder: Path, plus: int = 0, repeats: int = 1) -> Path:
    (folder / "train.py").write_text(TRAIN.format(plus=plus))
    file = folder / "own.yaml"
    file.write_text(GRID.format(repeats=repeats))
    return file


def test_a_script_that_was_edited_between_two_runs_is_said_marked_and_named(program: Program, tmp_path: Path) -> None:
    run = ["run", "grid", "--study", "own", "--file"]
    first = program(*run, grid(tmp_path))
    assert first.returncode == 0 and "code" not in first.stderr, first.stderr
    assert "versions of the code" not in program("show", "--study", "own").stdout
    one = answer(program, "audit", "--study", "own")["user_code"]
    assert [*one.values()] == [[0, 1]]
    old = next(iter(one))
    again = program(*run, grid(tmp_path, plus=10, repeats=2))
    assert again.returncode == 0, again.stderr
    assert f"2 of 2 results of 'own' ran code {old}" in again.stderr and "train.py has changed" in again.stderr
    assert f"redo --study own --code {old}" in again.stderr and again.stderr.count("ran code") == 1
    shown = program("show", "--study", "own").stdout
    assert shown.count("2 versions of the code") == 2, shown
    assert all(len(each["code"]) == 2 for each in answer(program, "show", "--study", "own")["results"])
    certificate = answer(program, "audit", "--study", "own")
    assert certificate["holds"] and sorted(certificate["user_code"].values()) == [[0, 1], [2, 3]]
    assert f"your code: {old}: 2 results, trials 0–1" in program("audit", "--study", "own").stdout
    seal = certificate["seal"]
    assert program("audit", "--study", "own", "--seal", seal).returncode == 0


def test_same_code_refuses_other_code_and_code_that_it_cannot_tell(program: Program, tmp_path: Path, url: str) -> None:
    run = ["run", "grid", "--study", "own", "--same-code", "--file"]
    assert program(*run, grid(tmp_path)).returncode == 0
    assert program(*run, grid(tmp_path, repeats=2)).returncode == 0, "a definition is no code"
    before = program("show", "--study", "own", "--json").stdout
    refused(program(*run, grid(tmp_path, plus=1, repeats=3)), "--same-code", "train.py has changed")
    assert program("show", "--study", "own", "--json").stdout == before
    file = grid(tmp_path, repeats=3)
    (tmp_path / ".git").write_text("gitdir: /nowhere\n")
    refused(program(*run, file), "--same-code", "git cannot read")
    (tmp_path / ".git").unlink()
    session = Session(url)
    session.execute("UPDATE studyhall_attempts SET code = NULL WHERE trial_id = (SELECT min(trial_id) FROM trials)")
    refused(program(*run, file), "--same-code", "1 results ran code that was not recorded")
    assert not answer_of(program("audit", "--study", "own", "--json").stdout)["holds"], "the digest holds the version"
    session.close()


def answer_of(text: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(text)
    return found


def test_a_round_of_two_versions_is_marked(program: Program, tmp_path: Path) -> None:
    body = "    return {'score': config['a'] + 2.0 * config['b'] + %d, 'params': config['a'] + config['b']}\n"
    file = growth_of(tmp_path, "def own(config):\n" + body % 0, grow="increments: {a: 1, b: 1}, steps: 1")
    run = ["run", "grow", "--study", "own", "--file", file]
    assert program(*run, "--max-trials", 2).returncode == 0
    (tmp_path / "own.py").write_text("def own(config):\n" + body % 1)
    told = program(*run, "--max-trials", 100)
    assert told.returncode == 0 and "own.py has changed" in told.stderr, told.stderr
    assert "2 versions of the code" in program("show", "--study", "own").stdout
    shown = answer(program, "show", "--study", "own")
    assert [(each["round"], len(each["code"])) for each in shown["mixed_code"]] == [(0, 2)]
    assert answer(program, "audit", "--study", "own")["holds"]


@pytest.mark.parametrize("same", [False, True])
def test_a_script_that_is_edited_while_a_worker_runs_is_noticed(
    program: Program, begin: Begin, tmp_path: Path, same: bool
) -> None:
    file = grid(tmp_path, repeats=2)
    script = tmp_path / "train.py"
    wait = f"import os, time\nwhile not os.path.exists({str(tmp_path / 'go')!r}): time.sleep(0.02)\n"
    script.write_text(wait + script.read_text())
    options = ["--same-code"] * same
    worker = begin("run", "grid", "--study", "own", "--file", file, "--workers", 1, *options)
    until(
        lambda: (
            (status := program("status", "--study", "own", "--json")).returncode == 0
            and '"running": 1' in status.stdout
        )
    )
    script.write_text(script.read_text() + "# edited\n")
    (tmp_path / "go").touch()
    said, _ = worker.communicate(timeout=60)
    assert "the code was changed while it runs (train.py)" in said, said
    found = answer(program, "audit", "--study", "own")["user_code"]
    assert sorted(map(len, found.values())) == ([1] if same else [1, 3])
    assert worker.returncode == int(same)
