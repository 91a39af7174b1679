"""The embedded server against what happens to servers: races, kills, odd paths, stale files, restarts."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg2
import pytest

from storage import postgres, server
from storage.errors import StorageError
from storage.home import CHECKOUT
from storage.url import libpq_url

ENSURE = "import sys; from pathlib import Path; from storage import server; print(server.ensure(Path(sys.argv[1])))"


@pytest.fixture
def top() -> Iterator[Path]:
    """A folder that the server's user can enter; whatever server is below it is gone afterwards."""
    top = Path(tempfile.mkdtemp(prefix="studyhall-server-"))
    top.chmod(0o755)
    yield top
    for process in _below(top):
        with suppress(psutil.NoSuchProcess):
            process.kill()
    _until(lambda: not _below(top))
    shutil.rmtree(top)


def _below(top: Path) -> list[psutil.Process]:
    """Server processes whose data lie below a folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.name().startswith("postgres") and Path(process.cwd()).is_relative_to(top):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, FileNotFoundError):
            continue
    return found


def start(home: Path, **options: object) -> subprocess.Popen[str]:
    """A process that makes sure of the server and ends."""
    return subprocess.Popen(
        [sys.executable, "-c", ENSURE, str(home)],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,  # type: ignore[call-overload]
    )


def postmaster(home: Path) -> psutil.Process:
    pid = server.status(home).pid
    assert pid is not None
    return psutil.Process(pid)


def ask(url: str, statement: str) -> object:
    connection = psycopg2.connect(libpq_url(url))
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone() if cursor.description else None
    finally:
        connection.close()


def test_four_first_starts_at_once_make_one_server(top: Path) -> None:
    starters = [start(top / "home") for _ in range(4)]
    output = [starter.communicate(timeout=60) for starter in starters]
    assert [starter.returncode for starter in starters] == [0] * 4, output
    assert len({url for url, _ in output}) == 1
    assert len([p for p in _below(top) if p.ppid() == 1 or p.parent().name() != p.name()]) == 1
    assert ask(output[0][0].strip(), "SELECT 1") == (1,)
    assert not list((top / "home").glob("init-*"))


def test_after_kill_9_it_starts_again_at_once_and_so_do_four_at_once(top: Path) -> None:
    url = server.ensure(top)
    ask(url, "CREATE TABLE kept AS SELECT 7 AS n")
    postmaster(top).kill()
    assert server.ensure(top) == url and ask(url, "SELECT n FROM kept") == (7,)
    postmaster(top).kill()
    starters = [start(top) for _ in range(4)]
    assert [starter.communicate(timeout=60)[1] for starter in starters] == [""] * 4
    assert ask(url, "SELECT n FROM kept") == (7,)


def test_a_pid_file_that_names_another_live_process_is_not_believed(top: Path) -> None:
    url = server.ensure(top)
    ask(url, "CREATE TABLE kept AS SELECT 7 AS n")
    postmaster(top).kill()
    _until(lambda: not _below(top))
    pid_file = top / "pgdata" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    assert not server.status(top).up
    assert server.ensure(top) == url and ask(url, "SELECT n FROM kept") == (7,)


@pytest.mark.parametrize(
    "name",
    [
        "with space",
        "it's",
        'a "quote"',
        "a,comma",
        "Übung 学",
        "back\\slash",
        "$(touch x)",
        "l" * 110,
        "l" * 200 + "/" + "m" * 200,
    ],
    ids=["space", "apostrophe", "quotes", "comma", "unicode", "backslash", "shell", "110 bytes", "400 bytes"],
)
def test_odd_paths_are_fine(top: Path, name: str) -> None:
    home = top / name
    url = server.ensure(home)
    assert ask(url, "SELECT current_database()") == ("studyhall",)
    assert server.is_embedded(url, home) and not server.is_embedded(url, top)
    assert server.down(home) and server.ensure(home) == url
    assert ask(url, "SELECT 1") == (1,)
    socket = server.cluster(home).socket
    assert server.down(home) and not server.down(home)
    if socket != home.resolve() / "pgdata":
        shutil.rmtree(socket)


def test_initdb_killed_halfway_leaves_nothing_that_the_next_start_minds(top: Path) -> None:
    starter = start(top, start_new_session=True)
    _until(lambda: any(top.glob("init-*/PG_VERSION")))
    starter.kill()
    starter.communicate()
    for process in psutil.process_iter(["name", "cwd"]):
        if process.info["name"] == "initdb" and process.info["cwd"] == str(top):
            process.kill()
    url = server.ensure(top)
    assert ask(url, "SELECT current_database()") == ("studyhall",)
    assert not list(top.glob("init-*"))


def test_no_acknowledged_commit_is_lost_over_kills_under_four_writers(top: Path) -> None:
    url = server.ensure(top)
    ask(url, "CREATE TABLE written (n int PRIMARY KEY)")
    acknowledged: list[int] = []
    over = threading.Event()

    def write(first: int) -> None:
        n = first
        while not over.is_set():
            try:
                connection = psycopg2.connect(libpq_url(url))
                connection.autocommit = True
                with connection.cursor() as cursor:
                    while not over.is_set():
                        n += 4
                        cursor.execute("INSERT INTO written VALUES (%s)", [n])
                        acknowledged.append(n)
            except psycopg2.Error:
                server.ensure(top)

    writers = [threading.Thread(target=write, args=(first,)) for first in range(4)]
    for writer in writers:
        writer.start()
    for _ in range(3):
        seen = len(acknowledged)
        _until(lambda seen=seen: len(acknowledged) > seen + 50)  # type: ignore[misc]
        postmaster(top).kill()
    over.set()
    for writer in writers:
        writer.join(30)
    server.ensure(top)
    connection = psycopg2.connect(libpq_url(url))
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT n FROM written")
        kept = {n for (n,) in cursor.fetchall()}
    connection.close()
    assert len(acknowledged) > 150 and set(acknowledged) <= kept


def test_a_frozen_orphan_of_the_last_server_keeps_the_next_from_starting_until_it_is_gone(top: Path) -> None:
    url = server.ensure(top)
    connection = psycopg2.connect(libpq_url(url))
    orphan = psutil.Process(connection.get_backend_pid())
    orphan.suspend()
    postmaster(top).kill()
    with pytest.raises(StorageError, match="process of the last server does not end"):
        server.ensure(top, timeout=1)
    orphan.resume()
    assert server.ensure(top) == url and ask(url, "SELECT 1") == (1,)
    connection.close()


def test_a_server_without_a_free_connection_is_up_all_the_same(top: Path) -> None:
    url = server.ensure(top)
    connections = []
    with pytest.raises(psycopg2.OperationalError, match="too many clients"):
        while True:
            connections.append(psycopg2.connect(libpq_url(url)))
    assert len(connections) >= 90
    before = postmaster(top).pid
    assert server.status(top).up and server.ensure(top) == url and postmaster(top).pid == before
    for connection in connections:
        connection.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_it_outlives_its_starter_and_the_starters_process_group(top: Path, number: int) -> None:
    # What a shell starts in the background ignores Ctrl-C, and so would what these tests start.
    heeds = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    linger = heeds + ENSURE + "; sys.stdout.flush(); import time; time.sleep(60)"
    starter = subprocess.Popen(
        [sys.executable, "-c", linger, str(top)],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert starter.stdout is not None
    url = starter.stdout.readline().strip()
    before = postmaster(top).pid
    os.killpg(starter.pid, number)
    starter.wait(10)
    starter.stdout.close()
    assert ask(url, "SELECT 1") == (1,) and postmaster(top).pid == before


def test_a_starter_killed_at_any_moment_leaves_a_server_that_can_be_had(top: Path) -> None:
    for n, delay in enumerate((0.05, 0.2, 0.4, 0.6, 0.8)):
        starter = start(top / str(n), start_new_session=True)
        time.sleep(delay)  # the moment of the kill, not a wait for something
        os.killpg(starter.pid, signal.SIGKILL)
        starter.communicate()
        assert ask(server.ensure(top / str(n)), "SELECT current_database()") == ("studyhall",)
        assert server.down(top / str(n))


def test_a_server_killed_while_it_starts_is_started_again(top: Path) -> None:
    server.ensure(top)
    first = postmaster(top)
    first.kill()
    starter = start(top)
    file = top / "pgdata" / "postmaster.pid"
    begun = lambda: file.exists() and file.read_text().partition("\n")[0] not in ("", str(first.pid))  # noqa: E731
    _until(begun)
    os.kill(int(file.read_text().partition("\n")[0]), signal.SIGKILL)
    _, err = starter.communicate(timeout=60)
    assert starter.returncode == 0, err
    assert ask(server.ensure(top), "SELECT 1") == (1,)


def test_variables_of_the_users_own_postgresql_do_not_reach_the_server(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGDATA", "/nonexistent")
    monkeypatch.setenv("PGOPTIONS", "-c nonsense=1")
    url = server.ensure(top)
    for name in ("PGPORT", "PGDATA", "PGOPTIONS"):
        monkeypatch.delenv(name)
    assert ask(url, "SHOW port") == ("5432",) and ask(url, "SHOW listen_addresses") == ("",)


def test_a_broken_configuration_fails_at_once_and_names_the_log(top: Path) -> None:
    server.ensure(top)
    server.down(top)
    with (top / "pgdata" / "postgresql.conf").open("a") as conf:
        conf.write("max_connections = many\n")
    with pytest.raises(StorageError, match=r"max_connections.*log: .*postgres\.log|postgresql\.conf.*log: ") as caught:
        server.ensure(top)
    assert "\n" not in str(caught.value)


def test_data_of_another_major_version_are_left_alone_and_said_so(top: Path) -> None:
    server.ensure(top)
    server.down(top)
    (top / "pgdata" / "PG_VERSION").write_text("12\n")
    with pytest.raises(StorageError, match="was made by PostgreSQL 12"):
        server.ensure(top)


def test_a_socket_folder_that_somebody_else_laid_is_refused(top: Path) -> None:
    home = top / ("l" * 110)
    home.mkdir()
    socket = server.cluster(home).socket
    (top / "trap").mkdir()
    socket.symlink_to(top / "trap")
    try:
        with pytest.raises(StorageError, match="not a private folder of yours"):
            server.ensure(home)
    finally:
        socket.unlink()


def test_nobody_else_can_enter_and_there_is_no_port(top: Path) -> None:
    server.ensure(top)
    assert (top / "pgdata").stat().st_mode & 0o077 == 0
    looked_at, tcp = set(), []
    for process in _below(top):
        with suppress(psutil.NoSuchProcess):  # a session's process that has just ended listens nowhere
            tcp += [c for c in process.net_connections("tcp") if c.status == "LISTEN"]
            looked_at.add(process.pid)
    assert tcp == [] and postmaster(top).pid in looked_at


root = pytest.mark.skipif(os.geteuid() != 0, reason="what root needs that others do not")


@root
def test_as_root_it_runs_as_another_user_and_a_home_it_cannot_enter_gets_a_folder_of_the_state_directory(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "STATE", top / "state")
    private = top / "private"
    private.mkdir(mode=0o700)
    url = server.ensure(private / "home")
    assert postmaster(private / "home").uids().real != 0
    assert private.stat().st_mode & 0o777 == 0o700 and (private / "home").stat().st_uid == 0
    assert server.status(private / "home").data.is_relative_to(top / "state")
    assert ask(url, "SELECT 1") == (1,)


@root
def test_binaries_that_the_servers_user_cannot_reach_are_copied_beside_the_data(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = top / "private"
    package = postgres.binaries().parents[1]
    for folder in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(folder, private / folder.name)
    private.chmod(0o700)
    monkeypatch.setattr(postgres, "binaries", lambda: private / package.name / "pginstall" / "bin")
    monkeypatch.setattr(server, "STATE", top / "state")
    assert ask(server.ensure(top / "home"), "SELECT 1") == (1,)
    who = postgres.account(top / "home" / "pgdata")
    bins = postgres.binaries_for(who, top / "state")
    assert bins.is_relative_to(top) and not bins.is_relative_to(private)
    monkeypatch.setattr(postgres, "binaries", lambda: bins)
    shutil.rmtree(private)
    for name in ("postgres", "initdb", "pg_ctl", "pg_isready", "pg_dump"):
        ran = subprocess.run([bins / name, "--version"], capture_output=True, text=True, **who.process_options())
        assert ran.returncode == 0 and "PostgreSQL" in ran.stdout
    assert ask(server.ensure(top / "home"), "SELECT 1") == (1,)


@root
def test_a_user_without_a_name_gets_one_line(top: Path) -> None:
    taken = {entry.pw_uid for entry in pwd.getpwall()}
    uid = next(uid for uid in range(54321, 60000) if uid not in taken)
    (top / "home").mkdir()
    os.chown(top / "home", uid, uid)
    probe = (
        "import sys; from pathlib import Path; from storage import server; from storage.errors import StorageError\n"
        "try: server.ensure(Path(sys.argv[1]))\n"
        "except StorageError as error: print(error)"
    )
    # Only where this user can read the checkout and the interpreter; root's own home is often closed.
    who = postgres.Account(uid, uid)
    if not (who.reaches(CHECKOUT / "cli.py") and who.reaches(Path(sys.executable))):
        from unittest.mock import patch

        with patch("os.geteuid", lambda: uid), pytest.raises(StorageError, match="no entry in the passwd file"):
            server.ensure(top / "home")
        return
    ended = subprocess.run(
        [sys.executable, "-c", probe, str(top / "home")],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        user=uid,
        group=uid,
    )
    assert "no entry in the passwd file" in ended.stdout and ended.stdout.count("\n") == 1, ended.stderr


def test_a_home_that_cannot_be_made_gets_one_line(top: Path) -> None:
    (top / "file").write_text("")
    with pytest.raises(StorageError, match="STUDYHALL_HOME") as caught:
        server.ensure(top / "file" / "home")
    assert "\n" not in str(caught.value)


def _until(true: object, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)
