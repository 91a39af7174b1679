"""The databases of the tests. One that a test has left is emptied and lent again: a new one takes a tenth of a second.

What a test changed besides rows (tables, rights, settings) is noticed by comparing with the template, and ends with its
database. A database has another name each time, so that a process which outlived its test does not find it again.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg2

from storage.url import libpq_url
from tests.support.program import administer

TEMPLATE = "template"
MAX_ROWS = 5000
"""Of a database that is emptied: more leave tables and indexes that are larger than new ones."""

SHAPE = """
SELECT ROW('table', relname, relkind, relowner, relacl, reloptions)::text AS fact
FROM pg_class WHERE relnamespace = 'public'::regnamespace
UNION ALL SELECT ROW('column', attrelid::regclass, attnum, attname, atttypid, attnotnull)::text
FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0
UNION ALL SELECT ROW('default', adrelid::regclass, adnum, pg_get_expr(adbin, adrelid))::text FROM pg_attrdef
UNION ALL SELECT ROW('constraint', conname, conrelid::regclass, contype, confrelid, conkey)::text
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT ROW('index', indexrelid::regclass, indkey, indisvalid)::text
FROM pg_index WHERE indexrelid >= 16384
UNION ALL SELECT ROW('trigger', tgname, tgrelid::regclass, tgenabled)::text FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT ROW('function', proname, prosrc)::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT ROW('schema', nspname, nspacl)::text FROM pg_namespace WHERE nspname NOT LIKE 'pg@_%' ESCAPE '@'
UNION ALL SELECT ROW('rights to come', defaclrole, defaclobjtype, defaclacl)::text FROM pg_default_acl
UNION ALL SELECT ROW('settings', setrole, setconfig)::text FROM pg_db_role_setting
WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
UNION ALL SELECT ROW('database', datacl, datallowconn, datconnlimit)::text
FROM pg_database WHERE datname = current_database()
"""
END_SESSIONS = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'"
TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
RESTART = """
SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
FROM pg_sequences WHERE last_value IS NOT NULL
"""


class Databases:
    """Those of one server that are as its template is, and may be lent."""

    def __init__(self, server_url: str) -> None:
        self._server_url = server_url
        self._free: list[str] = []
        with _session(at(server_url, TEMPLATE)) as cursor:
            self._filled = _filled(cursor)
            self._shape = _shape(cursor)

    @contextmanager
    def lend(self) -> Iterator[str]:
        """A database as the template is, until the end of the block: its URL."""
        if self._free:
            name = self._free.pop()
        else:
            name = new_name()
            administer(self._server_url, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY file_copy")
        yield at(self._server_url, name)
        renamed = new_name()
        with suppress(psycopg2.Error):  # one that is not to be had goes
            administer(self._server_url, END_SESSIONS.format(name=name), f"ALTER DATABASE {name} RENAME TO {renamed}")
            name = renamed
            if self._emptied(name):
                self._free.append(name)
                return
        drop(self._server_url, name)

    def _emptied(self, name: str) -> bool:
        """Delete what is not in the template; whether the database is as the template is."""
        with _session(at(self._server_url, name)) as cursor:
            if _shape(cursor) != self._shape:
                return False
            cursor.execute("SET session_replication_role = replica")  # no trigger, and no foreign key to look up
            rows = 0
            for table in _all(cursor, TABLES):
                if table not in self._filled:
                    cursor.execute(f'DELETE FROM "{table}"')
                    rows += cursor.rowcount
            cursor.execute(RESTART)
            return rows <= MAX_ROWS and _filled(cursor) == self._filled


def new_name() -> str:
    return f"test_{uuid.uuid4().hex}"


def at(url: str, database: str) -> str:
    """The URL of another database of a test server."""
    return url.replace("/studyhall?", f"/{database}?", 1)


def drop(server_url: str, name: str) -> None:
    administer(server_url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@contextmanager
def _session(url: str) -> Iterator[Any]:
    """A cursor whose transaction is committed at the end of the block."""
    connection = psycopg2.connect(libpq_url(url))
    try:
        with connection, connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


def _all(cursor: Any, query: str) -> list[Any]:
    cursor.execute(query)
    return sorted(value for (value,) in cursor.fetchall())


def _shape(cursor: Any) -> list[str]:
    """Everything but rows."""
    return _all(cursor, SHAPE)


def _filled(cursor: Any) -> dict[str, list[str]]:
    """The tables that have rows, with them."""
    rows = {table: _all(cursor, f'SELECT t::text FROM "{table}" t') for table in _all(cursor, TABLES)}
    return {table: found for table, found in rows.items() if found}
