"""A storage that many tests use one after the other: making one for each takes longer than the tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from optuna.storages import RDBStorage

Opened = TypeVar("Opened", bound=RDBStorage)


def emptied(storage: Opened) -> Iterator[Opened]:
    """The storage for one test, which finds no study in it; its studies are deleted afterwards."""
    assert storage.get_all_studies() == [], storage.get_all_studies()
    yield storage
    for study in storage.get_all_studies():
        storage.delete_study(study._study_id)
    storage.remove_session()
