"""One database session: named queries, transactions, notifications, and the news that it was lost.

Everything that a worker holds, it holds through its session: when the session ends, however it ends, the server
frees the worker's advisory locks. So a lost session is an event of its own (`SessionLostError`), never retried here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO, Any

import psycopg2
import psycopg2.errors
import psycopg2.extensions
from psycopg2.extras import NamedTupleCursor

from storage.errors import SessionLostError, StorageError
from storage.url import libpq_url, shown_url, without_secrets

QUERIES = Path(__file__).parent / "queries"
OLDEST_SERVER = 13

# A peer that vanished without a word is noticed within about half a minute: by us, and by the server of us, which would
# otherwise hold our locks for as long as its kernel waits, two hours.
KEEPALIVE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 4, "tcp_user_timeout": 30_000}
THEIRS = ", ".join(
    f"set_config('{name}', '{value}', false) AS {name}"
    for name, value in ((name.replace("keepalives", "tcp_keepalives"), value) for name, value in KEEPALIVE.items())
)

FLOATS = "set_config('extra_float_digits', '1', false) AS floats"
"""Floats as text lose no bit, whatever the database is set to."""

# What mends a refusal, by what refused.
HINTS: dict[type[BaseException], str] = {
    psycopg2.errors.InsufficientPrivilege: "; docs/roles.md has the grants that a role needs",
    psycopg2.errors.ReadOnlySqlTransaction: "; a storage that can be written is needed",
}
ANSWERS = {
    "too many clients": "; every worker holds one connection: raise the server's max_connections, or run fewer workers",
    "remaining connection slots": "; every worker holds one connection: raise the server's max_connections, or run "
    "fewer workers",
    "does not support SSL": "; switch TLS on there, or leave sslmode out of the URL",
    "password authentication failed": "; the password is wrong or has expired (VALID UNTIL)",
}
# A statement that lost a deadlock or a race for a snapshot was rolled back whole: it may simply run again.
TRY_AGAIN = (psycopg2.errors.DeadlockDetected, psycopg2.errors.SerializationFailure)

EXHAUSTED = "53"
"""Class of the errors that say: insufficient resources."""


@cache
def query(name: str) -> str:
    """The text of `queries/NAME.sql`."""
    return (QUERIES / f"{name}.sql").read_text()


class Session:
    """A connection to PostgreSQL, opened at once. Not shared between threads, never used across a fork."""

    def __init__(self, url: str, application: str = "studyhall", patience: int = 10) -> None:
        """Connect, within `patience` seconds.

        Raises:
            StorageError: The server cannot be reached or refuses us, or is older than PostgreSQL 13.
        """
        self.url = url
        try:
            self._connection = psycopg2.connect(
                libpq_url(url),
                cursor_factory=NamedTupleCursor,
                connect_timeout=patience,
                application_name=application,
                **KEEPALIVE,
            )
        except psycopg2.Error as error:
            told = self._first_line(error)
            hint = next((hint for words, hint in ANSWERS.items() if words in told), "")
            raise StorageError(f"{shown_url(url)}: {told}{hint}") from None
        self._connection.autocommit = True
        self._owner = os.getpid()
        if self._connection.server_version < OLDEST_SERVER * 10_000:
            version = self._connection.server_version // 10_000
            self.close()
            raise StorageError(f"{shown_url(url)}: PostgreSQL {version} is too old; {OLDEST_SERVER} or later is needed")
        self.backend: int = self.execute(f"SELECT pg_backend_pid() AS pid, {FLOATS}, {THEIRS}")[0].pid
        # A proxy makes up the number that a connection is greeted with.
        self.proxied = self._connection.get_backend_pid() != self.backend

    def run(self, name: str, values: Mapping[str, Any] | None = None) -> list[Any]:
        """The rows of a named query, as named tuples. Outside a transaction it is one of its own.

        Raises:
            SessionLostError: The connection is gone. The statement may have taken effect.
            StorageError: The server refused the statement. It took no effect.
        """
        return self.execute(query(name), values)

    def one(self, name: str, values: Mapping[str, Any] | None = None) -> Any:
        """The first row of a named query, or None."""
        rows = self.run(name, values)
        return rows[0] if rows else None

    def execute(self, statement: str, values: Mapping[str, Any] | Sequence[Any] | None = None) -> list[Any]:
        """The rows of an SQL text: what `run` does, for the few statements that are made, not named."""
        for last in (False, False, True):
            try:
                with self._connection.cursor() as cursor:
                    cursor.execute(statement, values)
                    return cursor.fetchall() if cursor.description else []
            except TRY_AGAIN as error:
                if last or not self._connection.autocommit:
                    raise StorageError(self._first_line(error)) from error
            except psycopg2.Error as error:
                raise self._translated(error) from error
        raise AssertionError("unreachable")

    def copy_out(self, select: str, file: IO[bytes]) -> None:
        """The rows of a SELECT, in COPY's text form, to a file."""
        self._copy(f"COPY ({select}) TO STDOUT", file)

    def copy_in(self, table: str, file: IO[bytes]) -> None:
        """What `copy_out` wrote, into a table."""
        self._copy(f"COPY {table} FROM STDIN", file)

    def _copy(self, statement: str, file: IO[bytes]) -> None:
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
        """What the server is told in place of a role's password."""
        return str(psycopg2.extensions.encrypt_password(password, role, self._connection, "scram-sha-256"))

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All statements in the block see the database as it is at the first of them; nothing is written."""
        with self.transaction():
            self.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield

    def listen(self, channel: str) -> None:
        """Be woken when somebody notifies this channel."""
        self.execute(f'LISTEN "{channel}"')

    def heard(self) -> bool:
        """Whether a notification came since the last call. Looks at the socket, does not wait.

        Raises:
            SessionLostError: The server closed the connection.
        """
        try:
            self._connection.poll()
        except psycopg2.Error as error:
            raise SessionLostError(self._first_line(error)) from error
        came = bool(self._connection.notifies)
        self._connection.notifies.clear()
        return came

    def fileno(self) -> int:
        """The socket's descriptor, to wait on.

        Raises:
            ValueError: The session has ended; a selector then finds it by itself, as it does with closed files.
        """
        if self._connection.closed:
            raise ValueError("the session has ended")
        return int(self._connection.fileno())

    @property
    def closed(self) -> bool:
        """Whether the connection is known to be gone."""
        return bool(self._connection.closed)

    def close(self) -> None:
        """End the session, and with it every lock that it holds. In a forked child: leave it alone."""
        if os.getpid() == self._owner:
            self._connection.close()

    def _roll_back(self) -> None:
        try:
            if not self._connection.closed:
                self._connection.rollback()
        except psycopg2.Error:
            self._connection.close()

    def _translated(self, error: psycopg2.Error) -> Exception:
        """What an error of the driver means to us. A connection that broke is told by its being closed.

        A server that has run out of disk or memory counts as gone: whoever works waits for it to come back. The session
        is given up, since a statement that failed halfway leaves the advisory locks that it took.
        """
        gone = self._connection.closed or isinstance(
            error, psycopg2.InterfaceError | psycopg2.errors.AdminShutdown | psycopg2.errors.CrashShutdown
        )
        gone = gone or (error.pgcode or "").startswith(EXHAUSTED)
        if gone:
            self._connection.close()
            return SessionLostError(self._first_line(error))
        return StorageError(self.refusal(error))

    def refusal(self, error: BaseException) -> str:
        """One line of what the server refused and what mends it."""
        return f"{shown_url(self.url)}: {self._first_line(error)}{HINTS.get(type(error), '')}"

    def _first_line(self, error: BaseException) -> str:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        # libpq puts one line for each address that it tried; the last says what stopped it.
        text = lines[-1] if lines and "connection to server" in lines[-1] else (lines or [type(error).__name__])[0]
        return without_secrets(text, self.url)
