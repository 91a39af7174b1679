"""The engine's statements: which worker may do what to a trial, and what a vanished worker leaves."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import psycopg2.errors
import pytest

from storage.errors import SessionLostError, StorageError
from storage.ledger import End, Ledger, Verdict
from storage.locks import TRIAL_LOCKS
from storage.reader import Reader
from storage.session import Session
from tests.support.planned import begin, new_points

DONE = End("completed")


def plan(ledger: Ledger, count: int) -> None:
    with ledger.planning():
        ledger.plan_points(new_points(count), 0)


def eventually(look: Callable[[], list[int]]) -> list[int]:
    """The server frees a lock a moment after its session has ended."""
    deadline = time.monotonic() + 30
    while not (found := look()):
        assert time.monotonic() < deadline
    return found


def states(ledger: Ledger) -> list[str]:
    rows = Reader(ledger.session).trials(ledger.study_id)
    return [row.state for row in rows]


def attempts(ledger: Ledger) -> list[tuple[int, int, str | None, bool, bool]]:
    rows = ledger.session.run("read_attempts", {"study_id": ledger.study_id, "numbers": None})
    return [(row.number, row.attempt, row.outcome, row.accepted, row.refused) for row in rows]


def finish(ledger: Ledger, claim) -> Verdict:  # type: ignore[no-untyped-def]
    return ledger.finish_trial(claim, "COMPLETE", DONE, [0.5], {"params": 1.0}, None)


def test_a_point_planned_twice_exists_once(url: str) -> None:
    ledger, _ = begin(url)
    plan(ledger, 3)
    plan(ledger, 4)
    assert states(ledger) == ["WAITING"] * 4


def test_the_database_itself_refuses_a_second_row_of_a_point(url: str) -> None:
    ledger, _ = begin(url)
    plan(ledger, 2)
    with pytest.raises(StorageError) as caught:
        ledger.session.execute("UPDATE studyhall_points SET hash = 'point-1'")
    assert isinstance(caught.value.__cause__, psycopg2.errors.UniqueViolation)


def test_points_are_claimed_in_the_order_of_the_plan_and_each_once(url: str) -> None:
    (first, me), (second, you) = begin(url), begin(url)
    plan(first, 3)
    claims = [first.claim_trial(me, "cpu0"), second.claim_trial(you, "cpu0"), first.claim_trial(me, "cpu1")]
    assert [claim.number for claim in claims if claim] == [0, 1, 2]
    assert second.claim_trial(you, "cpu1") is None


def test_many_workers_at_once_never_claim_the_same_trial(url: str) -> None:
    ledger, _ = begin(url)
    plan(ledger, 120)
    taken: list[int] = []

    def work() -> None:
        mine, worker = begin(url)
        while (claim := mine.claim_trial(worker, "cpu0")) is not None:
            taken.append(claim.number)
            assert finish(mine, claim) is Verdict.ACCEPTED
        mine.session.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(taken) == list(range(120))
    assert states(ledger) == ["COMPLETE"] * 120


def test_a_trial_whose_worker_lives_is_no_orphan_however_long_it_runs(url: str) -> None:
    (alive, me), (other, _) = begin(url), begin(url)
    plan(alive, 1)
    assert alive.claim_trial(me, "cpu0") is not None
    assert other.recover_orphans() == [] and alive.recover_orphans() == []


def test_a_trial_whose_session_ended_waits_again_and_keeps_its_row(url: str) -> None:
    (gone, me), (other, you) = begin(url), begin(url)
    plan(gone, 1)
    claim = gone.claim_trial(me, "cpu0")
    gone.session.close()
    assert claim is not None
    assert eventually(other.recover_orphans) == [0] and other.recover_orphans() == []
    again = other.claim_trial(you, "cpu0")
    assert again is not None and (again.number, again.attempt, again.outcomes) == (0, 2, ["lost"])


def test_an_orphan_that_somebody_is_recovering_is_left_to_him(url: str) -> None:
    """Or it could be recovered and claimed by others before he gives it back: from a living worker, then."""
    (gone, me), (one, _), (two, _) = begin(url), begin(url), begin(url)
    plan(gone, 1)
    assert gone.claim_trial(me, "cpu0") is not None
    gone.session.execute("SELECT pg_advisory_unlock_all()")
    with one.session.transaction():
        locked = one.session.run("lock_orphans", {"study_id": one.study_id, "space": TRIAL_LOCKS})
        assert len(locked) == 1 and two.recover_orphans() == []
    assert two.recover_orphans() == [0]


def test_a_trial_that_ends_while_it_is_recovered_has_ended(url: str) -> None:
    """Its lock is free a moment before its end can be seen: what looks like an orphan then is looked at again."""
    (worker, me), (other, _) = begin(url), begin(url)
    plan(worker, 1)
    claim = worker.claim_trial(me, "cpu0")
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.extend(other.recover_orphans()))
    with worker.session.transaction():
        assert claim is not None and finish(worker, claim) is Verdict.ACCEPTED
        thread.start()
        waits = "SELECT count(*) AS n FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'"
        watch, deadline = Session(url), time.monotonic() + 30
        while not watch.execute(waits, [other.session.backend])[0].n:
            assert time.monotonic() < deadline, "it does not wait for the row"
        watch.close()
    thread.join(timeout=30)
    assert found == [] and states(worker) == ["COMPLETE"]


def test_a_result_is_refused_once_the_trial_was_given_to_somebody_else(url: str) -> None:
    (slow, me), (other, you) = begin(url), begin(url)
    plan(slow, 1)
    claim = slow.claim_trial(me, "cpu0")
    assert claim is not None
    slow.session.execute("SELECT pg_advisory_unlock_all()")  # what the server does when a session ends
    assert other.recover_orphans() == [0]
    again = other.claim_trial(you, "cpu0")
    assert again is not None
    assert finish(slow, claim) is Verdict.REFUSED
    assert not slow.report_steps(claim, [(1, {"loss": 1.0}, None)])
    assert not slow.release_trial(claim, End("given_back"))
    assert finish(other, again) is Verdict.ACCEPTED
    assert finish(slow, claim) is Verdict.REFUSED
    assert attempts(other) == [(0, 1, "lost", False, True), (0, 2, "completed", True, False)]


def test_an_end_that_is_told_twice_is_accepted_once(url: str) -> None:
    ledger, worker = begin(url)
    plan(ledger, 1)
    claim = ledger.claim_trial(worker, "cpu0")
    assert claim is not None
    assert finish(ledger, claim) is Verdict.ACCEPTED and finish(ledger, claim) is Verdict.ACCEPTED
    assert attempts(ledger) == [(0, 1, "completed", True, False)]


def test_a_finished_trial_is_never_changed(url: str) -> None:
    ledger, worker = begin(url)
    plan(ledger, 1)
    claim = ledger.claim_trial(worker, "cpu0")
    assert claim is not None
    finish(ledger, claim)
    assert not ledger.release_trial(claim, End("given_back"))
    assert ledger.finish_trial(claim, "FAIL", End("error"), (), {}, "late") is Verdict.ACCEPTED
    assert ledger.recover_orphans() == [] and states(ledger) == ["COMPLETE"]


def test_a_lock_is_free_again_after_a_trial_ended_or_was_given_back(url: str) -> None:
    (one, me), (two, you) = begin(url), begin(url)
    plan(one, 1)
    claim = one.claim_trial(me, "cpu0")
    assert claim is not None and one.release_trial(claim, End("given_back"))
    again = two.claim_trial(you, "cpu0")
    assert again is not None and again.attempt == 2 and finish(two, again) is Verdict.ACCEPTED
    held = one.session.execute(
        "SELECT count(*) AS held FROM pg_locks WHERE locktype = 'advisory' AND classid = 1397227521"
    )
    assert held[0].held == 0


def test_a_plan_that_is_interrupted_leaves_nothing(url: str) -> None:
    ledger, _ = begin(url)
    with pytest.raises(KeyboardInterrupt), ledger.planning():
        ledger.plan_points(new_points(3), 0)
        raise KeyboardInterrupt
    assert states(ledger) == []


def test_two_planners_take_turns(url: str) -> None:
    (one, _), (two, _) = begin(url), begin(url)
    order: list[str] = []
    inside = threading.Event()

    def later() -> None:
        inside.wait(10)
        with two.planning():
            order.append("two")

    thread = threading.Thread(target=later)
    thread.start()
    with one.planning():
        inside.set()
        one.session.execute("SELECT pg_sleep(0.2)")
        order.append("one")
    thread.join(timeout=30)
    assert order == ["one", "two"]


def test_a_session_that_the_server_ended_is_lost_not_retried(url: str) -> None:
    (gone, me), (other, _) = begin(url), begin(url)
    plan(gone, 1)
    other.session.execute("SELECT pg_terminate_backend(%s)", [gone.session.backend])
    with pytest.raises(SessionLostError):
        while True:
            gone.claim_trial(me, "cpu0")


def test_withdrawn_points_fail_with_the_reason_and_can_be_planned_anew(url: str) -> None:
    ledger, worker = begin(url)
    plan(ledger, 3)
    running = ledger.claim_trial(worker, "cpu0")
    with ledger.planning():
        assert ledger.withdraw_points(ledger.waiting_points(), "withdrawn: max_iters=200") == 2
    plan(ledger, 3)
    assert running is not None and states(ledger) == ["RUNNING", "FAIL", "FAIL", "WAITING", "WAITING"]


def test_a_retry_is_a_new_trial_linked_to_the_failed_one(url: str) -> None:
    ledger, worker = begin(url)
    plan(ledger, 2)
    claim = ledger.claim_trial(worker, "cpu0")
    assert claim is not None
    ledger.finish_trial(claim, "FAIL", End("error", "no luck", "tail"), (), {}, "error: no luck")
    with ledger.planning():
        assert [(each.old, each.new) for each in ledger.retry_points(None)] == [(0, 2)]
        assert ledger.retry_points(None) == []
    rows = Reader(ledger.session).trials(ledger.study_id)
    assert [(row.state, row.retired, row.retry_of) for row in rows] == [
        ("FAIL", True, None),
        ("WAITING", False, None),
        ("WAITING", False, claim.trial_id),
    ]
    assert rows[2].config == rows[0].config and rows[2].hash == rows[0].hash


def test_a_trial_takes_two_statements_after_those_that_a_session_prepares_once(url: str) -> None:
    ledger, worker = begin(url)
    plan(ledger, 3)
    counted: list[str] = []
    original = Session.execute

    def count(self: Session, statement: str, values: object = None) -> list[object]:
        counted.append(statement.split(maxsplit=1)[0])
        return original(self, statement, values)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Session, "execute", count)
        for _ in range(3):
            claim = ledger.claim_trial(worker, "cpu0")
            assert claim is not None
            finish(ledger, claim)
    assert counted == ["PREPARE", "EXECUTE"] * 2 + ["EXECUTE"] * 4
