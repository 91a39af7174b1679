"""`dashboard`: serve the page until Ctrl-C, through gunicorn where it is installed."""

from __future__ import annotations

import getpass
import ipaddress
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from storage.errors import UsageError
from storage.store import Store

BACKLOG = 128
THREADS = 8


@dataclass(frozen=True)
class Address:
    """Where to listen."""

    host: str
    port: int

    @staticmethod
    def of(host: str, port: int, really: bool) -> Address:
        """As typed, checked.

        Raises:
            UsageError: The host is none, or other hosts could reach it and nobody said that they may.
        """
        if not 0 <= port < 65536:
            raise UsageError(f"--port: {port} is not a port: 1 to 65535, or 0 for a free one")
        if not really and not is_loopback(host):
            raise UsageError(
                f"--host: {host!r} can be reached from other hosts, and the dashboard asks nobody for a password: "
                "whoever reaches it can delete studies. Use ssh -L, or add --yes-really"
            )
        return Address(host, port)

    def listen(self) -> socket.socket:
        """A socket that listens there.

        Raises:
            UsageError: The port is taken, or the host is not one of ours.
        """
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self.host, self.port))
            listener.listen(BACKLOG)
        except OSError as error:
            listener.close()
            raise UsageError(f"--port: cannot listen on {self.host}:{self.port}: {error.strerror or error}") from error
        return listener


def is_loopback(host: str) -> bool:
    """Whether a name or number is this host alone.

    Raises:
        UsageError: There is no such host.
    """
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError) as error:
        raise UsageError(f"--host: there is no host {host!r}") from error
    return all(ipaddress.ip_address(each.partition("%")[0]).is_loopback for each in found)


def serve(store: Store, address: Address, say: Callable[[str], None]) -> None:
    """Serve until a signal comes.

    Raises:
        UsageError: The port is taken.
        StorageError: The storage cannot be used.
    """
    from studies.dashboard.page import LOOPBACK_NAMES, application

    alone = is_loopback(address.host)
    listener = address.listen()
    try:
        url = store.start()
        store.write().close()
        made = application(url, store.home, (*LOOPBACK_NAMES, address.host) if alone else None)
        for line in invitation(address.host, listener.getsockname()[1], alone):
            say(line)
        try:
            _through_gunicorn(made, listener)
        except ImportError:
            _through_wsgiref(made, listener)
    except KeyboardInterrupt:
        pass
    finally:
        listener.close()


def invitation(host: str, port: int, alone: bool) -> list[str]:
    """Where the dashboard is, and how to come to it."""
    shown = f"[{host}]" if ":" in host else host
    lines = [f"dashboard: http://{shown}:{port}/dashboard (Ctrl-C ends it)"]
    if alone:
        lines.append(f"from another host: ssh -L {port}:{shown}:{port} {getpass.getuser()}@{socket.gethostname()}")
        lines.append(f"and there: http://localhost:{port}/dashboard")
    else:
        lines.append("everybody who reaches this port can read, change and delete studies: it asks for no password")
    return lines


def _through_gunicorn(made: Any, listener: socket.socket) -> None:
    from gunicorn.app.base import BaseApplication

    class Served(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            self.cfg.set("bind", f"fd://{os.dup(listener.fileno())}")
            self.cfg.set("worker_class", "gthread")
            self.cfg.set("threads", THREADS)
            self.cfg.set("timeout", 300)
            self.cfg.set("graceful_timeout", 1)
            self.cfg.set("loglevel", "critical")

        def load(self) -> Any:
            return made

    try:
        Served().run()
    except SystemExit:  # its way to say that it has ended
        return


def _through_wsgiref(made: Any, listener: socket.socket) -> None:
    from socketserver import ThreadingMixIn
    from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

    class Server(ThreadingMixIn, WSGIServer):
        daemon_threads = True

        def server_bind(self) -> None:
            self.server_name, self.server_port = self.socket.getsockname()[:2]
            self.setup_environ()

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A browser that went away is no news."""

    class Quiet(WSGIRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """A request is no news."""

    server = Server(listener.getsockname()[:2], Quiet, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    server.server_bind()
    server.set_app(made)
    server.serve_forever()
