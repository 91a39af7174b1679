"""A grid that was changed between runs: what is of an earlier one neither ranks nor ties, and is shown apart."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from samplers.searches.noise import mean
from storage.home import CHECKOUT
from storage.reader import Reader
from storage.session import Session
from studies.export.export import export
from tests.support.program import Program, answer


def grid_of(
    folder: Path, grid: str = "{axes: {n: [1, 2]}, repeats: 2, seed: 1}", config: str = "{n: 0, scale: 1}"
) -> Path:
    (folder / "own.py").write_text(
        "def own(config):\n    return {'score': config['scale'] * config['n'] + config['seed'] / 100}\n"
    )
    file = folder / "own.yaml"
    file.write_text(
        "search: grid\nobjective: own.py:own\nscore: {metric: score, direction: maximize}\n"
        f"grid: {grid}\nconfig: {config}\n"
    )
    return file


def run(program: Program, file: Path, *more: object, code: int = 0) -> str:
    told = program("run", "grid", "--study", "own", "--file", file, "--workers", 2, *more)
    assert told.returncode == code, told.stdout + told.stderr
    return told.stdout


def settings(told: list[dict[str, Any]]) -> list[tuple[int, float]]:
    return [(each["setting"]["n"], round(each["mean"], 6)) for each in told]


def test_results_of_another_config_are_apart_and_never_best(program: Program, tmp_path: Path, url: str) -> None:
    file = grid_of(tmp_path, config="{n: 0, scale: 10}")
    run(program, file)
    shown = run(program, file, "--set", "scale=1")
    assert "2 settings of an earlier grid are not ranked; --whole shows them" in shown and "20.015" not in shown
    told = answer(program, "show", "--study", "own")
    assert settings(told["results"]) == [(2, 2.015), (1, 1.015)]
    assert settings(told["earlier"]) == [(2, 20.015), (1, 10.015)]
    assert [each["differs"] for each in told["results"]] == [{}, {}]
    assert [each["differs"] for each in told["earlier"]] == [{"scale": 10}] * 2
    assert not any(each["best_tie"] for each in told["results"])
    whole = program("show", "--study", "own", "--whole").stdout
    assert "20.015" in whole and whole.count("best") == 1 and "scale" in whole
    session = Session(url)
    study = Reader(session).study("own")
    rows = [*csv.DictReader(io.StringIO(str(export(session, study, "csv"))))]
    assert {(row["config.scale"], row["in_force"]) for row in rows} == {("10", "false"), ("1", "true")}
    assert str(export(session, study, "sweep-dir")).count("Total combinations: 2\n") == 1
    assert str(export(session, study, "tasks")).count("scale: 1\n") == 4
    assert str(export(session, study, "ablation-csv")).count("\n") == 5
    document = json.loads(str(export(session, study, "json")))
    assert sum(trial["in_force"] for trial in document["trials"]) == 4 and len(document["earlier"]) == 2
    session.close()
    # Set back, the first results are of the grid again, without one trial more.
    run(program, file, "--set", "scale=10")
    again = answer(program, "show", "--study", "own")
    assert settings(again["results"]) == [(2, 20.015), (1, 10.015)] and settings(again["earlier"]) == [
        (2, 2.015),
        (1, 1.015),
    ]
    assert answer(program, "audit", "--study", "own")["attempts"] == 8


def test_points_that_an_edit_of_the_axes_removed_do_not_compete(program: Program, tmp_path: Path) -> None:
    run(program, grid_of(tmp_path))
    run(program, grid_of(tmp_path, "{axes: {n: [0, 1]}, repeats: 1, seed: 1}"))
    told = answer(program, "show", "--study", "own")
    assert settings(told["results"]) == [(1, 1.01), (0, 0.01)], "the second seed of n=1 is not of this grid either"
    assert settings(told["earlier"]) == [(2, 2.015), (1, 1.02)]
    assert answer(program, "audit", "--study", "own")["holds"]


@pytest.mark.parametrize("stopped", [True, False], ids=["not yet planned", "done"])
def test_what_stays_in_a_changed_grid_ranks_before_its_batch_is_planned(
    program: Program, tmp_path: Path, url: str, stopped: bool
) -> None:
    file = grid_of(tmp_path)
    run(program, file)
    more = ["--max-trials", 4] if stopped else []
    program("run", "grid", "--study", "own", "--file", file, "--set", "grid.axes.n=[3, 2]", *more)
    told = answer(program, "show", "--study", "own")
    assert settings(told["results"]) == [*([] if stopped else [(3, 3.015)]), (2, 2.015)]
    assert settings(told["earlier"]) == [(1, 1.015)]


def test_withdrawn_points_are_counted_apart_from_failed_ones(program: Program, tmp_path: Path) -> None:
    file = grid_of(tmp_path)
    run(program, file, "--max-trials", 1)
    run(program, file, "--set", "scale=2", "--max-trials", 5)
    counts = {"waiting": 3, "running": 0, "complete": 2, "pruned": 0, "failed": 0, "withdrawn": 3}
    assert answer(program, "status", "--study", "own")["counts"] == counts
    assert answer(program, "audit", "--study", "own")["points"]["withdrawn"] == 3
    assert "3 withdrawn" in program("status", "--study", "own").stdout
    heads, line = program("status").stdout.splitlines()
    assert re.search(r"^own +grid +.* 2/5 +3 +3 +", line), line
    assert "withdrawn" in heads and "pruned" not in heads, "only what there is has a column"


def test_bytes_are_not_written_to_a_terminal(program: Program, tmp_path: Path, environment: dict[str, str]) -> None:
    pytest.importorskip("pyarrow")
    run(program, grid_of(tmp_path))
    command = [sys.executable, CHECKOUT / "cli.py", "export", "--study", "own", "--as", "parquet"]
    terminal, theirs = pty.openpty()
    told = subprocess.run(command, env=environment, stdout=theirs, stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(theirs)
    with suppress(OSError):  # a terminal whose other end is closed and empty
        assert os.read(terminal, 1) == b""
    os.close(terminal)
    assert told.returncode == 2 and told.stderr.count("\n") == 1 and "--out FILE" in told.stderr
    piped = subprocess.run(command, env=environment, capture_output=True, timeout=60)
    assert piped.returncode == 0 and piped.stdout.startswith(b"PAR1")


def test_settings_that_differ_in_config_alone_name_the_keys(program: Program, tmp_path: Path) -> None:
    groups = "{groups: [{axes: {n: [1, 2]}}, {axes: {n: [1]}, config: {scale: 5}}], seed: 1}"
    shown = run(program, grid_of(tmp_path, groups))
    told = answer(program, "show", "--study", "own")
    assert [(each["setting"], each["differs"]) for each in told["results"]] == [
        ({"n": 1}, {"scale": 5}),
        ({"n": 2}, {}),
        ({"n": 1}, {"scale": 1}),
    ]
    assert shown.split("\n")[0].split()[:2] == ["n", "scale"] and told["earlier"] == []


def test_scores_whose_sum_no_float_holds_have_a_mean(program: Program, session: Session, tmp_path: Path) -> None:
    (tmp_path / "huge.py").write_text(
        "def own(config):\n    return {'score': [1.7e308, -1.7e308, 1.6e308][config['seed'] % 3] * config['n']}\n"
    )
    file = tmp_path / "own.yaml"
    file.write_text(
        "search: grid\nobjective: huge.py:own\nscore: {metric: score, direction: maximize}\n"
        "grid: {axes: {n: [1, -1, 0.5]}, repeats: 6, seed: 0}\nconfig: {n: 0}\n"
    )
    run(program, file)
    told = answer(program, "show", "--study", "own")
    assert all(abs(each["mean"]) < 1e308 for each in told["results"]) and len(told["results"]) == 3
    assert all(each["best_tie"] for each in told["results"])
    best = max(each["mean"] for each in told["results"])
    assert answer(program, "status", "--study", "own")["best"]["mean"] == pytest.approx(best)
    reader = Reader(session)
    leading = reader.leading(reader.study("own").study_id, "score", "maximize", 6).best
    assert mean(leading[0].scores.values()) == pytest.approx(best) and len(leading) == 3
    assert "Traceback" not in program("export", "--study", "own", "--as", "sweep-dir").stderr


def test_scores_next_to_zero_are_ranked_as_any_other(program: Program, session: Session, tmp_path: Path) -> None:
    (tmp_path / "tiny.py").write_text("def own(config):\n    return {'score': config['n'] * 5e-324}\n")
    file = tmp_path / "own.yaml"
    file.write_text(
        "search: grid\nobjective: tiny.py:own\nscore: {metric: score, direction: maximize}\n"
        f"grid: {{axes: {{n: {[1, -1, *range(2, 12)]}}}, repeats: 2, seed: 0}}\nconfig: {{n: 0}}\n"
    )
    run(program, file)
    run(program, file, "--set", "grid.axes.n=[1, 11, 12]")
    told = answer(program, "show", "--study", "own")["results"]
    assert [each["mean"] / 5e-324 for each in told] == [each["setting"]["n"] for each in told] == [12, 11, 1]
    assert answer(program, "status", "--study", "own")["best"]["mean"] == 12 * 5e-324
    assert program("status").returncode == 0
    reader = Reader(session)
    leading = reader.leading(reader.study("own").study_id, "score", "maximize", 2).best
    assert [each.setting["n"] for each in leading[:2]] == [12, 11]


def test_values_that_are_equal_to_python_alone_are_other_values(program: Program, tmp_path: Path) -> None:
    file = grid_of(tmp_path, config="{n: 0, scale: 1}")
    run(program, file)
    for scale in ("2", "1.0", "true"):
        run(program, file, "--set", f"scale={scale}")
        told = answer(program, "show", "--study", "own")
        assert len(told["results"]) == 2, scale
    audit = answer(program, "audit", "--study", "own")
    assert audit["holds"] and audit["points"]["accepted"] == 16


def test_a_retry_that_an_edit_withdraws_leaves_no_hole(program: Program, tmp_path: Path) -> None:
    file = grid_of(tmp_path, grid="{axes: {n: [1, 2, 3]}, repeats: 1, seed: 1}")
    (tmp_path / "own.py").write_text("def own(config):\n    return {'score': 1 / (config['n'] - 2)}\n")
    file.write_text(file.read_text() + "attempts: 1\n")
    run(program, file, code=1)
    for _ in range(2):  # a retry of a retry, too
        assert program("retry", "--study", "own", "--failed").returncode == 0
        if _ == 0:
            run(program, file, code=1)
    run(program, file, "--set", "grid.axes={n: [1, 3]}")
    assert "\naudit passed: 2 of 2 results counted once" in program("audit", "--study", "own").stdout


def test_an_enqueued_point_under_the_config_in_force_ranks(program: Program, tmp_path: Path, url: str) -> None:
    import optuna

    file = grid_of(tmp_path)
    run(program, file)
    run(program, file, "--set", "scale=2")
    optuna.load_study(study_name="own", storage=url).enqueue_trial({"n": 2, "seed": 7})
    run(program, file)
    told = answer(program, "show", "--study", "own")
    assert any("7" in each["scores"] for each in told["results"]), told
