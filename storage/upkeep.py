"""`storage status`, `check` and `upgrade`: what the storage is, and whether a study can be trusted to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict

from storage import listening, server
from storage.errors import StorageError
from storage.home import home
from storage.locks import check_locks_stay
from storage.moving import Moved
from storage.moving import move as copy_studies
from storage.schema import OPTUNA_SCHEMA, SCHEMA, check_versions, read_versions
from storage.schema import upgrade as upgrade_tables
from storage.session import Session
from storage.store import Store
from storage.url import shown_url


def server_status() -> dict[str, object]:
    """The embedded server, as it is; starts nothing."""
    found = server.status(home())
    return {
        "up": found.up,
        "url": found.url,
        "version": found.version,
        "pid": found.pid,
        "data": str(found.data),
        "log": str(found.log),
        "listens": None if found.listening is None else asdict(found.listening),
    }


def url_told(store: Store) -> list[str]:
    """The storage's URL, then what there is to know; of an embedded server that listens, the one for other hosts. No
    password is among it."""
    url = store.start()
    found = server.read_listening(server.cluster(store.home).base) if store.embedded else None
    return [shown_url(url)] if found is None else listening.told(store.home, found)


def check(store: Store) -> list[str]:
    """What is fine, a line each.

    Raises:
        StorageError: What is not, and which command mends it.
    """
    url = store.start()
    session = Session(url)
    try:
        found = read_versions(session)
        check_locks_stay(session)
    finally:
        session.close()
    lines = [
        f"storage: {shown_url(url)}",
        f"server: PostgreSQL {found.server}",
        f"Optuna's tables: {found.optuna or 'none yet'}",
        f"Studyhall's tables: {found.ours or 'none yet'}",
        "locks: stay with their session",
    ]
    if found.optuna not in (None, OPTUNA_SCHEMA) or found.ours not in (None, SCHEMA):
        raise StorageError("; ".join([*lines, "`python cli.py storage upgrade` mends an older version"]))
    return lines


def upgrade(store: Store) -> str:
    """Bring the tables to the versions that this code knows."""
    session = Session(store.start())
    try:
        return upgrade_tables(session)
    finally:
        session.close()


def move(url: str | None, target: str, names: Sequence[str], tell: Callable[[Moved], None]) -> None:
    """Copy studies to another storage; `storage/moving.py` says how."""
    source = Store.of(url).read()
    try:
        check_versions(source, writing=True)
        into = Store.of(target).write()
        try:
            copy_studies(source, into, names, tell)
        finally:
            into.close()
    finally:
        source.close()
