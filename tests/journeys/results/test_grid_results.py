"""Grids run, told and exported as their users do; a dry run of one that ships."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest

from storage.errors import UsageError
from storage.reader import Reader
from storage.session import Session
from studies.export.ablation import ablation_csv
from studies.export.export import export, write_aside
from studies.results.grid import show_json
from tests.support.program import Program, answer


def test_a_finished_study_is_told_and_exported(program: Program, tmp_path: Path, url: str) -> None:
    (tmp_path / "own.py").write_text(
        "def own(config, trial):\n"
        "    print('n is', config['n'])\n"
        "    if config['n'] == 3:\n"
        "        raise ValueError('three')\n"
        "    trial.report(1, val_loss=0.5, train_loss=1.0)\n"
        "    return {'score': config['n'] + trial.seed / 1000, 'params': 7.0}\n"
    )
    file = tmp_path / "own.yaml"
    file.write_text(
        "search: grid\nobjective: own.py:own\nscore: {metric: score, direction: maximize}\nattempts: 1\n"
        "grid: {axes: {n: [1, 2, 3, 4]}, where: n != 4, repeats: 2, seed: 10}\nconfig: {n: 0}\n"
    )
    ended = program("run", "grid", "--study", "own", "--file", file, "--workers", 2)
    assert "3 settings × 2 seeds are done" in ended.stdout + ended.stderr
    session = Session(url)
    study = Reader(session).study("own")
    values = {"study_id": study.study_id}
    rows, decisions = Reader(session).trials(values["study_id"]), Reader(session).decisions(values["study_id"])
    shown = show_json(rows, decisions, "score", "maximize")
    assert [(each["setting"], each["mean"]) for each in shown["results"]] == [({"n": 2}, 2.0105), ({"n": 1}, 1.0105)]
    assert [each["setting"] for each in shown["failed"]] == [{"n": 3}] and shown["filtered"] == {"n != 4": 1}
    told = ablation_csv(rows, lambda trial: Reader(session).reports_of(trial))
    assert [each["run_num"] for each in csv.DictReader(io.StringIO(told))] == ["1", "2", "1", "2"]
    assert next(csv.DictReader(io.StringIO(told)))["val_loss"] == "[0.5]"
    for form in ("csv", "ablation-csv", "parquet", "json", "sweep-dir", "tasks"):
        out = tmp_path / "out" / ("" if form in ("sweep-dir", "tasks") else form)
        (tmp_path / "out").mkdir(exist_ok=True)
        write_aside(out, export(session, study, form))
    names = sorted(file.name for file in (tmp_path / "out").iterdir())
    assert names[:4] == ["ablation-csv", "csv", "json", "parquet"] and names[5:] == ["tasks"]
    assert (tmp_path / "out" / "ablation-csv").read_text() == told
    sweep = tmp_path / "out" / names[4]
    assert {file.name for file in sweep.iterdir()} == {"sweep_summary.txt", "n_1.txt", "n_2.txt", "n_3.txt"}
    assert "Error: 1" in (sweep / "sweep_summary.txt").read_text()
    assert re.search(r"\nTime: \d+\.\d s\n", (sweep / "n_1.txt").read_text())
    told = program("export", "own", "--as", "sweep-dir").stdout
    assert "Output of trial 1, seed 11:\nn is 1\n" in told and "Output of trial 4, seed 10:\nn is 3\nTraceback" in told
    assert str(export(session, study, "tasks")).startswith("==> tasks/1.yaml <==\nn: 1\nseed: 10\n")
    with pytest.raises(UsageError, match="exists; give another folder"):
        write_aside(tmp_path / "out", export(session, study, "tasks"))
    session.close()
    assert answer(program, "show", "--study", "own") == json.loads(json.dumps(shown))


def test_a_dry_run_of_learning_range_names_every_shape_that_cannot_run(program: Program) -> None:
    settings = ["--set", "family=lobo", "--set", "+attention_variant=causal"]
    settings += ["--set", "grid.axes.learning_rate=[1e-3]"]
    told = program("run", "grid", "--study", "learning-range", "--dry-run", *settings)
    assert told.returncode == 0, told.stderr
    assert "filtered by n_embd % n_head == 0: 4 settings" in told.stdout
    assert "filtered by n_embd // n_head % 2 == 0: 12 settings" in told.stdout
    for width, heads in ((36, 4), (36, 8), (36, 12), (72, 8)):
        assert f"n_embd {width}, n_head {heads} (4)" in told.stdout
    assert "48 settings × 1 seed: 48 trials to run" in told.stdout and "total params" in told.stdout
