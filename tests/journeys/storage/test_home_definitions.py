"""Definitions are found where people work, and studies are named by a word."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli import cli
from storage.home import DEFINITIONS, definition_file, definition_files
from studies.lifecycle.order import Order
from tests.support.growth_trace import write_definition
from tests.support.program import Program, answer


def test_the_current_folder_comes_before_its_studies_and_both_before_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert definition_file("lobo") == DEFINITIONS / "lobo.yaml" and definition_file("own") is None
    (tmp_path / "studies").mkdir()
    for folder in (tmp_path / "studies", tmp_path):
        (folder / "lobo.yaml").touch()
        assert definition_file("lobo") == folder / "lobo.yaml" == definition_files()["lobo"]
    assert definition_files()["sweep"] == DEFINITIONS / "sweep.yaml"


def test_a_study_is_named_by_a_word_and_changed_by_bare_assignments(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_definition(tmp_path, steps=2)
    monkeypatch.chdir(tmp_path)
    file.rename(tmp_path / "own.yaml")
    ran = program("run", "own", "steps=1")
    assert ran.returncode == 0 and f"definition: {tmp_path / 'own.yaml'}" in ran.stderr, ran.stderr
    assert len(answer(program, "show", "own")["rounds"]) == 1
    assert program("run", "grow", "own", "--set", "steps=1").returncode == 0
    for verb in ("status", "show", "audit", "replay", "stop"):
        assert program(verb, "own").stdout == program(verb, "--study", "own").stdout != ""


def test_a_file_in_place_of_a_name_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_definition(tmp_path).rename(tmp_path / "own.yaml")
    monkeypatch.chdir(tmp_path)
    given = cli.commands["run"].make_context("run", ["own.yaml"]).params
    order = Order.of(
        **{name: given[name] for name in ("words", "name", "file", "settings", "steps", "laptop", "same_code")},
        **dict.fromkeys(("gpus", "per_gpu", "gpu_memory", "threads", "timeout", "max_trials", "gpus_elsewhere")),
        **dict.fromkeys(("trust_study", "join", "keep_going"), False),
        workers=1,
    )
    assert order.name == "own" and order.source == "own.yaml" and order.definition is not None


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["run"], "run: which study? `run grow lobo`, or `run grow --study lobo`"),
        (["run", "grow", "x=1"], "run: which study?"),
        (["run", "grow", "a", "b"], "run: 'b' is one study too many"),
        (["run", "grwo", "--study", "lobo"], "run: no search 'grwo'; did you mean 'grow'?"),
        (["run", "nothing-like-it"], "there is no study 'nothing-like-it' and no definition"),
        (["run", "nothing-like-it"], "; `python cli.py studies` lists the definitions"),
        (["run", "lobo.yaml"], "; did you mean `run lobo`?"),
        (["run", "grid", "lobo"], "is a grow search: `run grow …`"),
        (["show", "a", "--study", "b"], "--study: 'b', but 'a' is named too"),
        (["show"], "Missing option '--study'"),
    ],
)
def test_a_wrong_word_is_one_line(program: Program, words: list[str], line: str) -> None:
    ran = program(*words)
    assert ran.returncode == 2 and line in ran.stderr and ran.stderr.count("\n") == 1, ran.stderr
