"""The embedded PostgreSQL: one private cluster a user, started by whichever command needs it, outliving them all.

    up ──down──► down      A start lock (`pg.lock`) lets one starter in at a time; the kernel frees it if that one dies.
    ▲             │        An alive lock (`pg.alive`) is inherited by the postmaster and every backend: while anybody
    └───ensure────┘        holds it, a process of the last server is left, whatever a stale postmaster.pid says.

It listens on a Unix socket in a 0700 folder and nowhere else: no port, no password, nobody else; unless an address was
asked for (storage/listening.py), and then beside the socket. Its URL stays the same over restarts. Where we are root,
it runs as another user, and where that user cannot come to our folder, its data lie in a folder of our own in the
system's state directory. The mode of a folder that is not ours is never changed.
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
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

from storage.errors import StorageError
from storage.files import replacing
from storage.postgres import Account, account, binaries, binaries_for, environment, on_network, version

USER = "studyhall"
NETWORK_ROLE = "studyhall_network"
ASKED = "listen.json"
STATE = Path("/var/lib/studyhall")
LONGEST_SOCKET = 85
"""Bytes of a folder's path that leave room for the socket's name: macOS ends at 103."""

SETTINGS = """\
# Written anew at every start: settings of your own belong into postgresql.conf, below the line that includes this.
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
# Written anew at every start. The socket's folder is private; over the network nobody comes without the password.
local all all trust
"""


@dataclass(frozen=True)
class Listening:
    """An address that the server was asked to listen on."""

    host: str
    port: int
    tls: bool


@dataclass(frozen=True)
class ServerStatus:
    """The embedded server as it is."""

    up: bool
    url: str
    data: Path
    pid: int | None
    version: str
    log: Path
    listening: Listening | None


@dataclass(frozen=True)
class Cluster:
    """Where everything of one server lies."""

    base: Path
    """With the locks: `STUDYHALL_HOME`, or a folder in the system's state directory."""
    who: Account

    @property
    def data(self) -> Path:
        return self.base / "pgdata"

    @property
    def log(self) -> Path:
        return self.data / "postgres.log"

    @property
    def socket(self) -> Path:
        """The folder of the socket: the data's own unless its path is too long or cannot be written in a list."""
        if len(os.fsencode(self.data)) <= LONGEST_SOCKET and not set(str(self.data)) & set(',"\\\n'):
            return self.data
        name = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:12]
        return Path("/tmp") / f"studyhall-{name}-{os.geteuid()}"

    @property
    def url(self) -> str:
        return f"postgresql+psycopg2://{USER}@/{USER}?host={quote(str(self.socket), safe='')}&port=5432"

    def answers(self) -> bool:
        """Whether a server of this cluster is there, be it too busy for one more connection."""
        if not (self.data / "postmaster.pid").exists():
            return False
        ready: list[str | Path] = [
            binaries() / "pg_isready",
            "-q",
            "-t",
            "3",
            "-h",
            self.socket,
            "-p",
            "5432",
            "-U",
            USER,
            "-d",
            USER,
        ]
        return subprocess.run(ready, env=environment()).returncode == 0


def cluster(home: Path) -> Cluster:
    """The cluster that belongs to a home.

    Raises:
        StorageError: PostgreSQL cannot run here as we are.
    """
    base = home.expanduser().resolve()
    who = account(base / "pgdata")
    if not who.reaches(base):
        base = STATE / hashlib.sha256(os.fsencode(base)).hexdigest()[:12]
        who = account(base / "pgdata")
    return Cluster(base, who)


def status(home: Path) -> ServerStatus:
    """The server of this home. Starts nothing."""
    found = cluster(home)
    up = found.answers()
    pid = int((found.data / "postmaster.pid").read_text().split()[0]) if up else None
    return ServerStatus(up, found.url, found.data, pid, version(binaries()), found.log, read_listening(found.base))


def is_embedded(url: str, home: Path) -> bool:
    """Whether a URL leads to the server of this home, whichever its database."""
    return parse_qs(urlsplit(url).query).get("host") == [str(cluster(home).socket)]


def ensure(home: Path, timeout: float = 60) -> str:
    """The URL of the server of this home, which is up when this returns.

    Args:
        home: Made if it is not there.
        timeout: Seconds to wait for a start, for recovery after a crash, or for the last server's processes to end.

    Raises:
        StorageError: It cannot run here, or does not come up.
    """
    _make(home.expanduser())
    found = cluster(home)
    if found.answers():
        return found.url
    _prepare(found)
    bins = binaries_for(found.who, STATE)
    end = time.monotonic() + timeout
    with _alone(found.base / "pg.lock", end):
        while not found.answers():
            alive = _sole_user(found.base / "pg.alive", end, found)
            if alive is None:
                continue
            try:
                _start(found, bins, alive, end)
            finally:
                os.close(alive)  # closed, never unlocked: the server holds the same lock
    return found.url


def down(home: Path) -> bool:
    """Stop the server of this home; whether there was one. Sessions are ended, their transactions rolled back, and an
    address that it listened on is forgotten.

    Raises:
        StorageError: It does not stop.
    """
    found = cluster(home)
    forget_listening(found.base)
    return stop(found)


def stop(found: Cluster) -> bool:
    """The same, but it comes back as it was."""
    if not found.answers():
        return False
    command: list[str | Path] = [binaries_for(found.who, STATE) / "pg_ctl", "-m", "fast", "-w", "-t", "60", "stop"]
    ended = _run(found, command)
    if ended.returncode != 0:
        raise StorageError(f"the embedded server does not stop: {_last_line(ended.stdout)}")
    return True


def read_listening(base: Path) -> Listening | None:
    """The address that the server of this base was asked to listen on."""
    try:
        return Listening(**json.loads((base / ASKED).read_text()))
    except FileNotFoundError:
        return None


def write_listening(found: Cluster, listening: Listening) -> None:
    """From its next start on."""
    with replacing(found.base / ASKED) as aside:
        aside.write_text(json.dumps(asdict(listening)))


def forget_listening(base: Path) -> None:
    """From its next start on: the socket alone."""
    (base / ASKED).unlink(missing_ok=True)


def has_tls(found: Cluster) -> bool:
    """Whether PostgreSQL's binaries were built with it."""
    return _run(found, [binaries_for(found.who, STATE) / "postgres", "-C", "ssl", "-c", "ssl=on"]).returncode == 0


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{folder}: {error.strerror}; set STUDYHALL_HOME to a folder of yours") from error


def _prepare(found: Cluster) -> None:
    if found.base.is_relative_to(STATE):
        for folder in (STATE, found.base):
            _make(folder)
            folder.chmod(0o755)  # ours, whatever the umask is
    network = on_network(found.base)
    if network is not None:
        raise StorageError(
            f"{found.base} lies on {network}, which is no place for a database: "
            "set STUDYHALL_HOME to a folder on a local disk, or give the URL of a server with --storage"
        )


@contextmanager
def _alone(path: Path, end: float) -> Iterator[None]:
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "a") as lock:
        while True:
            try:
                fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except (BlockingIOError, PermissionError):
                if time.monotonic() > end:
                    raise StorageError(f"another process has been starting the server for long: {path}") from None
                time.sleep(0.02)
        yield


def _sole_user(path: Path, end: float, found: Cluster) -> int | None:
    """The alive lock, once nobody of the last server is left: starting, recovering, or an orphaned backend. None if a
    server answers: it may be gone the next moment, but without the lock nobody may start another."""
    alive = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    while True:
        try:
            fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return alive
        except BlockingIOError:
            if found.answers():
                os.close(alive)
                return None
            if time.monotonic() > end:
                os.close(alive)
                raise StorageError(
                    f"a process of the last server is still there and does not end, see `fuser {path}` and {found.log}"
                ) from None
            time.sleep(0.05)


def _start(found: Cluster, bins: Path, alive: int, end: float) -> None:
    if not found.data.exists():
        _make_cluster(found, bins)
    made_by = (found.data / "PG_VERSION").read_text().strip()
    if made_by != version(bins).split(".")[0]:
        raise StorageError(
            f"{found.data} was made by PostgreSQL {made_by}, this is {version(bins)}: with the old program "
            "`storage backup FILE`, then move the folder away and `storage restore FILE`"
        )
    _own_socket_folder(found)
    listening = read_listening(found.base)
    _write_settings(found, listening)
    for stale in (found.data / "postmaster.pid", *found.socket.glob(".s.PGSQL.*")):
        stale.unlink(missing_ok=True)  # we hold the alive lock: nobody is left
    if listening is not None and listening.port != 5432:  # the port names the socket too: ours keeps its name
        (found.socket / ".s.PGSQL.5432").symlink_to(f".s.PGSQL.{listening.port}")
    # Relative paths and PGDATA from the environment: pg_ctl puts its arguments through a shell.
    seconds = str(max(1, int(end - time.monotonic())))
    start: list[str | Path] = [bins / "pg_ctl", "-w", "-t", seconds, "-l", "pgdata/postgres.log", "start"]
    begin = found.log.stat().st_size if found.log.exists() else 0
    ended = _run(found, start, alive)
    if ended.returncode != 0:
        if (found.data / "postmaster.pid").exists() and time.monotonic() < end:
            return  # killed while it started, else it would have taken its file along: the caller tries again
        said = found.log.read_bytes()[begin:].decode(errors="replace") if found.log.exists() else ended.stdout
        raise StorageError(f"the embedded server does not start: {_complaint(said)} (log: {found.log})")


def _write_settings(found: Cluster, listening: Listening | None) -> None:
    """For a start: where it listens, and who may come in by which way."""
    access = ACCESS
    if listening is not None:
        kind = "hostssl" if listening.tls else "host"
        access += f"{kind} {USER} {NETWORK_ROLE} all scram-sha-256\n"
    text = SETTINGS.format(
        socket=str(found.socket).replace("'", "''"),
        host=listening.host if listening else "",
        port=listening.port if listening else 5432,
        ssl="on" if listening is not None and listening.tls else "off",
    )
    for file, content in (("studyhall.conf", text), ("studyhall_hba.conf", access)):
        (found.data / file).write_text(content)
        found.who.own(found.data / file)


def _make_cluster(found: Cluster, bins: Path) -> None:
    """Aside, then renamed: there is never a half-made cluster, and never one without our database."""
    for half in found.base.glob("init-*"):
        shutil.rmtree(half, ignore_errors=True)  # its initdb may still be on its way out
    aside = Path(tempfile.mkdtemp(prefix="init-", dir=found.base))
    found.who.own(aside)
    provider = (
        ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if int(version(bins).split(".")[0]) > 16 else []
    )
    made = _run(found, [bins / "initdb", "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", *provider], data=aside)
    if made.returncode != 0:
        raise StorageError(f"initdb does not make {found.data}: {_last_line(made.stdout)}")
    with (aside / "postgresql.conf").open("a") as conf:
        conf.write("\ninclude_if_exists = 'studyhall.conf'\n")
    single: list[str | Path] = [bins / "postgres", "--single", "-F", "postgres"]
    made = _run(found, single, data=aside, typed=f"CREATE DATABASE {USER};\n")
    if made.returncode != 0 or "ERROR" in made.stdout:
        raise StorageError(f"PostgreSQL does not make our database: {_complaint(made.stdout)}")
    aside.rename(found.data)


def _own_socket_folder(found: Cluster) -> None:
    """Make it if it lies outside the data; refuse one that somebody else could have laid there."""
    if found.socket == found.data:
        return
    found.socket.mkdir(mode=0o700, exist_ok=True)
    at = found.socket.lstat()
    if not stat.S_ISDIR(at.st_mode) or at.st_uid not in (os.geteuid(), found.who.uid) or at.st_mode & 0o077:
        raise StorageError(
            f"{found.socket} is not a private folder of ours: remove it, or use a shorter STUDYHALL_HOME"
        )
    found.who.own(found.socket)


def _run(
    found: Cluster, command: list[str | Path], alive: int | None = None, data: Path | None = None, typed: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run one of PostgreSQL's programs as the server's user, in a session of its own; what it says is text.

    What it says goes to a file, since the server keeps the descriptor for as long as it lives.
    """
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as given:
        given.write(typed)
        given.seek(0)
        ended = subprocess.run(
            list(map(str, command)),
            cwd=found.base,
            env=environment({"PGDATA": (data or found.data).name}),
            stdin=given,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=() if alive is None else (alive,),
            **found.who.of_child(),
        )
        said.seek(0)
        return subprocess.CompletedProcess(ended.args, ended.returncode, said.read())


def _last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "it says nothing")


def _complaint(text: str) -> str:
    """The line that tells why: the last that PostgreSQL calls FATAL, PANIC or ERROR."""
    bad = [line for line in text.splitlines() if any(word in line for word in ("FATAL:", "PANIC:", "ERROR:"))]
    return _last_line("\n".join(bad) or text)
