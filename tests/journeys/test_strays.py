"""The embedded server whose files were deleted while it ran."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import psutil
import pytest

from storage import server
from storage.session import Session

pytestmark = pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="needs Linux's /proc")


@pytest.fixture
def home() -> Iterator[Path]:
    home = Path(tempfile.mkdtemp(prefix="studyhall-strays-"))
    home.chmod(0o755)
    yield home
    server.down(home)
    shutil.rmtree(home)


def postmaster(home: Path) -> psutil.Process:
    return psutil.Process(int((server.cluster(home).data / "postmaster.pid").read_text().split()[0]))


def ended(process: psutil.Process) -> bool:
    with suppress(psutil.TimeoutExpired):
        process.wait(30)
    return not process.is_running()


def test_a_home_that_is_deleted_and_begun_anew_stays_reachable(home: Path) -> None:
    url = server.ensure(home)
    old = postmaster(home)
    for each in home.iterdir():
        shutil.rmtree(each) if each.is_dir() else each.unlink()
    assert server.ensure(home) == url
    assert ended(old) and postmaster(home).pid != old.pid
    with closing(Session(url)) as session:
        assert session.execute("SELECT 1 AS one")[0].one == 1
    assert (server.cluster(home).socket / ".s.PGSQL.5432").exists()


def test_a_server_that_lost_its_socket_is_stopped_and_started_with_its_data(home: Path) -> None:
    url = server.ensure(home)
    with closing(Session(url)) as session:
        session.execute("CREATE TABLE kept (n integer)")
    old = postmaster(home)
    for each in server.cluster(home).socket.glob(".s.PGSQL.*"):
        each.unlink()
    begun = time.monotonic()
    assert server.ensure(home) == url and ended(old)
    assert time.monotonic() - begun < 60
    with closing(Session(url)) as session:
        assert session.execute("SELECT count(*) AS n FROM kept")[0].n == 0
