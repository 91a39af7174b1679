"""`storage up --listen`: who can come in over the network, by real connections, and what is left of it afterwards."""

from __future__ import annotations

import json
import os
import shutil
import socket
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg2
import pytest

from storage import listening, postgres, server
from storage.errors import StorageError
from storage.session import Session
from storage.url import libpq_url
from tests.support.growth_trace import write_definition
from tests.support.program import Program, until
from tests.support.slurm_cluster import free_ports, words

SYSTEM = sorted(postgres.DEBIAN.glob("*/bin"))[-1:]


@pytest.fixture
def home(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home of its own, with a server of its own, for the program and for this process."""
    folder = Path(tempfile.mkdtemp(prefix="studyhall-listen-"))
    folder.chmod(0o755)
    del environment["STUDYHALL_STORAGE"]
    environment["STUDYHALL_HOME"] = str(folder)
    monkeypatch.setenv("STUDYHALL_HOME", str(folder))
    yield folder
    server.down(folder)
    shutil.rmtree(folder)


@pytest.fixture
def port() -> int:
    return free_ports(1)[0]


def addresses(home: Path) -> set[tuple[str, int]]:
    """Where the server's processes listen."""
    pid = server.status(home).pid
    assert pid is not None
    return {(each.laddr.ip, each.laddr.port) for each in psutil.Process(pid).net_connections("inet")}


def refused(url: str) -> str:
    with pytest.raises(psycopg2.OperationalError) as error:
        psycopg2.connect(libpq_url(url), connect_timeout=5)
    return str(error.value)


def whoami(url: str) -> tuple[str, bool]:
    session = Session(url)
    try:
        (row,) = session.execute("SELECT current_user AS name, ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        return row.name, row.ssl
    finally:
        session.close()


def test_it_listens_where_it_is_asked_to_by_a_password_that_is_never_shown(
    program: Program, home: Path, port: int, environment: dict[str, str]
) -> None:
    ended = program("storage", "up")
    assert ended.returncode == 0 and addresses(home) == set(), "nothing listens unless it is asked to"
    ended = program("storage", "up", "--listen", f"127.0.0.1:{port}")
    assert ended.returncode == 0, ended.stderr
    assert addresses(home) == {("127.0.0.1", port)}
    url, file = ended.stdout.strip(), home / "password"
    assert f"its password is in {file}" in ended.stderr and f"ssh -N -L {port}:127.0.0.1:{port}" in ended.stderr
    password = file.read_text().strip().rpartition(":")[2]
    assert len(password) >= 30 and stat.S_IMODE(file.stat().st_mode) == 0o600 and file.stat().st_uid == os.getuid()

    assert whoami(url) == ("studyhall_network", False)
    bare = url.partition("?")[0]
    assert whoami(bare.replace("@", f":{password}@"))[0] == "studyhall_network"
    assert "no password supplied" in refused(bare)
    assert "password authentication failed" in refused(bare.replace("@", ":wrong@"))
    for other in ("studyhall@", f"studyhall:{password}@"):
        assert "no pg_hba.conf entry" in refused(bare.replace("studyhall_network@", other)), "not the owner of all"
    assert "no pg_hba.conf entry" in refused(bare.replace("/studyhall", "/postgres"))
    assert program("storage", "check").returncode == 0, "the socket has its old name"
    assert program("storage", "url").stdout.strip() == url
    shown = program("storage", "status", "--json").stdout
    assert json.loads(shown)["listens"] == {"host": "127.0.0.1", "port": port, "tls": False}

    again = program("storage", "up", "--listen", f"127.0.0.1:{port}")
    assert again.stdout == ended.stdout and file.read_text().strip().endswith(password)
    everything = ended.stdout + ended.stderr + shown + "".join(program("storage", "url").stderr)
    everything += " ".join(word for process in psutil.process_iter() for word in words(process))
    assert password not in everything
    files = [each for each in home.rglob("*") if each.is_file() and each != file]
    assert not [each for each in files if password.encode() in each.read_bytes()], "not even the server keeps it"


def test_a_worker_over_the_network_needs_no_more_rights_than_it_has(
    program: Program, home: Path, port: int, tmp_path: Path, environment: dict[str, str]
) -> None:
    url = program("storage", "up", "--listen", f"localhost:{port}").stdout.strip()
    file = write_definition(tmp_path, steps=1)
    ended = program("run", "grow", "--study", "far", "--file", file, "--workers", 2, "--storage", url)
    assert ended.returncode == 0, "it may make the tables: " + ended.stderr
    assert program("run", "grow", "--study", "near", "--file", file, "--workers", 2).returncode == 0
    assert program("run", "grow", "--study", "near", "--steps", 2, "--storage", url).returncode == 0
    for name in ("far", "near"):
        assert json.loads(program("audit", "--study", name, "--json", "--storage", url).stdout)["holds"]
    with pytest.raises(StorageError, match="permission denied"):
        session = Session(url)
        try:
            session.execute("COPY (SELECT 1) TO PROGRAM 'true'")
        finally:
            session.close()


def test_down_and_a_plain_up_close_it_and_a_kill_does_not(program: Program, home: Path, port: int) -> None:
    url = program("storage", "up", "--listen", f"127.0.0.1:{port}").stdout.strip()
    pid = server.status(home).pid
    assert pid is not None
    psutil.Process(pid).kill()
    until(lambda: program("storage", "check").returncode == 0)
    assert addresses(home) == {("127.0.0.1", port)} and whoami(url), "it comes back as it was asked for"
    assert program("storage", "up").returncode == 0 and addresses(home) == set()
    assert "refused" in refused(url) and program("storage", "check").returncode == 0
    program("storage", "up", "--listen", f"127.0.0.1:{port}")
    assert program("storage", "down").stdout == "stopped\n"
    assert program("storage", "check").returncode == 0 and addresses(home) == set()
    assert "passfile" not in program("storage", "url").stdout


@pytest.mark.skipif(not SYSTEM or shutil.which("openssl") is None, reason="no PostgreSQL of the system, or no openssl")
def test_with_tls_only_encrypted_connections_come_in_and_clients_know_the_server(
    home: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (postgres, server):
        monkeypatch.setattr(module, "binaries", lambda: SYSTEM[0])
    url, *output = listening.up(home, f"127.0.0.1:{port}")
    assert any("TLS" in line for line in output) and "sslmode=verify-ca" in url
    assert whoami(url) == ("studyhall_network", True)
    assert whoami(url.replace("verify-ca", "verify-full")) == ("studyhall_network", True)
    assert "no encryption" in refused(url.replace("verify-ca", "disable"))
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1"]
    subprocess.run([*command, "-keyout", "/dev/null", "-out", home / "other.crt"], capture_output=True, check=True)
    assert "certificate verify failed" in refused(url.replace("server.crt", "other.crt"))
    key = server.cluster(home).data / "server.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600 and not (home / "server.key").exists()
    before = (home / "server.crt").read_bytes()
    server.down(home)
    assert listening.up(home, f"127.0.0.1:{port}")[0] == url and (home / "server.crt").read_bytes() == before
    server.down(home)


def test_a_port_that_somebody_has_is_refused_and_the_server_stays_as_it_is(program: Program, home: Path) -> None:
    program("storage", "up")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = program("storage", "up", "--listen", f"127.0.0.1:{taken.getsockname()[1]}")
    assert ended.returncode == 2 and len(ended.stderr.splitlines()) == 1 and "in use" in ended.stderr
    assert server.status(home).up and addresses(home) == set()
