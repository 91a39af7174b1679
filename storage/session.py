"""One database session: named queries, transactions, notifications, and an error of its own for a lost session.

A worker holds its advisory locks through its session: however the session ends, the server frees them. So a lost
session is an event of its own (`SessionLostError`) and is never retried here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO, Any

import psycopg2
import psycopg2.errors
import psycopg2.extensions
from psycopg2.extensions import AsIs
from psycopg2.extras import NamedTupleCursor

from storage.errors import (
    NotPermittedError,
    RefusedError,
    RestartingError,
    SessionLostError,
    StorageError,
    UnreachableError,
    UsageError,
)
from storage.url import libpq_url, shown_url, without_secrets

QUERIES = Path(__file__).parent / "queries"
MIN_SERVER_VERSION = 13

# Both sides notice within about half a minute that the other has vanished. Without these settings the server would keep
# a dead worker's locks for two hours, as long as its kernel waits.
KEEPALIVE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 4, "tcp_user_timeout": 30_000}
SERVER_KEEPALIVE = ", ".join(
    f"set_config('{name}', '{value}', false) AS {name}"
    for name, value in ((name.replace("keepalives", "tcp_keepalives"), value) for name, value in KEEPALIVE.items())
)

EXACT_FLOATS = "set_config('extra_float_digits', '1', false) AS floats"
"""Floats as text lose no bit, whatever the database is set to."""

# How to mend a statement that the server refused, by the driver's class of the error.
HINTS: dict[type[BaseException], str] = {
    psycopg2.errors.InsufficientPrivilege: "; docs/roles.md has the grants that a role needs",
    psycopg2.errors.ReadOnlySqlTransaction: "; a storage that can be written is needed",
}
MORE_CONNECTIONS = "; every worker holds one connection: raise the server's max_connections, or run fewer workers"
# How to mend a connection that the server refused, by words of its answer: libpq gives no code for it.
CONNECTION_HINTS = {
    "too many clients": MORE_CONNECTIONS,
    "remaining connection slots": MORE_CONNECTIONS,
    "does not support SSL": "; switch TLS on there, or leave sslmode out of the URL",
    "password authentication failed": "; the password is wrong or has expired (VALID UNTIL)",
}
# What libpq says of a server that it did not reach, by the kind of error; it gives no code for it.
UNREACHABLE: dict[str, type[UnreachableError]] = {
    "the database system is": RestartingError,
    "refused": RefusedError,
    "No such file or directory": RefusedError,
    "closed the connection unexpectedly": RefusedError,
    "reset by peer": RefusedError,
    "timeout expired": UnreachableError,
    "timed out": UnreachableError,
    "nreachable": UnreachableError,
    "No route to host": UnreachableError,
    "could not translate host name": UnreachableError,
}
# The server rolled the statement back whole, so it can simply run again.
RETRIED_ERRORS = (psycopg2.errors.DeadlockDetected, psycopg2.errors.SerializationFailure)

PARAMETER = re.compile(r"%\((\w+)\)s")

PREPARED = frozenset({"claim_trial", "finish_trial", "report_steps"})
"""What a worker runs for every trial: the server plans these once a session, which takes longer than to run them."""

INSUFFICIENT_RESOURCES = "53"
"""The first two letters of SQLSTATE when the server is out of disk, memory or connections."""


@cache
def query(name: str) -> str:
    """The text of `queries/NAME.sql`."""
    return (QUERIES / f"{name}.sql").read_text()


def connect(url: str, application: str = "studyhall", patience: int = 10) -> Any:
    """A connection of the driver, made within `patience` seconds.

    Raises:
        UnreachableError: The server cannot be reached, or starts or stops.
        StorageError: It refuses the connection.
    """
    try:
        return psycopg2.connect(
            libpq_url(url),
            cursor_factory=NamedTupleCursor,
            connect_timeout=patience,
            client_encoding="UTF8",
            application_name=application,
            **KEEPALIVE,
        )
    except psycopg2.Error as error:
        answer = _first_line(error, url)
        hint = next((hint for words, hint in CONNECTION_HINTS.items() if words in answer), "")
        kind = next((kind for words, kind in UNREACHABLE.items() if words in answer), StorageError)
        raise kind(f"{answer}{hint}", shown_url(url)) from None


class Session:
    """A connection to PostgreSQL, opened at once. Not shared between threads, never used across a fork."""

    def __init__(self, url: str, application: str = "studyhall", patience: int = 10) -> None:
        """Connect within `patience` seconds.

        Raises:
            UnreachableError: The server cannot be reached, or starts or stops.
            StorageError: It refuses the connection, or is older than PostgreSQL 13.
        """
        self.url = url
        self._connection = connect(url, application, patience)
        self._connection.autocommit = True
        self._owner = os.getpid()
        if self._connection.server_version < MIN_SERVER_VERSION * 10_000:
            version = self._connection.server_version // 10_000
            self.close()
            raise StorageError(
                f"PostgreSQL {version} is too old; {MIN_SERVER_VERSION} or later is needed", shown_url(url)
            )
        encoding = self._connection.info.parameter_status("server_encoding")
        if encoding not in ("UTF8", None):  # None: a proxy does not say
            self.close()
            raise UsageError(
                f"the database's encoding is {encoding}, which cannot hold every text; make one in UTF-8: "
                "CREATE DATABASE studyhall ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0",
                shown_url(url),
            )
        self._prepared: dict[str, str] = {}
        self.backend: int = self.execute(f"SELECT pg_backend_pid() AS pid, {EXACT_FLOATS}, {SERVER_KEEPALIVE}")[0].pid
        # A proxy greets a connection with a process number of its own.
        self.proxied = self._connection.get_backend_pid() != self.backend

    def run(self, name: str, values: Mapping[str, Any] | None = None) -> list[Any]:
        """The rows of a named query, as named tuples. Outside a transaction block it is a transaction of its own.

        Raises:
            SessionLostError: The connection is gone. The statement may have taken effect.
            StorageError: The server refused the statement. It took no effect.
        """
        if name not in PREPARED:
            return self.execute(query(name), values)
        if name not in self._prepared:
            self._prepared[name] = self._prepare(name)
        return self.execute(self._prepared[name], values)

    def _prepare(self, name: str) -> str:
        """Let the server plan a named query for this session; returns the statement that runs it."""
        names = list(dict.fromkeys(PARAMETER.findall(query(name))))
        places = {parameter: AsIs(f"${place}") for place, parameter in enumerate(names, 1)}
        self.execute(f"PREPARE {name} AS {query(name)}", places)
        return f"EXECUTE {name} ({', '.join(f'%({parameter})s' for parameter in names)})"

    def one(self, name: str, values: Mapping[str, Any] | None = None) -> Any:
        """The first row of a named query, or None."""
        rows = self.run(name, values)
        return rows[0] if rows else None

    def execute(self, statement: str, values: Mapping[str, Any] | Sequence[Any] | None = None) -> list[Any]:
        """The rows of an SQL text: like `run`, for the few statements that have no file."""
        for last in (False, False, True):
            try:
                with self._connection.cursor() as cursor:
                    cursor.execute(statement, values)
                    return cursor.fetchall() if cursor.description else []
            except RETRIED_ERRORS as error:
                if last or not self._connection.autocommit:
                    raise StorageError(_first_line(error, self.url)) from error
            except psycopg2.Error as error:
                raise self._translated(error) from error
        raise AssertionError("unreachable")

    def copy(self, statement: str, file: IO[bytes]) -> None:
        """Run a COPY statement `TO STDOUT` or `FROM STDIN` with a file at this end."""
        try:
            with self._connection.cursor() as cursor:
                cursor.copy_expert(statement, file)
        except psycopg2.Error as error:
            raise self._translated(error) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All statements in the block take effect together, or none does."""
        self._connection.autocommit = False
        try:
            yield
            self._connection.commit()
        except psycopg2.Error as error:
            self._roll_back()
            raise self._translated(error) from error
        except BaseException:
            self._roll_back()
            raise
        finally:
            if not self._connection.closed:
                self._connection.autocommit = True

    def verifier(self, role: str, password: str) -> str:
        """The SCRAM verifier that the server stores for a role's password."""
        return str(psycopg2.extensions.encrypt_password(password, role, self._connection, "scram-sha-256"))

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All statements in the block see the database as the first of them saw it; none may write."""
        with self.transaction():
            self.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield

    def listen(self, channel: str) -> None:
        """Receive the notifications of a channel from now on."""
        self.execute(f'LISTEN "{channel}"')

    def heard(self) -> bool:
        """Whether a notification came since the last call. Never waits.

        Raises:
            SessionLostError: The server closed the connection.
        """
        try:
            self._connection.poll()
        except psycopg2.Error as error:
            raise SessionLostError(_first_line(error, self.url)) from error
        came = bool(self._connection.notifies)
        self._connection.notifies.clear()
        return came

    def fileno(self) -> int:
        """The socket's descriptor, to wait on.

        Raises:
            ValueError: The session has ended. A selector expects this error of a closed file.
        """
        if self._connection.closed:
            raise ValueError("the session has ended")
        return int(self._connection.fileno())

    @property
    def closed(self) -> bool:
        """Whether the connection is known to be gone."""
        return bool(self._connection.closed)

    def close(self) -> None:
        """End the session, and with it every lock that it holds. In a forked child this does nothing."""
        if os.getpid() == self._owner:
            self._connection.close()

    def _roll_back(self) -> None:
        try:
            if not self._connection.closed:
                self._connection.rollback()
        except psycopg2.Error:
            self._connection.close()

    def _translated(self, error: psycopg2.Error) -> Exception:
        """An error of the driver as one of ours: the session is lost, or the server refused the statement.

        A server without disk or memory counts as gone, and workers wait until it is back. The session is closed: a
        statement that failed halfway keeps the advisory locks that it took.
        """
        gone = psycopg2.InterfaceError | psycopg2.errors.AdminShutdown | psycopg2.errors.CrashShutdown
        exhausted = (error.pgcode or "").startswith(INSUFFICIENT_RESOURCES)
        if self._connection.closed or isinstance(error, gone) or exhausted:
            self._connection.close()
            return SessionLostError(_first_line(error, self.url))
        return self.refusal(error)

    def refusal(self, error: BaseException) -> StorageError:
        """The server's refusal of a statement in one line, with how to mend it."""
        kind = NotPermittedError if isinstance(error, psycopg2.errors.InsufficientPrivilege) else StorageError
        return kind(f"{_first_line(error, self.url)}{HINTS.get(type(error), '')}", shown_url(self.url))


def _first_line(error: BaseException, url: str) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    # libpq prints a line for each address that it tried; the last one names the reason.
    text = lines[-1] if lines and "connection to server" in lines[-1] else (lines or [type(error).__name__])[0]
    return without_secrets(text, url)
