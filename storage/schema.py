"""The tables of a storage: their versions, and how they are made and upgraded."""

from __future__ import annotations

from dataclasses import dataclass

from storage.digest_upgrade import add_digests
from storage.errors import EmptyStorageError, StorageError
from storage.locks import SCHEMA_LOCK, WORKER_LOCKS, holding
from storage.program import program_name
from storage.session import Session
from storage.url import shown_url

SCHEMA = 3
"""Version of Studyhall's tables; `queries/upgrade_N_to_M.sql` leads from one version to the next."""
OPTUNA_SCHEMA = "v3.2.0.a"
"""Revision of Optuna's tables that `queries/` are written for: Optuna 5's."""


@dataclass(frozen=True)
class Versions:
    """Versions in a storage. None: there are no such tables."""

    server: str
    optuna: str | None
    ours: int | None
    read_only: bool


def read_versions(session: Session) -> Versions:
    """Read the versions; changes nothing."""
    row = session.one("read_versions")
    optuna = session.execute("SELECT version_num FROM alembic_version") if row.has_optuna else []
    ours = session.execute("SELECT version FROM studyhall_version") if row.has_ours else []
    return Versions(
        server=row.server,
        optuna=optuna[0].version_num if optuna else None,
        ours=ours[0].version if ours else None,
        read_only=row.read_only,
    )


def check_versions(session: Session, writing: bool) -> None:
    """Check that this code reads and writes the storage correctly.

    Raises:
        EmptyStorageError: Nobody has made the tables yet.
        StorageError: The tables are of another version, or the database cannot be written.
    """
    found = read_versions(session)
    where = shown_url(session.url)
    if found.optuna is not None and found.optuna != OPTUNA_SCHEMA:
        raise StorageError(
            f"Optuna's tables are of revision {found.optuna}, this version needs {OPTUNA_SCHEMA}; "
            f"`{program_name()} storage upgrade` upgrades an older one, a newer one needs a newer Studyhall",
            where,
        )
    if found.ours is not None and found.ours != SCHEMA:
        mend = f"run `{program_name()} storage upgrade`" if found.ours < SCHEMA else "a newer Studyhall is needed"
        raise StorageError(f"Studyhall's tables are of version {found.ours}, this code needs {SCHEMA}; {mend}", where)
    if writing and found.read_only:
        raise StorageError("the database is read-only; name one that can be written", where)
    if found.ours is None:
        raise EmptyStorageError(where=where)


def ensure_tables(session: Session) -> None:
    """Make the missing tables, Optuna's through Optuna; safe when several processes start at once."""
    found = read_versions(session)
    if found.read_only and found.ours is None:
        raise StorageError("the database is read-only; Studyhall's tables cannot be made", shown_url(session.url))
    if found.ours is None or found.optuna is None:
        with holding(session, SCHEMA_LOCK):
            _create_tables(session)
    check_versions(session, writing=True)


def upgrade(session: Session) -> str:
    """Upgrade the tables to the versions that this code needs; returns what was done.

    Raises:
        StorageError: The tables are of a newer version.
    """
    found = read_versions(session)
    if found.optuna is None or found.ours is None:
        ensure_tables(session)
        return "tables made"
    done = []
    if found.optuna != OPTUNA_SCHEMA:
        from optuna.storages import RDBStorage

        storage = RDBStorage(session.url, skip_compatibility_check=True, skip_table_creation=True)
        try:
            if found.optuna in storage.get_all_versions():
                storage.upgrade()
                done.append(f"Optuna's tables from {found.optuna} to {OPTUNA_SCHEMA}")
        finally:
            storage.engine.dispose()
    if found.ours < SCHEMA:
        _upgrade_ours(session, found.ours)
        done.append(f"Studyhall's tables from {found.ours} to {SCHEMA}")
    check_versions(session, writing=True)
    return "; ".join(done) or "nothing to do"


def _upgrade_ours(session: Session, version: int) -> None:
    """Run one step after the other, all of them or none.

    Raises:
        StorageError: Workers are running whose code needs the older tables.
    """
    with holding(session, SCHEMA_LOCK), session.transaction():
        alive = session.one("living_workers", {"space": WORKER_LOCKS}).workers
        if alive:
            raise StorageError(
                f"{alive} workers run on the older tables; `{program_name()} stop --study NAME` their studies first",
                shown_url(session.url),
            )
        for step in range(version, SCHEMA):
            session.run(f"upgrade_{step}_to_{step + 1}")
        if version < 3:
            add_digests(session)
            session.run("guard_points")


def _create_tables(session: Session) -> None:
    """Under the lock: read the versions again, then make what is missing."""
    from optuna.storages import RDBStorage
    from sqlalchemy.exc import DBAPIError

    found = read_versions(session)
    if found.optuna is None:
        try:
            RDBStorage(session.url).engine.dispose()
        except DBAPIError as error:
            raise session.refusal(error.orig or error) from error
    if found.ours is None:
        with session.transaction():
            session.run("create_tables", {"version": SCHEMA})
            session.run("guard_points")
