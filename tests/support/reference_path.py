"""The twelve steps of the growth trace: every choice, and every candidate's efficiency."""

from __future__ import annotations

import json

import pytest

from storage.home import CHECKOUT
from tests.support.growth_trace import CHOICES
from tests.support.program import Program, answer

TRACE = json.loads((CHECKOUT / "tests" / "data" / "growth_trace.json").read_text())


def assert_reference_path(program: Program) -> None:
    """The study `trace` has come to its end, with nothing but the known answers."""
    shown = answer(program, "show", "--study", "trace")
    assert shown["search"] == "grow" and shown["config"]["n_embd"] == 160
    assert [step["chosen"]["param"] for step in shown["rounds"]] == CHOICES
    for round_, step in zip(shown["rounds"], TRACE, strict=True):
        told_by = {row["param"]: row["efficiency"] for row in round_["candidates"]}
        assert told_by == {param: pytest.approx(value, rel=1e-9) for param, _, value in step["candidates"]}
    certificate = answer(program, "audit", "--study", "trace")
    assert certificate["holds"] and certificate["points"]["accepted"] == 85 and certificate["duplicates"] == 0
    assert certificate["decisions"] == {"made": 12, "rederived": 12}
    assert answer(program, "replay", "--study", "trace")["agrees"]
