"""Another Optuna study's trials become results of a grid's matching points."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from tests.support.program import Program, answer, refused, states

GRID = """
search: grid
objective: own.py:own
score: {metric: loss, direction: minimize}
grid: {axes: {lr: [0.1, 0.2], act: [relu, gelu]}, repeats: 2}
config: {lr: 0.1, act: relu}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "own.py").write_text("def own(config):\n    return {'loss': config['lr'], 'params': 1.0}\n")
    file = tmp_path / "cells.yaml"
    file.write_text(GRID)
    return file


def test_trials_that_fit_become_results(program: Program, file: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/old.db"

    def objective(trial: optuna.Trial) -> float:
        rate = trial.suggest_categorical("rate", [0.1, 0.2, 0.3])
        act = trial.suggest_categorical("act", ["relu", "gelu"])
        trial.set_user_attr("accuracy", 0.5)
        trial.set_user_attr("note", "a text")
        if rate == 0.2 and act == "gelu":
            raise optuna.TrialPruned
        return float(rate) / 3

    old = optuna.create_study(storage=url, study_name="old")
    for rate, act in ((0.1, "relu"), (0.2, "gelu"), (0.3, "relu"), (0.2, "relu")):
        old.enqueue_trial({"rate": rate, "act": act})
    old.optimize(objective, n_trials=4)
    before = (tmp_path / "old.db").read_bytes()
    done = program("import", url, "--from", "old", "--study", "cells", "--file", file, "--map", "rate=lr")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "Optuna study old, trial 1: its state is pruned",
        "Optuna study old, trial 2: lr is 0.3, none of 0.1, 0.2",
        "runs without a seed take the seeds of their setting in the order of the file",
        "cells: 2 results imported from Optuna study old; 2 do not fit",
    ]
    assert (tmp_path / "old.db").read_bytes() == before
    assert states(program, "cells")["waiting"] == 6
    trial = answer(program, "show", "--study", "cells", "--trial", 0)
    assert trial["metrics"] == {"loss": 0.1 / 3, "accuracy": 0.5} and "trial 0" in trial["attempts"][0]["message"]
    again = program("import", url, "--from", "old", "--study", "cells", "--file", file, "--map", "lr=rate")
    assert again.returncode == 0 and "2 had been before" in again.stdout, again.stdout
    assert answer(program, "audit", "--study", "cells")["imported"] == [0, 4]


def test_a_study_of_the_same_postgresql_is_read_too(program: Program, file: Path, url: str) -> None:
    old = optuna.create_study(storage=url, study_name="old")
    old.add_trial(
        optuna.trial.create_trial(
            params={"lr": 0.2, "act": "gelu"},
            distributions={
                "lr": optuna.distributions.FloatDistribution(0.0, 1.0),
                "act": optuna.distributions.CategoricalDistribution(["relu", "gelu"]),
            },
            value=0.125,
        )
    )
    done = program("import", url, "--from", "old", "--study", "cells", "--file", file)
    assert done.returncode == 0 and "1 result imported from Optuna study old" in done.stdout, done.stderr


def test_what_is_no_such_study_is_one_line(program: Program, file: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/old.db"
    arguments = ("--study", "cells", "--file", file)
    refused(program("import", url, *arguments), "there is no such file")
    assert not (tmp_path / "old.db").exists()
    optuna.create_study(storage=url, study_name="up", direction="maximize")
    optuna.create_study(storage=url, study_name="two", directions=["minimize", "minimize"])
    refused(program("import", url, *arguments, "--from", "upp"), "has no study 'upp'", "'up'")
    refused(program("import", url, *arguments, "--from", "up"), "is to maximize, and this one to minimize loss")
    refused(program("import", url, *arguments, "--from", "two"), "is to minimize and minimize")
    refused(program("import", file, *arguments, "--from", "up"), "--from: names a study of a database")
    told = program("import", "postgresql://me:geheim@127.0.0.1:1/none", *arguments)
    assert told.returncode == 3 and told.stderr.count("\n") == 1, told.stderr
    assert "me:***@127.0.0.1:1/none" in told.stderr and told.stderr.endswith("Connection refused\n"), told.stderr
    (tmp_path / "no.db").write_text("no database")
    refused(program("import", f"sqlite:///{tmp_path}/no.db", *arguments), "cannot be read")
    assert program("status").stdout.startswith("no study in this storage yet")
