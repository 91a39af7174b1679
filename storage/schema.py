"""Which tables a storage has, whether they are of the versions that this code knows, and how they are made."""

from __future__ import annotations

from dataclasses import dataclass

from storage.digest_upgrade import add_digests
from storage.errors import StorageError
from storage.locks import SCHEMA_LOCK, WORKER_LOCKS
from storage.session import Session
from storage.url import shown_url

SCHEMA = 3
"""Version of our tables: `queries/upgrade_N_to_M.sql` leads from one to the next."""
OPTUNA_SCHEMA = "v3.2.0.a"
"""Revision of Optuna's tables that `queries/` were written for: that of Optuna 5."""


@dataclass(frozen=True)
class Versions:
    """What is in a storage. None: no such tables."""

    server: str
    optuna: str | None
    ours: int | None
    read_only: bool


def read_versions(session: Session) -> Versions:
    """Look, change nothing."""
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
    """Refuse a storage that this code would read or write wrongly.

    Raises:
        StorageError: The tables are missing, or of another version, or the database cannot be written.
    """
    found = read_versions(session)
    where = shown_url(session.url)
    if found.optuna is not None and found.optuna != OPTUNA_SCHEMA:
        raise StorageError(
            f"{where}: Optuna's tables are of revision {found.optuna}, this version needs {OPTUNA_SCHEMA}; "
            "an older one is mended by `python cli.py storage upgrade`, a newer one by a newer Studyhall"
        )
    if found.ours is not None and found.ours != SCHEMA:
        mend = "`python cli.py storage upgrade` mends it" if found.ours < SCHEMA else "a newer Studyhall is needed"
        raise StorageError(f"{where}: Studyhall's tables are of version {found.ours}, this code knows {SCHEMA}; {mend}")
    if writing and found.read_only:
        raise StorageError(f"{where}: the database is read-only; a storage that can be written is needed")
    if found.ours is None:
        raise StorageError(f"{where}: no Studyhall tables here yet; `python cli.py run …` makes them")


def ensure_tables(session: Session) -> None:
    """Make what is missing, Optuna's tables by Optuna itself; safe when several start at once."""
    found = read_versions(session)
    if found.read_only and found.ours is None:
        raise StorageError(f"{shown_url(session.url)}: the database is read-only; Studyhall's tables cannot be made")
    if found.ours is None or found.optuna is None:
        session.execute("SELECT pg_advisory_lock(%s)", [SCHEMA_LOCK])
        try:
            _create_tables(session)
        finally:
            if not session.closed:
                session.execute("SELECT pg_advisory_unlock(%s)", [SCHEMA_LOCK])
    check_versions(session, writing=True)


def upgrade(session: Session) -> str:
    """Bring the tables to the versions that this code knows; says what was done.

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
    """One step after the other, all of them or none.

    Raises:
        StorageError: Workers live, whose code knows the older tables.
    """
    session.execute("SELECT pg_advisory_lock(%s)", [SCHEMA_LOCK])
    try:
        with session.transaction():
            alive = session.one("living_workers", {"space": WORKER_LOCKS}).workers
            if alive:
                raise StorageError(
                    f"{shown_url(session.url)}: {alive} workers run on the older tables; `python cli.py stop --study "
                    "NAME` their studies first"
                )
            for step in range(version, SCHEMA):
                session.run(f"upgrade_{step}_to_{step + 1}")
            if version < 3:
                add_digests(session)
    finally:
        if not session.closed:
            session.execute("SELECT pg_advisory_unlock(%s)", [SCHEMA_LOCK])


def _create_tables(session: Session) -> None:
    """Under the lock: look again, then make."""
    from optuna.storages import RDBStorage
    from sqlalchemy.exc import DBAPIError

    found = read_versions(session)
    if found.optuna is None:
        try:
            RDBStorage(session.url).engine.dispose()
        except DBAPIError as error:
            raise StorageError(session.refusal(error.orig or error)) from error
    if found.ours is None:
        with session.transaction():
            session.run("create_tables", {"version": SCHEMA})
