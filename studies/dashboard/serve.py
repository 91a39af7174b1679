"""`dashboard`: serve optuna-dashboard until Ctrl-C, through gunicorn if it is installed."""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread
from typing import Any

from storage.errors import UsageError
from storage.home import user_name
from storage.store import Store


@dataclass(frozen=True)
class Address:
    """A host and a port to listen on."""

    host: str
    port: int

    @staticmethod
    def of(host: str, port: int, really: bool) -> Address:
        """As typed, checked.

        Raises:
            UsageError: The host is unknown, or other hosts could reach it and `really` is not given.
        """
        if not 0 <= port < 65536:
            raise UsageError(f"--port: {port} is not a port; give 1 to 65535, or 0 for a free one")
        if not really and not is_loopback(host):
            raise UsageError(
                f"--host: other hosts can reach {host!r}, and the dashboard asks for no password: "
                "anybody there could delete studies. Use ssh -L, or add --yes-really"
            )
        return Address(host, port)

    def listen(self) -> socket.socket:
        """A socket that listens on it.

        Raises:
            UsageError: The port is taken, or the address is not one of this host.
        """
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self.host, self.port))
            listener.listen(128)
        except OSError as error:
            listener.close()
            raise UsageError(f"--port: cannot listen on {self.host}:{self.port}: {error.strerror or error}") from error
        return listener


def is_loopback(host: str) -> bool:
    """Whether only this host can reach a host name or address.

    Raises:
        UsageError: There is no such host.
    """
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError) as error:
        raise UsageError(f"--host: there is no host {host!r}") from error
    return all(ipaddress.ip_address(each.partition("%")[0]).is_loopback for each in found)


def serve(store: Store, address: Address, log: Callable[[str], None]) -> None:
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
        made = application(url, store.home, (*LOOPBACK_NAMES, address.host) if alone else None, store.shown)
        for line in invitation(address.host, listener.getsockname()[1], alone):
            log(line)
        try:
            _through_gunicorn(made, listener)
        except ImportError:
            _through_wsgiref(made, listener)
    except KeyboardInterrupt:
        pass
    finally:
        listener.close()


def invitation(host: str, port: int, alone: bool) -> list[str]:
    """The dashboard's address, and how to reach it."""
    shown = f"[{host}]" if ":" in host else host
    lines = [f"dashboard: http://{shown}:{port}/dashboard (Ctrl-C ends it)"]
    if alone:
        there = f"ssh -L {port}:{shown}:{port} {user_name()}@{socket.gethostname()}"
        return [*lines, f"from another host: {there}", f"and there: http://localhost:{port}/dashboard"]
    return [*lines, "it asks for no password: anybody who reaches this port can read, change and delete studies"]


def _through_gunicorn(made: Any, listener: socket.socket) -> None:
    from gunicorn.app.base import BaseApplication

    class Served(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            settings = {"worker_class": "gthread", "threads": 8, "timeout": 300, "graceful_timeout": 1}
            settings |= {"bind": f"fd://{os.dup(listener.fileno())}", "loglevel": "critical"}
            for name, value in settings.items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            return made

    with suppress(SystemExit):  # that is how it ends
        Served().run()


def _through_wsgiref(made: Any, listener: socket.socket) -> None:
    from socketserver import ThreadingMixIn
    from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

    class Server(ThreadingMixIn, WSGIServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A closed browser is not logged."""

    class Quiet(WSGIRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """A request is not logged."""

    server = Server(listener.getsockname()[:2], Quiet, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    server.server_name, server.server_port = listener.getsockname()[:2]
    server.setup_environ()
    server.set_app(made)
    # An exception that a signal raises can be lost in whatever runs at that moment; this cannot.
    signal.signal(signal.SIGINT, lambda *_: Thread(target=server.shutdown, daemon=True).start())
    server.serve_forever()
