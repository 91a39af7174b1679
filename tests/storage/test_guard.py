"""Only Studyhall's workers change the state of a planned trial; other programs are refused, with what to do instead."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import optuna
import psycopg2.errors
import pytest
from optuna.storages import RDBStorage
from optuna.trial import TrialState

from storage.backup import backup, restore
from storage.errors import UsageError
from storage.ledger import End, Ledger, Verdict
from storage.optuna_storage import StudyStorage
from tests.support.planned import begin, new_points
from tests.support.program import administer

WORDS = "trial 0 was planned by Studyhall: only its workers run it; add your own with study.enqueue_trial({...})"


@pytest.fixture
def planned(url: str) -> tuple[Ledger, int]:
    """A study with two points that wait, and a worker."""
    ledger, worker = begin(url)
    with ledger.planning():
        ledger.plan_points(new_points(2), 0)
    return ledger, worker


@pytest.fixture
def stock(url: str) -> Iterator[optuna.Study]:
    storage = RDBStorage(url)
    yield optuna.load_study(study_name="study", storage=storage)
    storage.remove_session()
    storage.engine.dispose()


def test_a_stock_client_takes_no_planned_point(planned: tuple[Ledger, int], stock: optuna.Study) -> None:
    ledger, worker = planned
    with pytest.raises(optuna.exceptions.StorageInternalError) as refused:
        stock.optimize(lambda trial: 1.0, n_trials=1)
    assert WORDS in str(refused.value.__cause__)
    assert [trial.state for trial in stock.trials] == [TrialState.WAITING] * 2
    claim = ledger.claim_trial(worker, "cpu0")
    assert claim is not None and claim.number == 0
    with pytest.raises(optuna.exceptions.StorageInternalError):
        stock.tell(0, 3.0)
    assert stock.trials[0].state is TrialState.RUNNING and stock.trials[0].value is None
    assert ledger.finish_trial(claim, "COMPLETE", End("completed"), [0.25], {"score": 0.25}, None) is Verdict.ACCEPTED
    assert stock.trials[0].value == 0.25


def test_a_stock_client_runs_what_it_makes_or_enqueues_itself(planned: tuple[Ledger, int], stock: optuna.Study) -> None:
    ledger, worker = planned
    while (claim := ledger.claim_trial(worker, "cpu0")) is not None:
        ledger.finish_trial(claim, "COMPLETE", End("completed"), [0.5], {"score": 0.5}, None)
    stock.enqueue_trial({"n_layer": 9})
    stock.optimize(lambda trial: 2.0 * trial.suggest_int("n_layer", 0, 10**6), n_trials=2)
    assert [trial.value for trial in stock.trials[:3]] == [0.5, 0.5, 18.0] and len(stock.trials) == 4


def test_our_storage_says_it_in_one_line(planned: tuple[Ledger, int], url: str) -> None:
    storage = StudyStorage(url)
    with pytest.raises(UsageError) as refused:
        optuna.load_study(study_name="study", storage=storage).optimize(lambda trial: 1.0, n_trials=1)
    assert str(refused.value) == WORDS
    storage.remove_session()
    storage.engine.dispose()


def test_a_write_of_ours_leaves_no_right_behind_on_its_connection(planned: tuple[Ledger, int]) -> None:
    ledger, worker = planned
    claim = ledger.claim_trial(worker, "cpu0")
    assert claim is not None
    for statement in ("UPDATE trials SET state = 'FAIL'", "UPDATE trials SET state = 'COMPLETE' WHERE number = 1"):
        with pytest.raises(Exception, match="enqueue_trial"):
            ledger.session.execute(statement)
    assert ledger.release_trial(claim, End("given_back"))


def test_a_role_without_rights_on_our_tables_runs_its_own_study(planned: tuple[Ledger, int], url: str) -> None:
    storage = RDBStorage(url)
    study_id = optuna.create_study(study_name="mine", storage=storage)._study_id
    storage.create_new_trial(study_id)
    storage.remove_session()
    storage.engine.dispose()
    role = f"only_optuna_{uuid.uuid4().hex[:8]}"
    administer(
        url,
        f"CREATE ROLE {role}",
        f"GRANT SELECT, UPDATE ON trials TO {role}",
        f"SET ROLE {role}",
        f"UPDATE trials SET state = 'FAIL' WHERE study_id = {study_id}",
        "RESET ROLE",
        f"REVOKE ALL ON trials FROM {role}",
        f"DROP ROLE {role}",
    )


def test_a_restored_backup_keeps_the_guard(
    planned: tuple[Ledger, int], url: str, empty_url: str, tmp_path: Path
) -> None:
    backup(url, tmp_path / "file")
    restore(empty_url, tmp_path / "file")
    with pytest.raises(psycopg2.errors.RaiseException, match="enqueue_trial"):
        administer(empty_url, "UPDATE trials SET state = 'FAIL'")
    administer(empty_url, "SET session_replication_role = 'replica'", "UPDATE trials SET state = 'FAIL'")
