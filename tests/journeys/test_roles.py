"""Servers that become read-only under a worker, and servers that do not offer the TLS that is required."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.growth_trace import write_definition
from tests.support.pgbouncer import PGBOUNCER
from tests.support.program import Begin, Program, administer, refused, with_storage

RUN = ("run", "grow", "--study", "trace", "--workers", "2")


def test_a_server_that_becomes_read_only_is_waited_for_and_told_in_one_line(
    begin: Begin, program: Program, url: str, tmp_path: Path
) -> None:
    database = url.partition("?")[0].rpartition("/")[2]
    worker = begin(*RUN, "--file", write_definition(tmp_path, steps=1, seconds=0.3))
    lines: list[str] = []
    assert worker.stdout is not None
    reader = threading.Thread(target=lambda: lines.extend(iter(worker.stdout.readline, "")))  # type: ignore[union-attr]
    reader.start()
    seen(lines, ": score ")
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
    assert program("audit", "--study", "trace").returncode == 0


def seen(lines: list[str], word: str) -> None:
    """Wait until a line says so."""
    end = time.monotonic() + 60
    while not any(word in line for line in lines):
        assert time.monotonic() < end, lines
        time.sleep(0.05)


@pytest.mark.skipif(PGBOUNCER is None, reason="there is no pgbouncer here")
def test_tls_that_is_required_and_not_offered(environment: dict[str, str], proxy: Callable[[str], str]) -> None:
    ended = with_storage(environment, proxy("session") + "?sslmode=require", "status")
    refused(ended, "SSL", "sslmode")
