"""PgBouncer before a test's database."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg2
import pytest

from storage import server
from storage.url import libpq_url

PGBOUNCER = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")


@pytest.fixture
def proxy(url: str, server_home: Path) -> Iterator[Callable[[str], str]]:
    """Start a PgBouncer in front of this test's database, in a pool mode: its URL."""
    started: list[subprocess.Popen[bytes]] = []
    folder = server_home / f"pgbouncer-{os.getpid()}"
    folder.mkdir()
    folder.chmod(0o755)

    def start(mode: str) -> str:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        parts = urlsplit(url)
        (folder / "users.txt").write_text(f'"{parts.username}" ""\n')
        host = parse_qs(parts.query)["host"][0]
        settings = ["[databases]", f"* = host={host} port=5432", "[pgbouncer]", f"pool_mode = {mode}"]
        settings += ["listen_addr = 127.0.0.1", f"listen_port = {port}", "unix_socket_dir =", "default_pool_size = 5"]
        settings += ["auth_type = trust", f"auth_file = {folder}/users.txt"]
        (folder / "pgbouncer.ini").write_text("\n".join(settings) + "\n")
        who = server.cluster(server_home).who
        assert PGBOUNCER is not None
        log = (folder / "log").open("ab")
        started.append(
            subprocess.Popen([PGBOUNCER, folder / "pgbouncer.ini"], stdout=log, stderr=log, **who.process_options())
        )
        log.close()
        found = f"postgresql://{parts.username}@127.0.0.1:{port}{parts.path}"
        end = time.monotonic() + 20
        while True:
            try:
                psycopg2.connect(libpq_url(found)).close()
                return found
            except psycopg2.OperationalError:
                assert time.monotonic() < end, (folder / "log").read_text()
                time.sleep(0.05)

    yield start
    for process in started:
        process.terminate()
        process.wait(10)
    shutil.rmtree(folder)
