"""Optuna's own suite on the storage that the dashboard is given."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import optuna
import pytest
from optuna.testing.pytest_storages import StorageTestCase

from storage.ledger import End
from studies.dashboard.storage import BrowsedStorage
from tests.support.emptied import emptied
from tests.support.planned import begin, new_points


@pytest.fixture(scope="module")
def opened(shared_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowsedStorage]:
    storage = BrowsedStorage(shared_url, tmp_path_factory.mktemp("home"))
    yield storage
    storage.engine.dispose()


class TestBrowsedStorage(StorageTestCase):
    @pytest.fixture
    def storage(self, opened: BrowsedStorage) -> Iterator[BrowsedStorage]:
        yield from emptied(opened)


def test_times_are_local_as_optuna_writes_its_own(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    ledger, worker = begin(url)
    with ledger.planning():
        ledger.plan_points(new_points(1), 0)
    claim = ledger.claim_trial(worker, "cpu0")
    assert claim is not None
    ledger.finish_trial(claim, "COMPLETE", End("completed"), [0.25], {"score": 0.25}, None)
    storage = BrowsedStorage(url, tmp_path)
    study = optuna.load_study(study_name="study", storage=storage)
    study.optimize(lambda trial: 1.0, n_trials=1)
    ours, stock = (trial.datetime_start for trial in study.trials)
    assert ours is not None and stock is not None
    assert abs((stock - ours).total_seconds()) < 60 and abs((datetime.now() - ours).total_seconds()) < 60
    storage.remove_session()
    storage.engine.dispose()
    monkeypatch.undo()
    time.tzset()
