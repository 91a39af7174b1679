"""One database session: what it says when it cannot be had, and when it is lost."""

from __future__ import annotations

import re
import socket

import optuna
import pytest
from psycopg2.extensions import parse_dsn

from storage.errors import SessionLostError, StorageError
from storage.optuna_storage import StudyStorage
from storage.schema import SCHEMA, check_versions, ensure_tables, read_versions
from storage.session import Session
from storage.url import check_url, hosts_of, libpq_url
from tests.support.program import administer, refused, with_storage


def test_a_dead_host_is_told_in_one_line_without_the_password() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(StorageError) as caught:
        Session(f"postgresql://me:hunter2@127.0.0.1:{port}/db")
    assert "hunter2" not in str(caught.value) and "\n" not in str(caught.value) and "refused" in str(caught.value)


def test_a_statement_on_a_session_that_was_ended_says_that_it_is_lost(url: str) -> None:
    one, other = Session(url), Session(url)
    other.execute("SELECT pg_terminate_backend(%s)", [one.backend])
    with pytest.raises(SessionLostError):
        while True:
            one.execute("SELECT 1")
    assert one.closed
    other.close()


def test_a_listening_session_learns_from_its_socket_that_it_was_ended(url: str) -> None:
    one, other = Session(url), Session(url)
    one.listen("studyhall_1")
    other.execute("SELECT pg_terminate_backend(%s)", [one.backend])
    with pytest.raises(SessionLostError):
        while True:
            one.heard()
    other.close()


def test_a_notification_is_heard_once(url: str) -> None:
    one, other = Session(url), Session(url)
    one.listen("studyhall_1")
    other.execute("SELECT pg_notify('studyhall_1', '')")
    one.execute("SELECT 1")
    assert one.heard() and not one.heard()
    one.close()
    other.close()


def test_a_transaction_that_fails_leaves_nothing_and_the_session_goes_on(session: Session) -> None:
    with pytest.raises(StorageError), session.transaction():
        session.execute("CREATE TABLE half_made (x integer)")
        session.execute("SELECT 1 / 0")
    assert session.execute("SELECT to_regclass('half_made') AS made")[0].made is None


def test_tables_are_made_once_however_often_a_storage_is_opened(empty_url: str) -> None:
    session = Session(empty_url)
    for _ in range(2):
        ensure_tables(session)
    assert read_versions(session).ours == SCHEMA
    session.close()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("UPDATE alembic_version SET version_num = 'v9.9.9.a'", "newer Studyhall"),
        ("UPDATE studyhall_version SET version = 99", "newer Studyhall"),
        ("UPDATE studyhall_version SET version = 0", "storage upgrade"),
    ],
)
def test_tables_of_another_version_are_refused_with_their_remedy(session: Session, change: str, expected: str) -> None:
    session.execute(change)
    with pytest.raises(StorageError) as caught:
        check_versions(session, writing=False)
    assert expected in str(caught.value) and "\n" not in str(caught.value)


def test_a_read_only_database_is_refused_for_writing(url: str, session: Session) -> None:
    session.execute(f"ALTER DATABASE {url.rpartition('/')[2].partition('?')[0]} SET default_transaction_read_only = on")
    reader = Session(url)
    check_versions(reader, writing=False)
    with pytest.raises(StorageError, match="read-only"):
        check_versions(reader, writing=True)
    reader.close()


def test_a_database_that_is_not_utf_8_is_refused_at_first_contact_with_the_statement_that_makes_one(
    server_url: str, environment: dict[str, str]
) -> None:
    wrong = "ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0"
    administer(server_url, f"CREATE DATABASE ascii {wrong}")
    try:
        there = server_url.replace("/studyhall?", "/ascii?")
        for verb in ("run lobo", "status", "audit --study x"):
            said = refused(with_storage(environment, there, *verb.split()), "SQL_ASCII")
        (statement,) = re.findall(r"CREATE DATABASE studyhall .*", said)
        administer(server_url, statement.replace("studyhall", "made"))
        made = with_storage(environment, server_url.replace("/studyhall?", "/made?"), "status")
        assert made.returncode == 0, made.stderr
    finally:
        administer(server_url, "DROP DATABASE ascii", "DROP DATABASE IF EXISTS made")


def test_another_encoding_of_the_client_changes_nothing(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", "SQL_ASCII")
    session = Session(url)
    assert session.execute("SELECT %s::text AS text", ["→ 模型"])[0].text == "→ 模型"
    session.close()
    storage = StudyStorage(url)
    study = optuna.create_study(storage=storage, study_name="→ 模型")
    assert [each.study_name for each in optuna.get_all_study_summaries(storage)] == [study.study_name]
    storage.remove_session()
    storage.engine.dispose()


def test_several_hosts_and_settings_lead_to_the_first_that_answers(url: str) -> None:
    (folder,) = hosts_of(url)
    name = parse_dsn(libpq_url(url))["dbname"]
    settings = f"host=/nowhere,{folder} port=5432,5432 user=studyhall dbname={name}"
    for each in (settings, f"postgresql://studyhall@%2Fnowhere,{folder.replace('/', '%2F')}/{name}"):
        session = Session(check_url(each))
        assert session.execute("SELECT current_database() AS name")[0].name == name
        session.close()
        storage = StudyStorage(each)
        assert optuna.get_all_study_summaries(storage) == []
        storage.remove_session()
        storage.engine.dispose()
