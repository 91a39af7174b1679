"""Backup and restore: the whole storage as one file, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.backup import backup, restore
from storage.errors import StorageError, UsageError
from storage.optuna_storage import StudyStorage
from storage.session import Session
from tests.support.older_server import older_binaries, older_server
from tests.support.planned import begin, new_points

COUNTS = "SELECT (SELECT count(*) FROM trials) AS trials, (SELECT count(*) FROM studyhall_points) AS points"


def test_what_was_backed_up_is_there_after_the_restore(url: str, empty_url: str, tmp_path: Path) -> None:
    ledger, worker = begin(url)
    ledger.plan_points(new_points(5), 0)
    assert ledger.claim_trial(worker, "cpu0") is not None
    file = tmp_path / "all.backup"
    backup(url, file)
    assert file.stat().st_mode & 0o077 == 0 and [path.name for path in tmp_path.iterdir()] == ["all.backup"]
    restore(empty_url, file)
    session = Session(empty_url)
    counts = session.execute(COUNTS)[0]
    session.close()
    assert (counts.trials, counts.points) == (5, 5)
    assert len(StudyStorage(empty_url).get_all_studies()) == 1
    ledger.session.close()


@pytest.mark.skipif(older_binaries() is None, reason="needs a PostgreSQL before 17 (apt install postgresql)")
def test_a_backup_is_restored_on_an_older_server(url: str, tmp_path: Path) -> None:
    text = "SET transaction_timeout = 0;"
    ledger, _ = begin(url, text)
    ledger.plan_points(new_points(5), 0)
    ledger.session.close()
    backup(url, tmp_path / "all.backup")
    binaries = older_binaries()
    assert binaries is not None
    with older_server(binaries) as older:
        restore(older, tmp_path / "all.backup")
        session = Session(older)
        assert session.execute("SHOW server_version_num")[0].server_version_num < "170000"
        counts = session.execute(COUNTS)[0]
        assert (counts.trials, counts.points) == (5, 5)
        assert session.execute("SELECT study_name FROM studies")[0].study_name == text
        with pytest.raises(UsageError, match="holds 1 studies"):
            restore(older, tmp_path / "all.backup")
        session.close()
        (tmp_path / "not.backup").write_text("hello")
        with pytest.raises(UsageError):
            restore(older, tmp_path / "not.backup")


def test_a_storage_that_holds_studies_is_not_restored_over(url: str, tmp_path: Path) -> None:
    ledger, _ = begin(url)
    ledger.session.close()
    backup(url, tmp_path / "all.backup")
    with pytest.raises(UsageError, match="holds 1 studies"):
        restore(url, tmp_path / "all.backup")


def test_a_file_that_is_no_backup_changes_nothing(empty_url: str, tmp_path: Path) -> None:
    (tmp_path / "not.backup").write_text("hello")
    with pytest.raises(StorageError) as caught:
        restore(empty_url, tmp_path / "not.backup")
    assert "\n" not in str(caught.value)
    with pytest.raises(UsageError, match="no such file"):
        restore(empty_url, tmp_path / "nowhere.backup")
    with pytest.raises(UsageError, match="no such folder"):
        backup(empty_url, tmp_path / "nowhere" / "all.backup")


def test_a_backup_that_fails_leaves_no_file_and_shows_no_password(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as caught:
        backup("postgresql://me:geheim@127.0.0.1:1/db", tmp_path / "all.backup")
    assert "geheim" not in str(caught.value) and list(tmp_path.iterdir()) == []
