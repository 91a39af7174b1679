"""The embedded PostgreSQL: one private cluster a user. The first command that needs it starts it, and it stays up.

    up ──down──► down      The start lock (`pg.lock`) admits one starter at a time; the kernel frees it if that dies.
    ▲             │        The postmaster and every backend inherit the alive lock (`pg.alive`): while it is held, a
    └───ensure────┘        process of the last server still runs, whatever a stale postmaster.pid says.

The server listens on a Unix socket in a 0700 folder, without a port or a password; storage/listening.py adds an address
on request. Its URL stays the same over restarts. Root's server runs as another user. If that user cannot reach the
home, the data lie in a folder of Studyhall's own in the system's state directory. The mode of any other folder is never
changed.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

from storage.errors import StorageError
from storage.files import replacing
from storage.postgres import Account, account, binaries, binaries_for, environment, on_network, version
from storage.strays import stop_strays
from storage.url import check_url, hosts_of

USER = "studyhall"
NETWORK_ROLE = "studyhall_network"
LISTENING_FILE = "listen.json"
STRAY_SECONDS = 2.0
"""That a server may live without its socket: longer than its own end takes."""
STATE = Path("/var/lib/studyhall")
MAX_SOCKET_FOLDER_BYTES = 85
"""Leaves room for the socket's name: macOS allows 103 bytes for both."""

SERVER_SETTINGS = """\
# Written again at every start: put your own settings into postgresql.conf, below the line that includes this.
listen_addresses = '{host}'
port = {port}
hba_file = 'pgdata/studyhall_hba.conf'
ssl = {ssl}
password_encryption = 'scram-sha-256'
unix_socket_permissions = 0700
unix_socket_directories = '{socket}'
max_parallel_workers_per_gather = 0  # a container's 64 MiB of /dev/shm do not carry a parallel hash join
log_checkpoints = off
"""


ACCESS = """\
# Written again at every start. The socket's folder is private; a connection over the network needs the password.
local all all trust
"""


@dataclass(frozen=True)
class Listening:
    """An address that the server listens on beside its socket."""

    host: str
    port: int
    tls: bool


@dataclass(frozen=True)
class ServerStatus:
    """The embedded server as it is; `storage status --json` prints these fields."""

    up: bool
    url: str
    version: str
    pid: int | None
    data: Path
    log: Path
    listens: Listening | None


@dataclass(frozen=True)
class Cluster:
    """The folders of one server."""

    base: Path
    """Holds data and locks: `STUDYHALL_HOME`, or a folder in the system's state directory."""
    who: Account

    @property
    def data(self) -> Path:
        return self.base / "pgdata"

    @property
    def log(self) -> Path:
        return self.data / "postgres.log"

    @property
    def socket(self) -> Path:
        """The socket's folder: the data folder, unless its path is too long or PostgreSQL's settings cannot hold it."""
        if len(os.fsencode(self.data)) <= MAX_SOCKET_FOLDER_BYTES and not set(str(self.data)) & set(',"\\\n'):
            return self.data
        name = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:12]
        return Path("/tmp") / f"studyhall-{name}-{os.geteuid()}"

    @property
    def url(self) -> str:
        return check_url(f"postgresql://{USER}@/{USER}?host={quote(str(self.socket), safe='')}&port=5432")

    def answers(self) -> bool:
        """Whether a server of this cluster runs, even if it has no connection to spare."""
        if not (self.data / "postmaster.pid").exists():
            return False
        options = ["--quiet", "--timeout=3", f"--host={self.socket}", "--port=5432", f"--username={USER}"]
        ready: list[str | Path] = [binaries() / "pg_isready", *options, f"--dbname={USER}"]
        return subprocess.run(ready, env=environment()).returncode == 0


def cluster(home: Path) -> Cluster:
    """The cluster that belongs to a home.

    Raises:
        StorageError: PostgreSQL cannot run as this user.
    """
    base = home.expanduser().resolve()
    who = account(base / "pgdata")
    if not who.reaches(base):
        base = STATE / hashlib.sha256(os.fsencode(base)).hexdigest()[:12]
        who = account(base / "pgdata")
    return Cluster(base, who)


def status(home: Path) -> ServerStatus:
    """The server of this home; starts nothing."""
    found = cluster(home)
    up = found.answers()
    pid = int((found.data / "postmaster.pid").read_text().split()[0]) if up else None
    return ServerStatus(up, found.url, version(binaries()), pid, found.data, found.log, read_listening(found.base))


def is_embedded(url: str, home: Path) -> bool:
    """Whether a URL leads to the server of this home, to any database of it."""
    try:
        return (hosts := hosts_of(url))[0].startswith("/") and hosts == [str(cluster(home).socket)]
    except StorageError:  # this user can have no server
        return False


def ensure(home: Path, timeout: float = 60) -> str:
    """Start the server of this home unless it is up; its URL.

    Args:
        home: Made if it is missing.
        timeout: Seconds for a start, for recovery after a crash, or for the last server's processes to end.

    Raises:
        StorageError: The server cannot run here, or does not start.
    """
    _make(home.expanduser())
    found = cluster(home)
    if found.answers():
        return found.url
    _prepare(found)
    bins = binaries_for(found.who, STATE)
    end = time.monotonic() + timeout
    with _start_lock(found.base / "pg.lock", end):
        while not found.answers():
            alive = _alive_lock(found.base / "pg.alive", end, found)
            if alive is None:
                continue
            try:
                _start(found, bins, alive, end)
            finally:
                os.close(alive)  # never unlocked: the server holds the same lock
    return found.url


def down(home: Path) -> bool:
    """Stop the server of this home, and forget its address; whether it was up. Open transactions are rolled back.

    Raises:
        StorageError: The server does not stop.
    """
    found = cluster(home)
    forget_listening(found.base)
    return stop(found)


def stop(found: Cluster) -> bool:
    """Stop the server; its next start listens on the same address. Returns whether it was up."""
    if not found.answers():
        return False
    ended = _run(found, [binaries_for(found.who, STATE) / "pg_ctl", "-m", "fast", "-w", "-t", "60", "stop"])
    if ended.returncode != 0:
        raise StorageError(f"the embedded server does not stop: {_last_line(ended.stdout)}")
    return True


def read_listening(base: Path) -> Listening | None:
    """The address that the server of this folder listens on; None: its socket alone."""
    try:
        return Listening(**json.loads((base / LISTENING_FILE).read_text()))
    except FileNotFoundError:
        return None


def write_listening(found: Cluster, listening: Listening) -> None:
    """Listen on this address from the next start on."""
    with replacing(found.base / LISTENING_FILE) as aside:
        aside.write_text(json.dumps(asdict(listening)))


def forget_listening(base: Path) -> None:
    """Listen on the socket alone from the next start on."""
    (base / LISTENING_FILE).unlink(missing_ok=True)


def has_tls(found: Cluster) -> bool:
    """Whether PostgreSQL's binaries were built with TLS."""
    return _run(found, [binaries_for(found.who, STATE) / "postgres", "-C", "ssl", "-c", "ssl=on"]).returncode == 0


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{error.strerror}; set STUDYHALL_HOME to a folder of yours", str(folder)) from error


def _prepare(found: Cluster) -> None:
    if found.base.is_relative_to(STATE):
        for folder in (STATE, found.base):
            _make(folder)
            folder.chmod(0o755)  # whatever the umask is
    network = on_network(found.base)
    if network is not None:
        raise StorageError(
            f"{found.base} lies on {network}, a network file system, which cannot hold a database: "
            "set STUDYHALL_HOME to a folder on a local disk, or give the URL of a server with --storage"
        )


@contextmanager
def _start_lock(path: Path, end: float) -> Iterator[None]:
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "a") as lock:
        while True:
            try:
                fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except (BlockingIOError, PermissionError):
                if time.monotonic() > end:
                    raise StorageError(f"another process is still starting the server: it holds {path}") from None
                time.sleep(0.02)
        yield


def _alive_lock(path: Path, end: float, found: Cluster) -> int | None:
    """The alive lock, once every process of the last server has ended. None: a server answers. That one may be gone the
    next moment, but no process may start another server without the lock."""
    alive = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    patience = time.monotonic() + STRAY_SECONDS
    while True:
        try:
            fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return alive
        except BlockingIOError:
            if found.answers():
                os.close(alive)
                return None
            if time.monotonic() > patience:  # longer than one that is ending
                stop_strays(found.data, found.socket / ".s.PGSQL.5432")
                patience = end
            if time.monotonic() > end:
                os.close(alive)
                raise StorageError(
                    f"a process of the last server does not end: see `fuser {path}` and {found.log}"
                ) from None
            time.sleep(0.05)


def _start(found: Cluster, bins: Path, alive: int, end: float) -> None:
    if not found.data.exists():
        stop_strays(found.data, found.socket)
        _make_cluster(found, bins)
    made_by = (found.data / "PG_VERSION").read_text().strip()
    if made_by != version(bins).split(".")[0]:
        raise StorageError(
            f"{found.data} was made by PostgreSQL {made_by}, this is {version(bins)}: run `storage backup FILE` with "
            "the old program, move the folder away, then run `storage restore FILE`"
        )
    _make_socket_folder(found)
    listening = read_listening(found.base)
    _write_settings(found, listening)
    for stale in (found.data / "postmaster.pid", *found.socket.glob(".s.PGSQL.*")):
        stale.unlink(missing_ok=True)  # the alive lock is held: no process of the last server is left
    if listening is not None and listening.port != 5432:  # the port names the socket too; a link keeps the URL's name
        (found.socket / ".s.PGSQL.5432").symlink_to(f".s.PGSQL.{listening.port}")
    # Relative paths, and PGDATA from the environment: pg_ctl passes its arguments through a shell.
    seconds = str(max(1, int(end - time.monotonic())))
    start: list[str | Path] = [bins / "pg_ctl", "-w", "-t", seconds, "-l", "pgdata/postgres.log", "start"]
    begin = found.log.stat().st_size if found.log.exists() else 0
    ended = _run(found, start, alive)
    if ended.returncode != 0:
        if (found.data / "postmaster.pid").exists() and time.monotonic() < end:
            return  # killed while it started: otherwise it would have removed its file. The caller tries again
        text = found.log.read_bytes()[begin:].decode(errors="replace") if found.log.exists() else ended.stdout
        raise StorageError(f"the embedded server does not start: {_last_error(text)} (log: {found.log})")


def _write_settings(found: Cluster, listening: Listening | None) -> None:
    """Write the settings and the access rules for a start."""
    access = ACCESS
    if listening is not None:
        kind = "hostssl" if listening.tls else "host"
        access += f"{kind} {USER} {NETWORK_ROLE} all scram-sha-256\n"
    text = SERVER_SETTINGS.format(
        socket=str(found.socket).replace("'", "''"),
        host=listening.host if listening else "",
        port=listening.port if listening else 5432,
        ssl="on" if listening is not None and listening.tls else "off",
    )
    for file, content in (("studyhall.conf", text), ("studyhall_hba.conf", access)):
        (found.data / file).write_text(content)
        found.who.own(found.data / file)


def _make_cluster(found: Cluster, bins: Path) -> None:
    """Make the data folder beside its place and rename it, so that it is always complete and holds the database."""
    for half in found.base.glob("init-*"):
        shutil.rmtree(half, ignore_errors=True)  # its initdb may still be ending
    aside = Path(tempfile.mkdtemp(prefix="init-", dir=found.base))
    found.who.own(aside)
    provider = (
        ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if int(version(bins).split(".")[0]) > 16 else []
    )
    made = _run(found, [bins / "initdb", "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", *provider], data=aside)
    if made.returncode != 0:
        raise StorageError(f"initdb cannot make {found.data}: {_last_line(made.stdout)}")
    with (aside / "postgresql.conf").open("a") as conf:
        conf.write("\ninclude_if_exists = 'studyhall.conf'\n")
    single: list[str | Path] = [bins / "postgres", "--single", "-F", "postgres"]
    made = _run(found, single, data=aside, stdin=f"CREATE DATABASE {USER};\n")
    if made.returncode != 0 or "ERROR" in made.stdout:
        raise StorageError(f"PostgreSQL cannot make the database: {_last_error(made.stdout)}")
    aside.rename(found.data)


def _make_socket_folder(found: Cluster) -> None:
    """Make the socket's folder if it lies outside the data; refuse a folder that another user can write."""
    if found.socket == found.data:
        return
    found.socket.mkdir(mode=0o700, exist_ok=True)
    at = found.socket.lstat()
    if not stat.S_ISDIR(at.st_mode) or at.st_uid not in (os.geteuid(), found.who.uid) or at.st_mode & 0o077:
        raise StorageError(
            f"{found.socket} is not a private folder of yours: remove it, or use a shorter STUDYHALL_HOME"
        )
    found.who.own(found.socket)


def _run(
    found: Cluster, command: Sequence[str | Path], alive: int | None = None, data: Path | None = None, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run one of PostgreSQL's programs as the server's user, in a session of its own.

    Its output goes to a file, since the server keeps the descriptor open for as long as it runs.
    """
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as given:
        given.write(stdin)
        given.seek(0)
        ended = subprocess.run(
            list(map(str, command)),
            cwd=found.base,
            env=environment({"PGDATA": (data or found.data).name}),
            stdin=given,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=() if alive is None else (alive,),
            **found.who.process_options(),
        )
        output.seek(0)
        return subprocess.CompletedProcess(ended.args, ended.returncode, output.read())


def _last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "no output")


def _last_error(text: str) -> str:
    """The last line that PostgreSQL marks as FATAL, PANIC or ERROR; without one, the last line."""
    bad = [line for line in text.splitlines() if any(word in line for word in ("FATAL:", "PANIC:", "ERROR:"))]
    return _last_line("\n".join(bad) or text)
