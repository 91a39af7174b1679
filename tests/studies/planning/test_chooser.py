"""One worker of a study chooses at a time, outside any transaction, and a choice is recorded once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from samplers.searches.plan import Decision, Done, Need
from storage.ledger import Ledger
from storage.reader import Reader
from studies.planning.chooser import Chooser
from tests.support.planned import begin
from tests.support.program import until


@dataclass(frozen=True)
class Slow:
    """A search that takes three decisions, each once it is let."""

    let: threading.Event = field(default_factory=threading.Event, compare=False)

    def start(self) -> dict[str, Any]:
        return {"next": 0}

    def advance(self, state: Any, results: Any) -> Need | Decision | Done:
        assert self.let.wait(60)
        if state["next"] == 3:
            return Done("three are enough")
        return Decision("chosen", {"setting": state["next"]}, {"next": state["next"] + 1})


def turn(chooser: Chooser, search: Any) -> Any:
    return chooser.turn(search, lambda configs: [None for _ in configs], "test")


def decided(ledger: Ledger) -> list[int]:
    return [row.record["setting"] for row in Reader(ledger.session).decisions(ledger.study_id)]


@contextmanager
def choosers(url: str, count: int) -> Iterator[tuple[list[Ledger], list[Chooser]]]:
    ledgers = [begin(url)[0] for _ in range(count)]
    made = [Chooser(ledger) for ledger in ledgers]
    yield ledgers, made
    for ledger, chooser in zip(ledgers, made, strict=True):
        chooser.close()
        ledger.session.close()


def test_a_choice_does_not_hold_the_worker_and_no_other_makes_it_too(url: str) -> None:
    search = Slow()
    with choosers(url, 2) as ((ledger, _), (first, second)):
        assert turn(first, search) is None and first.due, "it is being made"
        assert turn(second, search) is None and not second.due, "the first one makes it"
        with ledger.planning():
            pass  # the study is not held meanwhile
        search.let.set()
        assert until(lambda: turn(first, search)) == Done("three are enough")
        assert decided(ledger) == [0, 1, 2] and not first.due
        assert until(lambda: turn(second, search)) == Done("three are enough"), "the first one holds no lock any more"
        assert decided(ledger) == [0, 1, 2]


def test_a_choice_is_dropped_where_another_decision_came_first(url: str) -> None:
    search = Slow()
    with choosers(url, 2) as ((_, other), (chooser, _)):
        assert turn(chooser, search) is None
        with other.planning():
            other.record_decision(0, "override", {"setting": 7}, {"next": 2}, [], "test")
        search.let.set()
        until(lambda: turn(chooser, search))
        assert decided(other) == [7, 2], "it chose again from where the study stands now"


def test_the_lock_of_a_chooser_that_is_killed_goes_with_its_session(url: str) -> None:
    search = Slow()
    with choosers(url, 2) as ((dead, ledger), (first, second)):
        assert turn(first, search) is None and turn(second, search) is None
        dead.session.close()
        search.let.set()
        assert until(lambda: turn(second, search)) == Done("three are enough")
        assert decided(ledger) == [0, 1, 2]


def test_a_worker_that_starts_nothing_more_lets_another_choose(url: str) -> None:
    search = Slow()
    with choosers(url, 2) as (_, (first, second)):
        assert turn(first, search) is None
        first.stand_down()
        search.let.set()
        assert until(lambda: turn(second, search)) == Done("three are enough")


def test_a_sampler_that_fails_stops_the_worker_with_one_line(url: str) -> None:
    class Broken(Slow):
        def advance(self, state: Any, results: Any) -> Need | Decision | Done:
            raise ZeroDivisionError("no\ngood")

    with choosers(url, 1) as ((ledger,), (chooser,)):
        until(lambda: turn(chooser, Broken()) or chooser.refusal)
        assert chooser.refusal is not None and "ZeroDivisionError" in chooser.refusal and "\n" not in chooser.refusal
        assert decided(ledger) == []
