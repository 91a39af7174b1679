"""Least rights: the grants in docs/roles.md are enough for a worker and no more than that; and servers that refuse."""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storage.errors import StorageError
from storage.home import CHECKOUT
from storage.session import Session
from tests.support.growth_trace import write_definition
from tests.support.pgbouncer import PGBOUNCER, proxy
from tests.support.program import administer, refused, with_storage

Program = Callable[..., subprocess.CompletedProcess[str]]
RUN = ("run", "grow", "--study", "trace", "--workers", "2")
__all__ = ["proxy"]


def documented(role: str) -> list[str]:
    """The statements of docs/roles.md that make a role, with a name of this process."""
    blocks = re.findall(r"```sql\n(.*?)```", (CHECKOUT / "docs" / "roles.md").read_text(), re.DOTALL)
    (block,) = [each for each in blocks if f"CREATE ROLE {role}" in each]
    return [re.sub(rf"\b{role}\b", f"{role}_{os.getpid()}", each.strip()) for each in block.split(";") if each.strip()]


@pytest.fixture
def roles(url: str) -> Iterator[Callable[[str], str]]:
    """Make a documented role, and a login that has its rights and no other: the login's URL."""
    made: list[str] = []

    def make(role: str) -> str:
        login = f"{role}_login_{os.getpid()}"
        administer(url, *documented(role), f"CREATE ROLE {login} LOGIN IN ROLE {role}_{os.getpid()}")
        made.extend([login, f"{role}_{os.getpid()}"])
        return url.replace("://studyhall@", f"://{login}@")

    yield make
    for name in made:
        administer(url, f"DROP OWNED BY {name}", f"DROP ROLE {name}")


def test_a_worker_needs_no_more_than_the_documented_grants(
    environment: dict[str, str], roles: Callable[[str], str], url: str, tmp_path: Path
) -> None:
    own = roles("studyhall_worker")
    told = with_storage(environment, own, *RUN, "--file", write_definition(tmp_path, steps=1))
    assert told.returncode == 0, told.stderr
    for verb in ("stop --study trace", "status", "show --study trace", "audit --study trace", "storage check"):
        told = with_storage(environment, own, *verb.split())
        assert told.returncode == 0, verb + told.stderr
    refused(with_storage(environment, own, "delete", "--study", "trace", "--yes"), "permission denied", "docs/roles.md")
    session = Session(own)
    for statement in (
        "DELETE FROM trials",
        "TRUNCATE studyhall_decisions",
        "UPDATE studyhall_version SET version = 2",
        "DROP TABLE trials",
        "CREATE TABLE other ()",
    ):
        with pytest.raises(StorageError):
            session.execute(statement)
    session.close()


def test_a_reader_sees_everything_and_runs_nothing(
    environment: dict[str, str], program: Program, roles: Callable[[str], str], tmp_path: Path
) -> None:
    file = write_definition(tmp_path, steps=1)
    assert program(*RUN, "--file", file).returncode == 0
    own = roles("studyhall_reader")
    for verb in ("status", "show --study trace", "audit --study trace", "replay --study trace"):
        assert with_storage(environment, own, *verb.split()).returncode == 0
    for arguments in ((*RUN, "--file", file, "--steps", "2"), ("stop", "--study", "trace")):
        told = with_storage(environment, own, *arguments)
        refused(told, "permission denied", "docs/roles.md")


def test_a_role_that_may_not_make_tables_is_told_so(
    environment: dict[str, str], empty_url: str, tmp_path: Path
) -> None:
    login = f"nobody_{os.getpid()}"
    administer(empty_url, f"CREATE ROLE {login} LOGIN")
    try:
        own = empty_url.replace("://studyhall@", f"://{login}@")
        told = with_storage(environment, own, *RUN, "--file", write_definition(tmp_path))
        refused(told, "permission denied", "docs/roles.md")
    finally:
        administer(empty_url, f"DROP ROLE {login}")


def test_a_server_that_becomes_read_only_is_waited_for_and_told_in_one_line(
    begin: Callable[..., subprocess.Popen[str]], program: Program, url: str, tmp_path: Path
) -> None:
    database = url.partition("?")[0].rpartition("/")[2]
    worker = begin(*RUN, "--file", write_definition(tmp_path, steps=1, seconds=0.3))
    lines: list[str] = []
    assert worker.stdout is not None
    reader = threading.Thread(target=lambda: lines.extend(iter(worker.stdout.readline, "")))  # type: ignore[union-attr]
    reader.start()
    seen(lines, "COMPLETE")
    off = f"WHERE datname = '{database}' AND pid <> pg_backend_pid()"
    administer(
        url,
        f"ALTER DATABASE {database} SET default_transaction_read_only = on",
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity {off}",
    )
    seen(lines, "read-only")
    administer(url, "SET default_transaction_read_only = off", f"ALTER DATABASE {database} RESET ALL")
    assert worker.wait(60) == 0, lines
    reader.join()
    assert sum("read-only" in line for line in lines) == 1 and not any("Traceback" in line for line in lines), lines
    assert program("audit", "--study", "trace").stdout.endswith("holds\n")


def seen(lines: list[str], word: str) -> None:
    """Wait until a line says so."""
    end = time.monotonic() + 60
    while not any(word in line for line in lines):
        assert time.monotonic() < end, lines
        time.sleep(0.05)


@pytest.mark.skipif(PGBOUNCER is None, reason="there is no pgbouncer here")
def test_tls_that_is_required_and_not_offered(environment: dict[str, str], proxy: Callable[[str], str]) -> None:
    told = with_storage(environment, proxy("session") + "?sslmode=require", "status")
    refused(told, "SSL", "sslmode")
