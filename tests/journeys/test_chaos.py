"""Chaos in short, and what it is made of: a link that is cut, a disk that is full, a janitor that outlives us."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from benchmarks.chaos import chaos
from benchmarks.cluster import Cluster
from benchmarks.fleet import Fleet
from benchmarks.janitor import Janitor
from benchmarks.network import Namespace, Proxy
from benchmarks.searches import studies_of
from storage.errors import SessionLostError
from storage.home import CHECKOUT
from storage.optuna_storage import StudyStorage
from storage.session import Session
from tests.support.program import until


@pytest.fixture
def janitor() -> Iterator[Janitor]:
    janitor = Janitor()
    yield janitor
    janitor.finish()


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not pytest's own: the server is another user where we are root."""
    folder = Path(tempfile.mkdtemp(prefix="studyhall-chaos-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def cluster(folder: Path, janitor: Janitor) -> Cluster:
    cluster = Cluster(folder, ["127.0.0.1"], janitor)
    StudyStorage(cluster.url("127.0.0.1"))
    return cluster


@pytest.mark.parametrize("link", ["namespace", "proxy"])
def test_four_searches_under_faults_drawn_from_a_seed_end_as_if_there_had_been_none(
    janitor: Janitor, folder: Path, monkeypatch: pytest.MonkeyPatch, link: str
) -> None:
    if link == "proxy":
        if Namespace.permitted(janitor) and not os.environ.get("EVERY_CASE"):
            pytest.skip("namespaces can be had here, which cut more; EVERY_CASE=1 runs both")
        monkeypatch.setattr(Namespace, "permitted", lambda janitor: False)
    elif not Namespace.permitted(janitor):
        pytest.skip("network namespaces with a packet filter (ip, iptables, tc, as root) are not to be had here")
    fleet = Fleet.build(folder, janitor, 3, 4)
    fleet.faults.long_seconds = 5.0
    studies = studies_of(folder, ["grow", "depth", "grid", "fit"], seconds=1.0, size=1)
    verdicts = chaos(fleet, studies, slots=2, faults=12, pause=0.5)
    assert [problem for verdict in verdicts for problem in verdict.problems] == []
    assert any(verdict.audit["extra_attempts"] for verdict in verdicts), "something was lost on the way"
    assert fleet.done.total() >= 12


def test_the_server_gives_up_a_peer_that_vanished_within_a_minute(cluster: Cluster) -> None:
    """Its host lost power, say: what the worker ran is an orphan then, and not when the kernel's two hours are over."""
    session = Session(cluster.url("127.0.0.1"))
    names = ("tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count", "tcp_user_timeout")
    idle, interval, count, unanswered = (
        session.execute("SELECT setting::integer FROM pg_settings WHERE name = %s", [name])[0].setting for name in names
    )
    session.close()
    assert 0 < idle + interval * count <= 60 and 0 < unanswered <= 60_000  # seconds, milliseconds


def test_a_server_without_room_is_one_that_went_away(cluster: Cluster) -> None:
    """A worker then waits for it to come back, and does not leave; nothing stays locked by what failed halfway."""
    if not cluster.own_disk:
        pytest.skip("a disk of its own cannot be mounted here")
    session = Session(cluster.url("127.0.0.1"))
    session.execute("CREATE TABLE big (x text)")
    cluster.fill()
    with pytest.raises(SessionLostError):
        for _ in range(50):
            session.execute("INSERT INTO big SELECT repeat(md5(n::text), 100) FROM generate_series(1, 5000) AS n")
    assert session.closed
    cluster.make_room()
    cluster.up()
    Session(cluster.url("127.0.0.1")).close()


def test_out_of_connections_is_up_all_the_same(cluster: Cluster) -> None:
    crowd = []
    with pytest.raises(psycopg2.OperationalError):
        while True:
            crowd.append(cluster.connect())
    assert cluster.answers()
    for connection in crowd:
        connection.close()


def test_a_proxy_that_is_cut_holds_what_is_sent_and_delivers_it_once_mended() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        proxy = Proxy(server.getsockname()[1], random.Random(1))
        with socket.create_connection(("127.0.0.1", proxy.own_port)) as near, server.accept()[0] as far:
            near.sendall(b"one")
            assert far.recv(16) == b"one"
            proxy.cut("out")
            near.sendall(b"two")
            far.settimeout(0.3)
            with pytest.raises(TimeoutError):
                far.recv(16)
            far.sendall(b"back")
            assert near.recv(16) == b"back", "only one direction is cut"
            proxy.mend()
            far.settimeout(30)
            assert far.recv(16) == b"two"
        proxy.close()


def test_what_was_made_is_taken_away_even_if_its_maker_is_killed(tmp_path: Path) -> None:
    folder = tmp_path / "made"
    folder.mkdir()
    script = (
        "import subprocess, sys, time\n"
        "from benchmarks.janitor import Janitor\n"
        "janitor = Janitor()\n"
        f"janitor.at_the_end('remove', {str(folder)!r})\n"
        f"janitor.at_the_end('kill', 'MARK={folder}')\n"
        f"child = subprocess.Popen(['sleep', '600'], env={{'MARK': {str(folder)!r}}}, start_new_session=True)\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    maker = subprocess.Popen([sys.executable, "-c", script], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
    assert maker.stdout is not None
    child = int(maker.stdout.readline())
    maker.send_signal(signal.SIGKILL)
    maker.wait()
    maker.stdout.close()
    until(lambda: not folder.exists() and not _runs(child), 30)


def _runs(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
