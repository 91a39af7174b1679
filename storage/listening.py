"""`storage up --listen`: the embedded server also listens on an address of this host, for workers on other hosts.

    socket only ──up --listen──► listens ──down, or up without --listen──► socket only

The address is kept beside the data, so that a killed server listens on it again. One role comes in over the network. It
owns nothing that existed before it, has no rights on the server, and always needs its password: generated, kept in a
file that only its owner can read; the server stores a SCRAM verifier alone. If PostgreSQL's
binaries support TLS, connections use it, with a certificate made here.
"""

from __future__ import annotations

import ipaddress
import re
import secrets
import shutil
import socket
import subprocess
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from storage import server
from storage.errors import StorageError, UsageError
from storage.files import replacing
from storage.session import Session

LOOPBACK = "127.0.0.1"
PORT = 5432
PASSWORD_FILE = "password"
"""In the home, in the format of libpq's `passfile`."""
CERTIFICATE = "server.crt"
"""In the home, for clients; not a secret."""


def parse_address(address: str) -> tuple[str, int]:
    """Host and port from `--listen [HOST[:PORT]]`.

    Raises:
        UsageError: It is not one address.
    """
    match = re.fullmatch(r"(?P<host>\[[0-9a-fA-F:.]+\]|[\w.-]*)(?::(?P<port>\d{1,5}))?", address)
    if match is None or not 0 < int(match["port"] or PORT) < 1 << 16:
        raise UsageError(f"{address!r} is not HOST, HOST:PORT or [IPV6]:PORT", "--listen")
    host, port = match["host"].strip("[]") or LOOPBACK, int(match["port"] or PORT)
    if host in ("0.0.0.0", "::"):
        raise UsageError(f"{host} is every address of this host; name the one that workers use", "--listen")
    return host, port


def check_free(host: str, port: int) -> None:
    """Raises:
    UsageError: The server cannot listen there.
    """
    try:
        for family, kind, _, _, where in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            with socket.socket(family, kind) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(where)
    except OSError as error:
        raise UsageError(f"{host}:{port}: {error.strerror or error}; see --listen HOST:PORT", "--listen") from None


def up(home: Path, address: str | None) -> list[str]:
    """Start or restart the server so that it listens on this address, or on its socket alone if None; lines to print.

    Raises:
        UsageError: The server cannot listen on the address; nothing was changed.
        StorageError: The server cannot run.
    """
    found = server.cluster(home)
    before = server.read_listening(found.base)
    if address is None:
        if before is not None:
            server.down(home)
        return [server.ensure(home)]
    host, port = parse_address(address)
    if before is None or (before.host, before.port) != (host, port) or not found.answers():
        check_free(host, port)
    url = server.ensure(home)
    password = _password(home, host, port)
    wanted = server.Listening(host, port, _certificate(home, found, host))
    _allow_network_role(url, password)
    if before != wanted:
        server.write_listening(found, wanted)  # first: another process may start the server at any moment
        server.stop(found)
        try:
            server.ensure(home)
        except StorageError:
            server.forget_listening(found.base)
            raise
    return access_lines(home, wanted)


def access_lines(home: Path, listening: server.Listening) -> list[str]:
    """How other hosts reach the server, without its password."""
    lines = [network_url(home, listening), f"its password is in {home / PASSWORD_FILE}, which only you can read"]
    if listening.tls:
        lines.append(f"TLS: clients check the server by {home / CERTIFICATE}")
    elif not is_loopback(listening.host):
        lines.append("not encrypted: PostgreSQL's binaries here have no TLS; trust the network, or use the tunnel")
    here, port = socket.gethostname(), listening.port
    end = f"[{listening.host}]" if ":" in listening.host else listening.host
    return [*lines, f"by a tunnel from another host: ssh -N -L {port}:{end}:{port} {here}, then {LOOPBACK}:{port}"]


def network_url(home: Path, listening: server.Listening, password: str | None = None) -> str:
    """The URL of a server that listens, with its password or the name of the password's file."""
    host = f"[{listening.host}]" if ":" in listening.host else listening.host
    login = server.NETWORK_ROLE if password is None else f"{server.NETWORK_ROLE}:{quote(password, safe='')}"
    options: dict[str, str | Path] = {} if password is not None else {"passfile": home / PASSWORD_FILE}
    if listening.tls:
        options |= {"sslmode": "verify-ca", "sslrootcert": home / CERTIFICATE}
    query = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in options.items())
    return f"postgresql+psycopg2://{login}@{host}:{listening.port}/{server.USER}{'?' if query else ''}{query}"


def url_elsewhere(home: Path) -> str | None:
    """The URL of the embedded server's default database for other hosts, with its password; None if the server does
    not listen for them."""
    listening = server.read_listening(server.cluster(home).base)
    if listening is None or is_loopback(listening.host):
        return None
    return network_url(home, listening, (home / PASSWORD_FILE).read_text().strip().rpartition(":")[2])


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in ("localhost", "ip6-localhost")


def _password(home: Path, host: str, port: int) -> str:
    """The password, made once and kept. Its file names the server's port and role."""
    file = home / PASSWORD_FILE
    kept = file.read_text().strip().rpartition(":")[2] if file.exists() else secrets.token_urlsafe(24)
    with replacing(file, mode=0o600) as aside:
        aside.write_text(f"*:{port}:*:{server.NETWORK_ROLE}:{kept}\n")
    return kept


def _allow_network_role(url: str, password: str) -> None:
    """Make the role, or set its password again."""
    with closing(Session(url)) as session:
        session.run("allow_network_role", {"verifier": session.verifier(server.NETWORK_ROLE, password)})


def _certificate(home: Path, found: server.Cluster, host: str) -> bool:
    """Make the server's certificate with openssl; False: openssl is missing, or the server cannot use TLS."""
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
            raise StorageError(f"openssl cannot make a certificate: {made.stderr.strip().splitlines()[-1]}")
        for file in (key, certificate):
            found.who.own(file)
    (home / CERTIFICATE).write_bytes(certificate.read_bytes())
    return True
