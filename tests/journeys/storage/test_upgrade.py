"""A storage and a home of version 0.3.0, kept as a backup: after the upgrade every command prints what it printed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from storage.home import CHECKOUT
from storage.reader import Reader
from storage.records import EndKind, FailureKind
from storage.session import Session
from tests.support.program import answer

KEPT = CHECKOUT / "tests" / "data" / "v03"
EXPECTED: dict[str, Any] = json.loads((KEPT / "expected.json").read_text())
Program = Callable[..., CompletedProcess[str]]


@pytest.fixture
def storage(environment: dict[str, str], program: Program, empty_url: str, tmp_path: Path) -> str:
    """The storage of version 0.3.0, not yet upgraded, with its home and its definitions."""
    environment["STUDYHALL_STORAGE"] = empty_url
    (tmp_path / "home").mkdir()
    shutil.copy(KEPT / "trusted", tmp_path / "home" / "trusted")
    for file in [*KEPT.glob("*.yaml"), *KEPT.glob("*.py")]:
        shutil.copy(file, tmp_path)
    shutil.copy(CHECKOUT / "tests" / "support" / "growth_trace.py", tmp_path / "landscape.py")
    restored = program("storage", "restore", KEPT / "v03.backup")
    assert restored.returncode == 0, restored.stderr
    return empty_url


def test_an_older_storage_is_refused_with_the_command_that_mends_it(program: Program, storage: str) -> None:
    ended = program("status")
    assert ended.returncode == 2 and "run `python cli.py storage upgrade`" in ended.stderr


def as_said(shown: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    """What an older version said too. It had an interval of two seeds, which these grids have."""
    kept = {key: shown[key] for key in said}
    if kept["search"] == "grid":
        names = said["results"][0].keys() - {"interval"}
        kept["results"] = [{name: row[name] for name in names} for row in shown["results"]]
    return kept


def test_upgraded_studies_say_what_they_said(program: Program, storage: str) -> None:
    upgraded = program("storage", "upgrade")
    assert upgraded.returncode == 0 and "Studyhall's tables from 1 to 3" in upgraded.stdout, upgraded.stderr
    assert "nothing to do" in program("storage", "upgrade").stdout
    session = Session(storage)
    marked = "SELECT count(*) FROM study_user_attributes WHERE key = 'studyhall'"
    assert session.execute(marked)[0].count == len(Reader(session).studies()), "another program's copy is recognised"
    session.close()
    for name, said in EXPECTED.items():
        shown = answer(program, "show", "--study", name)
        assert as_said(shown, said["show"]) == as_said(said["show"], said["show"]), name
        assert answer(program, "replay", "--study", name) == said["replay"]
        certificate = answer(program, "audit", "--study", name)
        assert {key: certificate[key] for key in said["audit"]} == said["audit"], name
        assert certificate["upgraded"] > 0 and certificate["seal"] is not None, name
        status = answer(program, "status", "--study", name)
        assert {key: status[key] for key in ("outcome", "counts", "rounds")} == {
            key: said["status"][key] for key in ("outcome", "counts", "rounds")
        }


def test_kinds_come_from_what_the_texts_said(program: Program, storage: str) -> None:
    assert program("storage", "upgrade").returncode == 0
    session = Session(storage)
    reader = Reader(session)
    kinds = {row.name: row.outcome_kind for row in reader.studies()}
    assert kinds == {
        "lobo3": EndKind.STEPS,
        "raced": EndKind.STEPS,
        "cells": EndKind.ANSWERED,
        "deep": EndKind.ANSWERED,
        "fits": EndKind.ANSWERED,
        "half": None,
    }
    failures = {row.number: row.failure for row in reader.trials(reader.study("fits").study_id) if row.state == "FAIL"}
    refused = [row for row in reader.trials(reader.study("fits").study_id) if row.failure is FailureKind.REFUSED]
    assert set(failures.values()) == {FailureKind.FAILED, FailureKind.REFUSED}
    assert [row.config["batch_size"] for row in refused] == [48]
    session.close()


def test_what_was_half_done_goes_on_to_the_end_of_an_undisturbed_study(
    program: Program, storage: str, tmp_path: Path
) -> None:
    assert program("storage", "upgrade").returncode == 0
    half = program("run", "grow", "--study", "half", "--file", tmp_path / "half.yaml", "--max-trials", 100)
    assert half.returncode == 0, half.stderr
    whole = program("run", "grow", "--study", "whole", "--file", tmp_path / "half.yaml")
    assert whole.returncode == 0, whole.stderr
    went_on, undisturbed = (answer(program, "show", "--study", name) for name in ("half", "whole"))
    assert [each["chosen"]["param"] for each in went_on["rounds"]] == [
        each["chosen"]["param"] for each in undisturbed["rounds"]
    ]
    assert went_on["config"] == undisturbed["config"]
    assert (
        answer(program, "audit", "--study", "half")["holds"] and answer(program, "replay", "--study", "half")["agrees"]
    )


def test_a_raced_growth_goes_on_under_the_rule_that_it_began_with(
    program: Program, storage: str, tmp_path: Path
) -> None:
    assert program("storage", "upgrade").returncode == 0
    raced = program("run", "grow", "--study", "raced", "--file", tmp_path / "raced.yaml", "--steps", 3)
    assert raced.returncode == 0, raced.stderr
    rounds = answer(program, "show", "--study", "raced")["rounds"]
    assert rounds[:2] == EXPECTED["raced"]["show"]["rounds"] and len(rounds) == 3
    assert (
        answer(program, "audit", "--study", "raced")["holds"]
        and answer(program, "replay", "--study", "raced")["agrees"]
    )


def test_digests_are_as_of_the_upgrade_and_show_what_is_changed_after_it(program: Program, storage: str) -> None:
    assert program("storage", "upgrade").returncode == 0
    lines = program("audit", "--study", "lobo3").stdout.splitlines()
    accepted = answer(program, "audit", "--study", "lobo3")["upgraded"]
    assert f"digests of {accepted} results were computed on upgrade" in lines
    seal = lines[-1]
    assert program("audit", "--study", "lobo3", "--seal", seal).returncode == 0
    session = Session(storage)
    study_id = Reader(session).study("lobo3").study_id
    session.execute("UPDATE studyhall_decisions SET code = 'x' WHERE study_id = %s AND number = 1", [study_id])
    session.close()
    ended = program("audit", "--study", "lobo3")
    assert ended.returncode == 1 and "decision 1: it was changed after it was made" in ended.stdout
