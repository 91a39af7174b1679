"""Storage URLs: what is accepted, and that no password is ever shown."""

from __future__ import annotations

import pytest
from psycopg2.extensions import parse_dsn

from storage.errors import UsageError
from storage.url import check_url, hosts_of, libpq_url, shown_url, url_to_paste, without_secrets


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg2"])
def test_every_usual_scheme_of_postgresql_is_accepted(scheme: str) -> None:
    assert check_url(f"{scheme}://me@host:5433/db?sslmode=require") == (
        "postgresql+psycopg2://me@host:5433/db?sslmode=require"
    )
    assert libpq_url(f"{scheme}://me@host/db") == "postgresql://me@host/db"


@pytest.mark.parametrize("url", ["sqlite:///x.db", "mysql://me:secret@host/db", "host", "", "postgresql+asyncpg://h/d"])
def test_other_databases_are_refused_in_one_line_without_the_password(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_url(url)
    assert "secret" not in str(caught.value) and "\n" not in str(caught.value)


def test_a_port_that_is_no_number_is_refused_without_showing_the_password() -> None:
    with pytest.raises(UsageError) as caught:
        check_url("postgresql://me:se/cret@host:port/db")
    assert "cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:secret@host/db", "postgresql+psycopg2://me:***@host/db"),
        (
            "postgresql://me@host/db?password=secret&sslmode=prefer",
            "postgresql+psycopg2://me@host/db?password=***&sslmode=prefer",
        ),
        ("postgresql://me@/db?host=/run/pg", "postgresql+psycopg2://me@/db?host=/run/pg"),
        ("nonsense secret", "***"),
    ],
)
def test_a_shown_url_has_stars_for_its_password(url: str, shown: str) -> None:
    assert shown_url(url) == shown


def test_a_password_is_taken_out_of_a_drivers_error_also_when_it_is_decoded() -> None:
    url = check_url("postgresql://me:p%40ss@host/db")
    assert without_secrets("FATAL: p@ss and p%40ss", url) == "FATAL: *** and ***"


@pytest.mark.parametrize(
    ("given", "libpq"),
    [
        ("postgresql:///lab", "postgresql:///lab"),
        ("postgresql://", "postgresql:///"),
        ("postgresql:///?service=lab", "postgresql:///?service=lab"),
        ("service=lab", "postgresql:///?service=lab"),
        ("host=/run/pg dbname=lab", "postgresql:///?dbname=lab&host=%2Frun%2Fpg"),
        ("postgresql:///lab?host=/run/pg", "postgresql:///lab?host=%2Frun%2Fpg"),
        ("postgresql:///lab?host=@abstract", "postgresql:///lab?host=%40abstract"),
        ("postgresql://%2Frun%2Fpg/lab", "postgresql://%2Frun%2Fpg/lab"),
        ("postgresql://me@a:1,b:2/lab?target_session_attrs=read-write",) * 2,
        ("postgresql://me@[::1]:5433/my%20lab", "postgresql://me@[::1]:5433/my%20lab"),
        ("postgresql://me:a#b?c:d@host/lab", "postgresql://me:a%23b%3Fc%3Ad@host/lab"),
        ("postgresql://me:p%40s%2Fs%25@host/lab", "postgresql://me:p%40s%2Fs%25@host/lab"),
    ],
)
def test_whatever_libpq_takes_is_taken_and_means_the_same(given: str, libpq: str) -> None:
    assert libpq_url(given) == libpq == libpq_url(check_url(given))
    if not given.startswith("postgresql://"):
        given = f"{given} "
    assert parse_dsn(libpq) == parse_dsn(given.replace("host=@", "host=%40"))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:ge@heim@host/lab",
        "postgresql://me:12/geheim@host/lab",
        "postgresql://me:geheim/x@host/lab",
        "postgresql://me:ge heim@host/lab",
        "postgresql://me:geheim%zz@host/lab",
        "postgresql://me:geheim@host:port/lab",
        "postgresql://me@host/lab?password=geheim%",
        "postgresql://me@host/lab?geheim",
        "postgresql://me@host/lab?password=geheim&x=y",
        "password='geheim host=x",
    ],
)
def test_a_password_that_is_not_encoded_is_refused_and_no_part_of_it_shown(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_url(url)
    message = str(caught.value)
    assert not any(part in message for part in ("geheim", "heim", "12")) and "\n" not in message
    assert shown_url(url) == "***"


def test_hosts_are_those_that_libpq_would_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PGHOST", raising=False)
    assert hosts_of("postgresql://a:1,b:2/lab") == ["a", "b"]
    assert hosts_of("postgresql://%2Frun%2Fpg/lab") == hosts_of("host=/run/pg") == ["/run/pg"]
    assert hosts_of("postgresql:///lab") == [""]
    assert hosts_of("service=lab") == ["service lab"]
    monkeypatch.setenv("PGHOST", "db.lab")
    assert hosts_of("postgresql:///lab") == ["db.lab"]


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("connection to server at lab failed", "connection to server at lab failed"),  # the password is `e`
        ('database "e" does not exist', 'database "e" does not exist'),
        ("postgresql://me:e@host/e?password=e&x", "postgresql://me:***@host/e?password=***&x"),
        ("host=x password='e f' dbname=e", "host=x password=*** dbname=e"),
    ],
)
def test_a_short_password_is_masked_by_its_place_alone(text: str, masked: str) -> None:
    assert without_secrets(text, "postgresql://me:e@host/e") == masked


def test_a_password_that_is_also_another_part_is_masked_by_its_place_alone() -> None:
    url = "postgresql://studyhall:studyhall@host/studyhall"
    text = 'role "studyhall" of postgresql://studyhall:studyhall@host/studyhall'
    assert without_secrets(text, url) == 'role "studyhall" of postgresql://studyhall:***@host/studyhall'


@pytest.mark.parametrize(
    ("url", "pasted"),
    [
        ("postgresql://me:secret@host/db", ("postgresql+psycopg2://me@host/db", True)),
        ("postgresql://me@host/db?password=se", ("postgresql+psycopg2://me@host/db", True)),
        ("postgresql:///db?host=/run/postgresql", ("postgresql+psycopg2:///db?host=/run/postgresql", False)),
    ],
)
def test_a_url_for_another_program_has_no_password_and_no_stars(url: str, pasted: tuple[str, bool]) -> None:
    assert url_to_paste(url) == pasted
