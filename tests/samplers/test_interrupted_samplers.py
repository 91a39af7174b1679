"""What `status --watch` remembers of a study: the same as reading it whole, at the cost of what has changed."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from typing import Any

import pytest

from storage.errors import UsageError
from storage.ledger import Claim, End, Ledger
from storage.reader import Reader
from storage.session import Session
from storage.studies import delete_study
from studies.history.state import StudyState
from studies.status.memory import History
from studies.status.status import read_status
from tests.support.planned import begin, new_points

METRICS = {"score": 1.0, "params": 2.0}


class Counting(Session):
    """A session that counts the rows it is given, by query."""

    rows: dict[str, int]

    def run(self, name: str, values: Mapping[str, Any] | None = None) -> list[Any]:
        found = super().run(name, values)
        self.rows[name] = self.rows.get(name, 0) + len(found)
        return found


def whole(session: Session) -> tuple[dict[str, int], dict[str, int], float | None, str]:
    """What `status` says, which reads everything."""
    status = read_status(session, "study")
    return status.counts, status.failures, status.mean_seconds, status.standing


def one_thing(ledger: Ledger, worker: int, claims: list[Claim], planned: int, dice: random.Random) -> int:
    """Something that happens to a study; how many points were planned in all."""
    match dice.choice(["plan", "claim", "claim", "finish", "finish", "fail", "release", "retry", "withdraw", "decide"]):
        case "plan":
            with ledger.planning():
                ledger.plan_points(new_points(3, first=planned + 1), 0)
            return planned + 3
        case "claim":
            claims += filter(None, [ledger.claim_trial(worker, "cpu0")])
        case "finish" if claims:
            ledger.finish_trial(claims.pop(), "COMPLETE", End("completed"), [1.0], METRICS, None)
        case "fail" if claims:
            ledger.finish_trial(claims.pop(), "FAIL", End("error", "bad"), (), {}, "error: bad")
        case "release" if claims:
            ledger.release_trial(claims.pop(), End("given_back", "asked to"))
        case "retry":
            with ledger.planning():
                ledger.retry_points(None)
        case "withdraw":
            with ledger.planning():
                ledger.withdraw_points(ledger.waiting_points()[:1], "withdrawn: not wanted")
        case "decide":
            with ledger.planning():
                last = ledger.last_decision()
                ledger.record_decision(0 if last is None else last[0] + 1, "chosen", {}, {}, [], "code")
    return planned


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_a_memory_says_what_reading_everything_says(url: str, session: Session, seed: int) -> None:
    ledger, worker = begin(url)
    dice, claims, planned = random.Random(seed), [], 0  # type: ignore[var-annotated]
    history = History("study")
    for turn in range(120):
        planned = one_thing(ledger, worker, claims, planned, dice)
        if dice.random() < 0.5 and turn < 119:
            continue  # several things between two looks
        seen = history.look(session)
        status = seen.status
        counts, failures, seconds, state = whole(session)
        assert (status.counts, status.failures, status.standing) == (counts, failures, state), turn
        assert status.mean_seconds == (None if seconds is None else pytest.approx(seconds))
        rows = Reader(session).trials(ledger.study_id)
        assert {row.number: (row.state, row.retired, row.metrics) for row in rows} == {
            number: (row.state, row.retired, row.metrics) for number, row in seen.points.items()
        }
        assert len(seen.decisions) == len(Reader(session).decisions(ledger.study_id))
    ledger.session.close()


def test_trials_of_a_worker_that_is_gone_are_orphans(url: str, session: Session) -> None:
    ledger, worker = begin(url)
    with ledger.planning():
        ledger.plan_points(new_points(2), 0)
    ledger.claim_trial(worker, "cpu0")
    history = History("study")
    assert history.look(session).status.orphans == set()
    ledger.session.close()
    end = time.monotonic() + 20
    while not history.look(session).status.orphans:  # the server frees the locks in its own time
        assert time.monotonic() < end
    version = history.look(session).version
    seen = history.look(session)
    assert seen.status.orphans == {0} and seen.version == version and seen.status.standing.state is StudyState.IDLE


def test_a_look_reads_what_has_changed_and_not_the_study(url: str) -> None:
    ledger, worker = begin(url)
    with ledger.planning():
        ledger.plan_points(new_points(300), 0)
    for _ in range(295):
        claim = ledger.claim_trial(worker, "cpu0")
        assert claim is not None
        ledger.finish_trial(claim, "COMPLETE", End("completed"), [1.0], METRICS, None)
    session, history = Counting(url), History("study")
    session.rows = {}
    history.look(session)
    assert session.rows["read_some_points"] == 300
    session.rows = {}
    history.look(session)
    assert "read_some_points" not in session.rows and sum(session.rows.values()) < 10
    claim = ledger.claim_trial(worker, "cpu0")
    assert claim is not None
    ledger.finish_trial(claim, "COMPLETE", End("completed"), [1.0], METRICS, None)
    session.rows = {}
    assert history.look(session).status.counts.complete == 296
    assert session.rows["read_some_points"] == 1
    session.close()
    ledger.session.close()


def test_a_study_that_is_deleted_and_made_anew_is_another_one(url: str, session: Session) -> None:
    ledger, _ = begin(url)
    with ledger.planning():
        ledger.plan_points(new_points(5), 0)
    history = History("study")
    assert history.look(session).status.counts.waiting == 5
    delete_study(session, ledger.study_id)
    with pytest.raises(UsageError, match="no study 'study'"):
        history.look(session)
    ledger.session.close()
    again, _ = begin(url)
    assert history.look(session).status.counts.waiting == 0
    again.session.close()
