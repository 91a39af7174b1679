"""Finished runs of a file become results of a grid's matching points; what does not fit is listed line by line."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import psycopg2
import pytest

from storage.errors import UsageError
from storage.session import Session
from storage.url import libpq_url
from studies.importing.runs import read_runs
from tests.support.program import Begin, Program, answer, refused, states, until

OWN = """
def own(config):
    return {"loss": config["learning_rate"] * config["depth"] + config["seed"] / 1e4, "params": 10.0}
"""
GRID = """
search: grid
objective: own.py:own
score: {metric: loss, direction: minimize}
grid:
  axes: {learning_rate: [1e-4, 1e-3], act: [relu, "8", null], depth: [2, 4]}
  where: ["depth < 4 or learning_rate < 0.001"]
  repeats: 2
  seed: 10
config: {learning_rate: 0.1, act: relu, depth: 1, batch: 64, opt: {name: adam}}
"""
TABLE = """lr,act,depth,seed,loss,State,batch,note
1e-4,relu,2,10,0.5,finished,64,good
0.0001,relu,2,11,0.7,finished,,
1e-3,8,2,10,0.25,finished,64,a text that looks like a number
1e-3,null,2,10,0.3,finished,64,
1e-3,relu,4,10,0.1,finished,64,left out by where
1e-3,relu,2,12,0.1,finished,64,another seed
1e-3,relu,2,10,0.1,crashed,64,
1e-2,relu,2,10,0.1,finished,64,another rate
1e-4,relu,2,10,0.9,finished,64,twice
1e-4,relu,4,10,0.9,finished,32,another batch
1e-4,relu,4,11,,finished,64,no loss
"""


@pytest.fixture
def grid(tmp_path: Path) -> Path:
    (tmp_path / "own.py").write_text(OWN)
    file = tmp_path / "cells.yaml"
    file.write_text(GRID)
    return file


def test_runs_that_fit_become_results_and_the_others_are_listed(program: Program, grid: Path, tmp_path: Path) -> None:
    table = tmp_path / "runs.csv"
    table.write_text(TABLE)
    arguments = ("import", table, "--study", "cells", "--file", grid, "--map", "lr=learning_rate")
    done = program(*arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "runs.csv, line 6: the grid leaves this setting out: act='relu', depth=4, learning_rate=0.001",
        "runs.csv, line 7: seed is 12, none of 10, 11",
        "runs.csv, line 8: its state is crashed",
        "runs.csv, line 9: learning_rate is 0.01, none of 0.0001, 0.001",
        "runs.csv, line 10: the same setting and seed as line 2",
        "runs.csv, line 11: batch is 32, the study's is 64",
        "runs.csv, line 12: loss is missing",
        "cells: 4 results imported from runs.csv; 7 do not fit",
    ]
    counts = states(program, "cells")
    assert (counts["accepted"], counts["waiting"]) == (4, 18 - 4)
    again = program(*arguments)
    assert again.returncode == 0 and "0 results imported from runs.csv, 4 had been before; 7 do" in again.stdout
    ran = program("run", "grid", "--study", "cells", "--file", grid, "--workers", 2)
    assert ran.returncode == 0 and "ran code" not in ran.stderr, ran.stderr
    certificate = answer(program, "audit", "--study", "cells")
    assert certificate["holds"] and len(certificate["imported"]) == 4, certificate["violations"]
    shown = program("audit", "--study", "cells").stdout
    assert "imported, not run by this program: 4 of 18 results, trials" in shown
    assert "(imported from runs.csv): 4 results, trials" in shown
    rows = {tuple(row["setting"].values()): row for row in answer(program, "show", "--study", "cells")["results"]}
    assert rows[(0.0001, "relu", 2)]["mean"] == pytest.approx(0.6)
    assert program("replay", "--study", "cells").returncode == 0
    first = answer(program, "show", "--study", "cells", "--trial", certificate["imported"][0])
    assert first["attempts"][0]["slot"] == "imported" and "line 2" in first["attempts"][0]["message"]
    assert first["metrics"] == {"loss": 0.5}, "neither the configuration nor the seed is a metric"
    version = next(each for each, numbers in certificate["user_code"].items() if numbers == certificate["imported"])
    assert program("redo", "--study", "cells", "--code", version, "--yes").returncode == 0
    assert states(program, "cells")["waiting"] == 4, "what was imported can be run after all"


def test_json_lines_and_what_other_programs_write_before_a_name(program: Program, grid: Path, tmp_path: Path) -> None:
    lines = [
        {"config": {"learning_rate": rate, "act": "relu", "depth": 2, "opt": {"name": name}}, "summary": {"loss": 0.5}}
        for rate, name in ((1e-4, "adam"), (1e-4, "adam"), (1e-3, "sgd"), (1e-4, "adam"))
    ]
    file = tmp_path / "runs.jsonl"
    file.write_text("\ufeff" + "\n".join(map(json.dumps, lines)) + "\n")
    done = program("import", file, "--study", "cells", "--file", grid)
    assert done.stdout.splitlines() == [
        "runs.jsonl, line 3: opt.name is 'sgd', the study's is 'adam'",
        "runs.jsonl, line 4: all 2 seeds of its setting are taken by the runs before it",
        "runs without a seed take the seeds of their setting in the order of the file",
        "cells: 2 results imported from runs.jsonl; 2 do not fit",
    ]
    file.write_text(json.dumps([{"params_learning_rate": 1e-3, "params_act": "relu", "params_depth": 2, "loss": 1}]))
    done = program("import", file, "--study", "cells", "--file", grid)
    assert done.returncode == 0 and "1 result imported" in done.stdout


def test_a_whole_number_that_no_float_holds_is_no_metric(program: Program, grid: Path, tmp_path: Path) -> None:
    row = {"learning_rate": 1e-4, "act": "relu", "depth": 2, "loss": 0.5}
    file = tmp_path / "runs.jsonl"
    file.write_text(f"{json.dumps({**row, 'tokens': 10**400})}\n{json.dumps({**row, 'loss': 10**400})}\n")
    done = program("import", file, "--study", "cells", "--file", grid)
    assert "1 result imported from runs.jsonl; 1 does not fit" in done.stdout, done.stderr
    assert answer(program, "show", "--study", "cells", "--trial", 0)["metrics"] == {"loss": 0.5}


def test_a_point_that_is_in_a_later_batch_is_planned_for_its_result(program: Program, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("def own(config):\n    return {'loss': 1.0}\n")
    file = tmp_path / "many.yaml"
    file.write_text(
        "search: grid\nobjective: own.py:own\nscore: {metric: loss, direction: minimize}\n"
        "grid: {axes: {a: {range: [0, 2999, 1]}}}\nconfig: {a: 0}\n"
    )
    table = tmp_path / "runs.csv"
    table.write_text("a\tloss\n2500\t0.5\n0\t0.25\n")
    done = program("import", table, "--study", "many", "--file", file)
    assert done.returncode == 0 and "2 results imported" in done.stdout, done.stderr
    assert states(program, "many")["waiting"] == 2998


def test_a_score_that_is_an_expression_is_made_of_the_columns(program: Program, grid: Path, tmp_path: Path) -> None:
    grid.write_text(GRID.replace("{metric: loss, direction: minimize}", '{metric: "exp(-loss)", direction: maximize}'))
    table = tmp_path / "runs.csv"
    table.write_text("learning_rate,act,depth,seed,loss\n1e-4,relu,2,10,0\n1e-4,relu,2,11,\n")
    done = program("import", table, "--study", "cells", "--file", grid)
    assert done.stdout.splitlines()[0] == "runs.csv, line 3: exp(-loss) is missing", done.stderr
    assert answer(program, "show", "--study", "cells", "--trial", 0)["metrics"] == {"exp(-loss)": 1.0, "loss": 0.0}
    assert answer(program, "audit", "--study", "cells")["holds"]


def test_nonsense_makes_no_study(program: Program, grid: Path, tmp_path: Path) -> None:
    table = tmp_path / "runs.csv"
    table.write_text("lr,act,depth,loss\n1,relu,2,0.5\n")
    refused(
        program("import", table, "--study", "cells", "--file", grid, "--map", "lrr=learning_rate"), "no column 'lrr'"
    )
    refused(program("import", table, "--study", "cells", "--file", grid, "--map", "lr"), "is not COLUMN=NAME")
    refused(program("import", tmp_path / "none.csv", "--study", "cells", "--file", grid), "cannot be read")
    refused(program("import", table, "--study", "cells"), "no study 'cells'")
    none = program("import", table, "--study", "cells", "--file", grid)
    assert none.returncode == 1 and "no value of learning_rate: --map COLUMN=NAME" in none.stdout
    table.write_text("act,depth,loss\n")
    refused(program("import", table, "--study", "cells", "--file", grid), "holds no run")
    assert program("status").stdout.startswith("no study in this storage yet")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,a\n1,2\n", "two columns 'a'"),
        ("a,b\n1\n", "line 2 has 1 cells, and there are 2 columns"),
        ('{"a": 1}\n{"a": \n', "line 2 is no JSON"),
        ("[1]", "run 1 is no JSON object but 1"),
        ("", "holds no run"),
        (f"a,b\n1,2\n1,{'x' * 131_073}\n", r"line 3 is no row of a table: field larger than field limit \(131072\)"),
        ("[" * 100_000, "nested too deeply to be read"),
        ('{"a": 1}\n' + "[" * 100_000, "line 2 is nested too deeply to be read"),
        ('{"a": 1}\n' + '{"a": ' * 900 + "1" + "}" * 900, "line 2 is nested more than 50 levels deep"),
        ('[{"a": 1}, {"a": ' + "[" * 51 + "]" * 51 + "}]", "run 2 is nested more than 50 levels deep"),
    ],
)
def test_a_file_that_is_none_is_one_line(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read_runs(text.encode(), "runs.csv")


def test_an_import_that_is_killed_leaves_no_result_half_and_goes_on(
    program: Program, begin: Begin, grid: Path, tmp_path: Path, url: str, session: Session
) -> None:
    table = tmp_path / "runs.csv"
    table.write_text(TABLE.replace("lr,", "learning_rate,", 1))
    held = psycopg2.connect(libpq_url(url))
    with held.cursor() as cursor:
        cursor.execute("LOCK TABLE studyhall_metrics IN SHARE ROW EXCLUSIVE MODE")
        process = begin("import", table, "--study", "cells", "--file", grid)
        until(lambda: session.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")[0].count)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    held.close()
    assert states(program, "cells")["accepted"] == 0
    done = program("import", table, "--study", "cells", "--file", grid)
    assert "4 results imported" in done.stdout, done.stdout + done.stderr
    assert answer(program, "audit", "--study", "cells")["holds"]
