"""Where a study stands is worded the same by every surface that says it, with the same exit code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from storage.ledger import End, Ledger
from storage.reader import Reader
from storage.records import Budget, EndKind
from storage.session import Session
from storage.store import Store
from storage.studies import drain_study, set_budget, set_outcome
from studies.dashboard.renewal import renew
from studies.engine.membership import Membership
from studies.engine.worker import Worker
from studies.history.state import Ending, StudyState
from studies.launch.launcher import Launch
from studies.lifecycle.launching import follow
from studies.report.chapters import make_report
from studies.slots.options import cpu_slots
from studies.status.memory import History
from studies.status.status import read_status
from studies.status.view import settled_of, view_of
from studies.tables.terminal import lines
from tests.support.planned import begin, new_points

SAID = {
    StudyState.WAITING: "waiting",
    StudyState.RUNNING: "running",
    StudyState.DRAINING: "draining: it was told to stop; the trials that run finish first",
    StudyState.STOPPED: "stopped: it was told to stop",
    StudyState.LATE: "late: its time is up",
    StudyState.BUDGET_USED_UP: "budget used up: its 1 trial was started",
    StudyState.DONE: "done: 3 steps are done",
    StudyState.FAILED: "failed: the baseline cannot be measured",
    StudyState.IDLE: "nobody works on it",
}
SETTLED = (StudyState.STOPPED, StudyState.LATE, StudyState.BUDGET_USED_UP, StudyState.DONE, StudyState.FAILED)


@pytest.fixture
def made(url: str, state: StudyState) -> Iterator[Ledger]:
    """A growth of two planned points in that state; its worker lives where the state says so."""
    ledger, worker = begin(url, "own")
    ledger.plan_points(new_points(2), 0)
    session, study_id = ledger.session, ledger.study_id
    match state:
        case StudyState.RUNNING | StudyState.DRAINING:
            assert ledger.claim_trial(worker, "cpu0") is not None
        case StudyState.LATE:
            set_budget(session, study_id, Budget(seconds=-1.0))
        case StudyState.BUDGET_USED_UP:
            claim = ledger.claim_trial(worker, "cpu0")
            assert claim is not None
            ledger.finish_trial(claim, "COMPLETE", End("completed"), [1.0], {"score": 1.0}, None)
            set_budget(session, study_id, Budget(max_trials=1))
        case StudyState.DONE:
            set_outcome(session, study_id, "3 steps are done", EndKind.STEPS)
        case StudyState.FAILED:
            set_outcome(session, study_id, "the baseline cannot be measured", EndKind.FAILED)
    if state in (StudyState.DRAINING, StudyState.STOPPED):
        drain_study(session, study_id)
    if state is StudyState.IDLE:
        session.close()
    yield ledger
    session.close()


def ending_of_a_worker(url: str, home: Path) -> Ending | None:
    """What a worker that has nothing to do says when it leaves; None: it stays."""
    slots = cpu_slots(1, 1)
    worker = Worker(Membership(Store(url, home), "own", slots), SimpleNamespace(), print)  # type: ignore[arg-type]
    worker._sign_in()
    try:
        return worker._ending()
    finally:
        worker.ledger.session.close()


@pytest.mark.parametrize("state", list(StudyState))
def test_every_surface_words_a_state_the_same(made: Ledger, url: str, tmp_path: Path, state: StudyState) -> None:
    with closing(Session(url)) as session:
        said = SAID[state]
        status = read_status(session, "own")
        assert status.standing.state is state and status.standing.text == said
        assert status.to_json()["state"] == state.value
        assert lines(status.document(), None)[0] == f"own (grow): {said}"
        seen = History("own").look(session)
        assert view_of(seen, settled_of(seen)).lines(None)[0] == f"own (grow): {said}"
        report = make_report(session, ["own"]).page()
        assert f"{said[:1].upper()}{said[1:]}. Trials: " in report, "there it begins a sentence"
        assert renew(session, "own", None)
        (note,) = _notes(session, Reader(session).study("own").study_id)
        assert f"**State:** {said}. Trials: " in note


@pytest.mark.parametrize("state", SETTLED)
def test_a_worker_leaves_and_a_launch_ends_with_the_same_words_and_code(
    made: Ledger, url: str, tmp_path: Path, state: StudyState
) -> None:
    expected = Ending(SAID[state], failed=state is StudyState.FAILED)
    assert ending_of_a_worker(url, tmp_path) == expected
    launch = Launch("slurm", "1", "own", 1, "nowhere", "here")
    assert follow(Store(url, tmp_path), "own", launch, lambda line: None) == expected


@pytest.mark.parametrize("state", [StudyState.WAITING, StudyState.RUNNING])
def test_a_worker_stays_while_there_is_something_to_wait_for(
    made: Ledger, url: str, tmp_path: Path, state: StudyState
) -> None:
    assert ending_of_a_worker(url, tmp_path) is None


def _notes(session: Session, study_id: int) -> list[Any]:
    rows = session.run("read_dashboard", {"study_id": study_id})
    import json

    return [json.loads(row.value) for row in rows if row.key == "dashboard:note_str:0"]
