"""The protocol searched whole: no order of its steps breaks an invariant, and each safeguard is needed for that."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import pytest

from tests.support.protocol import SAFEGUARDS, Protocol, search

BROKEN = {
    "claim holds its lock": "a living worker's trial was taken from it",
    "recover holds the lock": "a living worker's trial was taken from it",
    "recover looks again": "a trial has ended without a result, or has a result and goes on",
    "finish is fenced": "a living worker's trial was taken from it",
    "finish wants RUNNING": "two results of one trial were accepted",
    "release is fenced": "a living worker's trial was taken from it",
    "somebody recovers": "a run cannot come to its end",
    "plan holds the study": "a planner is refused by the database: A exists",
    "decide from ends": "a decision was made from something else than accepted results",
}
"""What the search finds once a safeguard is left out, with one fault."""


SIZES = [(0, 3_767), (1, 47_026), (2, 290_245)]
"""States of the model, by how many faults may strike. All two-fault runs take a minute or more: with EVERY_CASE=1."""


@pytest.fixture(autouse=True)
def _no_collector() -> Iterator[None]:
    """Hundreds of thousands of tuples without a cycle: looking for cycles takes longer than the search."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize(("faults", "states"), SIZES if os.environ.get("EVERY_CASE") else SIZES[:2])
def test_no_interleaving_of_two_workers_and_a_recoverer_breaks_an_invariant(faults: int, states: int) -> None:
    found = search(Protocol(), faults)
    assert found.problem is None, "\n".join((found.problem, *found.trace))
    assert found.states == states, "the model has changed: write its new size where the old one stands"


@pytest.mark.parametrize("safeguard", BROKEN)
def test_a_run_that_breaks_an_invariant_is_found_once_a_safeguard_is_left_out(safeguard: str) -> None:
    found = search(Protocol(frozenset([safeguard])), faults=1)
    assert found.problem == BROKEN[safeguard]


def test_the_database_keeps_a_point_single_even_if_two_planners_were_at_it() -> None:
    """The second line of defence: alone it is never needed, and without the first one it is what holds."""
    assert search(Protocol(frozenset(["point is unique"])), faults=1).problem is None
    both = frozenset(["plan holds the study", "point is unique"])
    assert search(Protocol(both), faults=1).problem == "a point exists twice"


def test_every_safeguard_of_the_model_is_tried() -> None:
    assert {*BROKEN, "point is unique"} == set(SAFEGUARDS)
