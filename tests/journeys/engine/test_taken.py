"""What another Optuna program took of a plan, while nothing prevented it, is found, printed and planned again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import optuna
import pytest

from storage.ledger import Ledger
from storage.reader import Reader
from storage.session import Session
from studies.definition.searches import search_in_force
from studies.planning.planner import plan
from tests.support.growth_trace import write_definition
from tests.support.program import Program, administer, answer
from tests.support.stock import stock, write_grid

Take = Callable[[str, str, int], None]


@pytest.fixture
def take() -> Take:
    """End trials of a study as a stock client did, in a storage without the guard."""

    def take(url: str, name: str, count: int) -> None:
        administer(url, "ALTER TABLE trials DISABLE TRIGGER studyhall_guard")
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        stock(url, name).optimize(lambda trial: 1000.0, n_trials=count)
        administer(url, "ALTER TABLE trials ENABLE TRIGGER studyhall_guard")

    return take


def test_taken_points_of_a_grid_run_again(program: Program, url: str, tmp_path: Path, take: Take) -> None:
    file = write_grid(tmp_path, "width: [1, 2, 3], depth: [1, 2]")
    assert program("run", "grid", "--study", "slow", "--file", file, "--max-trials", 2).returncode == 0
    take(url, "slow", 2)
    assert "ended by another Optuna program: trial 2, trial 3; the next worker plans the points again" in (
        program("status", "--study", "slow").stdout.splitlines()
    )
    audited = program("audit", "--study", "slow")
    assert audited.returncode == 1 and "trial 2: COMPLETE without an accepted attempt" in audited.stdout
    ran = program("run", "grid", "--study", "slow", "--file", file, "--max-trials", 20)
    assert ran.returncode == 0
    assert "trial 2: another Optuna program ended it; its point runs again as trial 6" in ran.stderr, ran.stderr
    status = program("status", "--study", "slow").stdout.splitlines()
    assert "ended by another Optuna program, and planned again: trial 2 as trial 6, trial 3 as trial 7" in status
    assert "6 complete  2 withdrawn" in status
    certificate = answer(program, "audit", "--study", "slow")
    assert certificate["holds"] and certificate["taken"] == [2, 3], certificate["violations"]
    assert certificate["points"]["accepted"] == 6 and certificate["seal"].startswith("studyhall-seal:1:slow:6:")
    assert answer(program, "replay", "--study", "slow")["agrees"]
    rows = answer(program, "show", "--study", "slow")["results"]
    assert sorted(next(iter(each["scores"].values())) for each in rows) == [1, 2, 2, 3, 4, 6], rows


def test_a_growth_does_not_choose_from_what_is_left(program: Program, url: str, tmp_path: Path, take: Take) -> None:
    file = write_definition(tmp_path, steps=1)
    assert program("run", "grow", "--study", "whole", "--file", file).returncode == 0
    assert program("run", "grow", "--study", "trace", "--file", file, "--max-trials", 2).returncode == 0
    take(url, "trace", 3)
    assert program("run", "grow", "--study", "trace", "--file", file, "--max-trials", 100).returncode == 0
    whole, mended = (answer(program, "show", "--study", name) for name in ("whole", "trace"))
    chosen = [[each["chosen"]["param"] for each in shown["rounds"]] for shown in (whole, mended)]
    assert chosen[0] == chosen[1] and mended["config"] == whole["config"]
    assert answer(program, "audit", "--study", "trace")["holds"]


def test_a_round_that_was_decided_from_what_was_left_is_said(
    program: Program, url: str, session: Session, tmp_path: Path, take: Take
) -> None:
    file = write_definition(tmp_path, steps=1)
    assert program("run", "grow", "--study", "trace", "--file", file, "--max-trials", 6).returncode == 0
    take(url, "trace", len(stock(url, "trace").trials) - 6)
    study = Reader(session).study("trace")
    plan(Ledger(session, study.study_id), search_in_force(study), lambda configs: [None] * len(configs), "test")
    ran = program("run", "grow", "--study", "trace", "--file", file, "--max-trials", 100)
    assert "its round is decided already and does not change" in ran.stderr, ran.stderr
    certificate = answer(program, "audit", "--study", "trace")
    assert certificate["holds"] and answer(program, "replay", "--study", "trace")["agrees"], certificate["violations"]
