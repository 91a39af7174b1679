"""Optuna's own suite on the storage that the dashboard is given."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from optuna.testing.pytest_storages import StorageTestCase

from studies.dashboard.storage import BrowsedStorage
from tests.support.emptied import emptied


@pytest.fixture(scope="module")
def opened(shared_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowsedStorage]:
    storage = BrowsedStorage(shared_url, tmp_path_factory.mktemp("home"))
    yield storage
    storage.engine.dispose()


class TestBrowsedStorage(StorageTestCase):
    @pytest.fixture
    def storage(self, opened: BrowsedStorage) -> Iterator[BrowsedStorage]:
        yield from emptied(opened)
