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


def start_pgbouncer(
    url: str, home: Path, folder: Path, mode: str, most: int = 5
) -> tuple[subprocess.Popen[bytes], str]:
    """A PgBouncer in front of the embedded server of a home, with at most `most` connections; and its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    parts = urlsplit(url)
    (folder / "users.txt").write_text(f'"{parts.username}" ""\n')
    host = parse_qs(parts.query)["host"][0]
    settings = ["[databases]", f"* = host={host} port=5432", "[pgbouncer]", f"pool_mode = {mode}"]
    settings += ["listen_addr = 127.0.0.1", f"listen_port = {port}", "unix_socket_dir =", f"default_pool_size = {most}"]
    settings += [f"max_client_conn = {max(100, most)}", "auth_type = trust", f"auth_file = {folder}/users.txt"]
    (folder / "pgbouncer.ini").write_text("\n".join(settings) + "\n")
    user = server.cluster(home).who.process_options()
    assert PGBOUNCER is not None
    with (folder / "pgbouncer.log").open("ab") as log:
        process = subprocess.Popen([PGBOUNCER, folder / "pgbouncer.ini"], stdout=log, stderr=log, **user)
    found = f"postgresql+psycopg2://{parts.username}@127.0.0.1:{port}{parts.path}"
    end = time.monotonic() + 20
    while True:
        try:
            psycopg2.connect(libpq_url(found)).close()
            return process, found
        except psycopg2.OperationalError:
            assert time.monotonic() < end, (folder / "pgbouncer.log").read_text()
            time.sleep(0.05)


@pytest.fixture
def proxy(url: str, server_home: Path) -> Iterator[Callable[[str], str]]:
    """Start a PgBouncer in front of this test's database, in a pool mode: its URL."""
    started: list[subprocess.Popen[bytes]] = []
    folder = server_home / f"pgbouncer-{os.getpid()}"
    folder.mkdir()
    folder.chmod(0o755)

    def start(mode: str) -> str:
        process, found = start_pgbouncer(url, server_home, folder, mode)
        started.append(process)
        return found

    yield start
    for process in started:
        process.terminate()
        process.wait(10)
    shutil.rmtree(folder)
