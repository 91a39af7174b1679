"""`best`: the best configuration as flags, within a condition, and how sure it is."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from objectives.command.command import Command
from studies.definition.assignments import parse_assignment
from studies.definition.yaml_text import can_be_kept
from studies.export.best import Best
from tests.support import made_studies
from tests.support.program import Program, answer, refused


def test_the_best_of_a_grid_says_how_many_others_tie_and_chooses_within_a_condition(url: str, program: Program) -> None:
    def objective(config: dict[str, float]) -> dict[str, float]:
        return {"loss": config["n"] // 2 + 0.01 * config["n"] * config["seed"], "params": 10.0 * config["n"]}

    made_studies.grid(url, "cells", [{"n": n} for n in range(4)], objective, seeds=3)
    found = program("best", "cells")
    assert found.stdout.strip() == "n=0"
    assert found.stderr.strip() == "1 other setting may be as good: the seeds do not set them apart"
    assert answer(program, "best", "cells")["ties"] == 1
    within = program("best", "cells", "--where", "params >= 20")
    assert (within.stdout.strip(), within.stderr) == ("n=2", "")
    refused(program("best", "cells", "--where", "params > 99"), "has all its seeds and satisfies 'params > 99'")
    refused(program("best", "cells", "--where", "param > 99"), "--where: the table has no 'param'")


def test_the_best_of_a_growth_has_its_score_and_every_grown_key(url: str, program: Program) -> None:
    block = {"increments": {"n": 1, "m": 1}, "repeats": 1, "steps": 2}
    made_studies.growth(url, "path", block, {"n": 1, "m": 1}, lambda each: {"score": each["n"], "params": 3.0})
    found = answer(program, "best", "path")
    assert found["values"] == {"n": 3, "m": 1} and found["scores"] == {"score": 3.0}


def test_scores_whose_sum_no_float_holds_have_a_mean(url: str, program: Program) -> None:
    block = {"increments": {"n": 1}, "steps": 1, "repeats": 2}
    made_studies.growth(url, "path", block, {"n": 1}, lambda each: {"score": each["n"] * 8e307, "params": each["n"]})
    assert answer(program, "best", "--study", "path")["scores"] == {"score": pytest.approx(1.6e308)}


def test_of_a_command_that_reads_a_file_the_best_is_that_file() -> None:
    document = {"command": "python train.py {config_json}", "metrics": {"json": "stdout"}}
    config = {"lr": 0.1, "model": {"width": 8}}
    found = Best(Command.parse(document, Path("/"), (), "own.yaml").text, {}, config, {})
    assert [json.loads(each) for each in found.document().notes] == [config]


def pasted(value: Any) -> Any:
    """What `run` makes of the word that `best` prints for a value."""
    (line,) = Best("own.py:own", {"ver": value}, {}, {}).document().notes
    (word,) = shlex.split(line)
    return parse_assignment(word)[1]


NASTY = ("1.0", "true", "null", "a b", "[1]", "x: y", "#", "a #b", "", " a", "'", '"', "a\nb", "\x7f", "\u2028", "😀\t")


@pytest.mark.parametrize("value", [*NASTY, [*NASTY], {"a": NASTY[0]}, 1.0, True, None, "relu"])
def test_run_reads_the_value_that_best_prints(value: Any) -> None:
    assert (pasted(value), type(pasted(value))) == (value, type(value))


@given(st.text().filter(can_be_kept))
def test_run_reads_any_text_that_best_prints(text: str) -> None:
    assert pasted(text) == text


def test_a_text_that_needs_no_quotes_has_none() -> None:
    found = Best("own.py:own", {"act": "relu", "ver": "1.0"}, {}, {})
    assert list(found.document().notes) == ["act=relu 'ver=\"1.0\"'"]
