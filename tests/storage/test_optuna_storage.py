"""Optuna's own suite on our storage, and what a stock Optuna client sees of a planned study."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

import optuna
import pytest
from optuna.storages import RDBStorage
from optuna.testing.pytest_storages import StorageTestCase
from optuna.trial import TrialState

from storage.ledger import End, Verdict
from storage.optuna_storage import StudyStorage
from tests.support.emptied import emptied
from tests.support.planned import begin, new_points


@pytest.fixture(scope="module")
def opened(shared_url: str) -> Iterator[StudyStorage]:
    storage = StudyStorage(shared_url)
    yield storage
    storage.engine.dispose()


class TestStudyStorage(StorageTestCase):
    @pytest.fixture
    def storage(self, opened: StudyStorage) -> Iterator[StudyStorage]:
        yield from emptied(opened)


def test_a_stock_client_reads_a_running_study_rightly(url: str) -> None:
    ledger, worker = begin(url, "mixed")
    with ledger.planning():
        ledger.plan_points(new_points(4), 0)
    done, running = ledger.claim_trial(worker, "cpu0"), ledger.claim_trial(worker, "cpu1")
    assert done is not None and running is not None
    ledger.report_steps(done, [(10, {"loss": 2.0, "odd": float("nan")}, 0.125), (20, {"loss": 1.0}, float("inf"))])
    assert ledger.finish_trial(done, "COMPLETE", End("completed"), 0.25, {"params": 8321.0}, None) is Verdict.ACCEPTED

    storage = RDBStorage(url)
    study = optuna.load_study(study_name="mixed", storage=storage)
    states = [trial.state for trial in study.trials]
    assert states == [TrialState.COMPLETE, TrialState.RUNNING, TrialState.WAITING, TrialState.WAITING]
    assert [trial.number for trial in study.trials] == [0, 1, 2, 3]
    assert study.best_value == 0.25 and study.best_params == {"n_layer": 1, "seed": 1337}
    assert study.trials[0].intermediate_values == {10: 0.125, 20: float("inf")}
    assert study.trials[0].duration is not None and study.trials[0].duration.total_seconds() >= 0
    assert study.metric_names == ["score"]
    storage.remove_session()
    storage.engine.dispose()


def test_a_stock_client_numbers_its_own_trial_after_ours(url: str) -> None:
    ledger, _ = begin(url, "shared")
    with ledger.planning():
        ledger.plan_points(new_points(3), 0)
    storage = RDBStorage(url)
    study = optuna.load_study(study_name="shared", storage=storage)
    study.add_trial(optuna.trial.create_trial(value=1.0))
    with ledger.planning():
        ledger.plan_points(new_points(5), 1)
    assert [trial.number for trial in study.trials] == list(range(6))
    storage.remove_session()
    storage.engine.dispose()


def test_a_pickled_storage_opens_a_session_of_its_own(url: str) -> None:
    storage = StudyStorage(url)
    first = storage.session.backend
    copy = pickle.loads(pickle.dumps(storage))
    assert copy.session.backend != first
    for each in (storage, copy):
        each.session.close()
        each.engine.dispose()
