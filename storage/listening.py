"""`storage up --listen`: the embedded server on an address of this host, for workers on others. Only where asked for.

    socket only ──up --listen──► listens ──down, or up without --listen──► socket only

What was asked is kept beside the data, so that a server that was killed comes back as it was. Over the network there is
one role, which owns nothing that was there before it and has no rights on the server, and it always needs its password:
generated, kept in one file that only its owner can read, known to the server as a SCRAM verifier alone. With TLS where
PostgreSQL's binaries have it, under a certificate of its own making.
"""

from __future__ import annotations

import ipaddress
import re
import secrets
import shutil
import socket
import subprocess
from pathlib import Path
from urllib.parse import quote

from storage import server
from storage.errors import StorageError, UsageError
from storage.files import replacing
from storage.session import Session

LOOPBACK = "127.0.0.1"
PORT = 5432
PASSWORD = "password"  # a file in the home, as libpq reads it: `passfile`
CERTIFICATE = "server.crt"  # beside it: what a client needs, no secret


def asked_for(address: str) -> tuple[str, int]:
    """Host and port from `--listen [HOST[:PORT]]`.

    Raises:
        UsageError: It is no one address of this host, or somebody else is there.
    """
    match = re.fullmatch(r"(?P<host>\[[0-9a-fA-F:.]+\]|[\w.-]*)(?::(?P<port>\d{1,5}))?", address)
    if match is None or not 0 < int(match["port"] or PORT) < 1 << 16:
        raise UsageError(f"--listen: {address!r} is not HOST, HOST:PORT or [IPV6]:PORT")
    host, port = match["host"].strip("[]") or LOOPBACK, int(match["port"] or PORT)
    if host in ("0.0.0.0", "::"):
        raise UsageError(f"--listen: {host} is every address of this host; name the one that workers use")
    return host, port


def check_free(host: str, port: int) -> None:
    """Raises:
    UsageError: It cannot be listened on.
    """
    try:
        for family, kind, _, _, where in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            with socket.socket(family, kind) as trial:
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                trial.bind(where)
    except OSError as error:
        raise UsageError(f"--listen: {host}:{port}: {error.strerror or error}; see --listen HOST:PORT") from None


def up(home: Path, address: str | None) -> list[str]:
    """Start the server, or start it anew, so that it listens on this address; None: on its socket alone. What to tell.

    Raises:
        UsageError: The address cannot be listened on; nothing was changed.
        StorageError: The server cannot run.
    """
    found = server.cluster(home)
    before = server.read_listening(found.base)
    if address is None:
        if before is not None:
            server.down(home)
        return [server.ensure(home)]
    host, port = asked_for(address)
    if before is None or (before.host, before.port) != (host, port) or not found.answers():
        check_free(host, port)
    url = server.ensure(home)
    password = _password(home, host, port)
    wanted = server.Listening(host, port, _certificate(home, found, host))
    _let_in(url, password)
    if before != wanted:
        server.write_listening(found, wanted)  # first: somebody else may start it the next moment
        server.stop(found)
        try:
            server.ensure(home)
        except StorageError:
            server.forget_listening(found.base)
            raise
    return told(home, wanted)


def told(home: Path, listening: server.Listening) -> list[str]:
    """How others come to it, a line each; no password among them."""
    lines = [network_url(home, listening), f"its password is in {home / PASSWORD}, which only you can read"]
    if listening.tls:
        lines.append(f"TLS: clients check it by {home / CERTIFICATE}")
    elif not is_loopback(listening.host):
        lines.append("not encrypted, PostgreSQL's binaries here have no TLS: trust the network, or use the tunnel")
    here, port = socket.gethostname(), listening.port
    end = f"[{listening.host}]" if ":" in listening.host else listening.host
    return [*lines, f"by a tunnel from another host: ssh -N -L {port}:{end}:{port} {here}, then {LOOPBACK}:{port}"]


def network_url(home: Path, listening: server.Listening, password: str | None = None) -> str:
    """The URL of a server that listens: with the password, or naming the file that has it."""
    host = f"[{listening.host}]" if ":" in listening.host else listening.host
    login = server.NETWORK_ROLE if password is None else f"{server.NETWORK_ROLE}:{quote(password, safe='')}"
    options: dict[str, str | Path] = {} if password is not None else {"passfile": home / PASSWORD}
    if listening.tls:
        options |= {"sslmode": "verify-ca", "sslrootcert": home / CERTIFICATE}
    query = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in options.items())
    return f"postgresql+psycopg2://{login}@{host}:{listening.port}/{server.USER}{'?' if query else ''}{query}"


def url_elsewhere(home: Path) -> str | None:
    """The URL, with its password, by which other hosts come to the embedded server's default database; None if it does
    not listen for them."""
    listening = server.read_listening(server.cluster(home).base)
    if listening is None or is_loopback(listening.host):
        return None
    return network_url(home, listening, (home / PASSWORD).read_text().strip().rpartition(":")[2])


def is_loopback(host: str) -> bool:
    """Whether only this machine comes to it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in ("localhost", "ip6-localhost")


def _password(home: Path, host: str, port: int) -> str:
    """The password, made once and kept; its file names the server that it is for."""
    file = home / PASSWORD
    kept = file.read_text().strip().rpartition(":")[2] if file.exists() else secrets.token_urlsafe(24)
    with replacing(file, mode=0o600) as aside:
        aside.write_text(f"*:{port}:*:{server.NETWORK_ROLE}:{kept}\n")
    return kept


def _let_in(url: str, password: str) -> None:
    """Make the role, or give it its password again."""
    session = Session(url)
    try:
        session.run("let_network_in", {"verifier": session.verifier(server.NETWORK_ROLE, password)})
    finally:
        session.close()


def _certificate(home: Path, found: server.Cluster, host: str) -> bool:
    """Whether there is TLS: made with openssl, where that is, for a server that can."""
    if not server.has_tls(found) or shutil.which("openssl") is None:
        return False
    key, certificate = found.data / "server.key", found.data / CERTIFICATE
    if not certificate.exists():
        name = f"IP:{host}" if re.fullmatch(r"[\d.]+|[0-9a-fA-F:]*:[0-9a-fA-F:.]*", host) else f"DNS:{host}"
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", f"/CN={host}"]
        command += ["-addext", f"subjectAltName={name}", "-keyout", str(key), "-out", str(certificate)]
        key.unlink(missing_ok=True)
        key.touch(mode=0o600)
        made = subprocess.run(command, capture_output=True, text=True)
        if made.returncode != 0:
            certificate.unlink(missing_ok=True)
            raise StorageError(f"openssl makes no certificate: {made.stderr.strip().splitlines()[-1]}")
        for file in (key, certificate):
            found.who.own(file)
    (home / CERTIFICATE).write_bytes(certificate.read_bytes())
    return True
