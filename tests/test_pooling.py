"""Behind PgBouncer: fine where it pools by session, refused where it pools by transaction."""

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
from tests.growth_trace import write_definition

Program = Callable[..., subprocess.CompletedProcess[str]]
PGBOUNCER = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")

pytestmark = pytest.mark.skipif(PGBOUNCER is None, reason="there is no pgbouncer here")


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
            subprocess.Popen([PGBOUNCER, folder / "pgbouncer.ini"], stdout=log, stderr=log, **who.of_child())
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


def test_pooling_by_session_is_fine(program: Program, proxy: Callable[[str], str], tmp_path: Path) -> None:
    storage = ["--storage", proxy("session")]
    assert program("storage", "check", *storage).returncode == 0
    told = program("run", "grow", "--study", "trace", "--file", write_definition(tmp_path, steps=1), *storage)
    assert told.returncode == 0, told.stderr
    assert program("audit", "--study", "trace").stdout.endswith("holds\n")


def test_pooling_by_transaction_is_refused_before_anything_is_written(
    program: Program, proxy: Callable[[str], str], tmp_path: Path
) -> None:
    storage = ["--storage", proxy("transaction")]
    file = write_definition(tmp_path, steps=1)
    for arguments in (["run", "grow", "--study", "trace", "--file", file], ["storage", "check"]):
        told = program(*arguments, *storage)
        assert told.returncode == 2 and "pool_mode=session" in told.stderr and told.stderr.count("\n") == 1
    assert program("show", "--study", "trace").returncode == 2
