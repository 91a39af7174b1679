"""Storage URLs: what is accepted, and that no password is ever shown."""

from __future__ import annotations

import pytest

from storage.errors import UsageError
from storage.url import check_url, libpq_url, shown_url, without_secrets


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
        ("postgresql://me@host/db?password=secret&x=1", "postgresql+psycopg2://me@host/db?password=***&x=1"),
        ("postgresql://me@/db?host=/run/pg", "postgresql+psycopg2://me@/db?host=/run/pg"),
        ("nonsense secret", "***"),
    ],
)
def test_a_shown_url_has_stars_for_its_password(url: str, shown: str) -> None:
    assert shown_url(url) == shown


def test_a_password_is_taken_out_of_a_drivers_error_also_when_it_is_decoded() -> None:
    url = check_url("postgresql://me:p%40ss@host/db")
    assert without_secrets("FATAL: p@ss and p%40ss", url) == "FATAL: *** and ***"
