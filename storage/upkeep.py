"""`storage status`, `url`, `check`, `upgrade` and `move`: the storage as it is, and whether it is fit for studies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict

from storage import listening, moving, schema, server
from storage.errors import StorageError
from storage.home import home
from storage.locks import check_locks_stay
from storage.program import program_name
from storage.schema import OPTUNA_SCHEMA, SCHEMA, check_versions, read_versions
from storage.session import Session
from storage.store import Store
from storage.url import shown_url, url_to_paste

PASSWORD_ELSEWHERE = (
    "without its password, which is never printed: other programs read it from PGPASSWORD or ~/.pgpass, "
    "or write it into the URL behind the user, USER:PASSWORD@"
)


def server_status() -> tuple[list[str], dict[str, object]]:
    """The embedded server as it is: lines for people, and the same values by name. Starts nothing."""
    found = server.status(home())
    listens = "for this host alone" if found.listens is None else f"at {found.listens.host}:{found.listens.port}"
    state = {"up": "yes" if found.up else "no", "url": found.url, "version": found.version}
    facts = state | {"process": found.pid or "none", "data": found.data, "log": found.log, "listens": listens}
    lines = [f"{name}: {value}" for name, value in facts.items()]
    return lines, {**asdict(found), "data": str(found.data), "log": str(found.log)}


def url_lines(store: Store) -> list[str]:
    """The storage's URL, without a password. For an embedded server that listens: the URL for other hosts, and how to
    reach it."""
    url = store.start()
    found = server.read_listening(server.cluster(store.home).base) if store.embedded else None
    if found is not None:
        return listening.access_lines(store.home, found)
    shown, has_password = url_to_paste(url)
    return [shown, *([PASSWORD_ELSEWHERE] if has_password else [])]


def check(store: Store) -> list[str]:
    """The versions of everything, a line each.

    Raises:
        StorageError: The tables are of another version, or locks do not stay with their session.
    """
    url = store.start()
    with closing(Session(url)) as session:
        found = read_versions(session)
        check_locks_stay(session)
    lines = [
        f"storage: {shown_url(url)}",
        f"server: PostgreSQL {found.server}",
        f"Optuna's tables: {found.optuna or 'none yet'}",
        f"Studyhall's tables: {found.ours or 'none yet'}",
        "locks: stay with their session",
    ]
    if found.optuna not in (None, OPTUNA_SCHEMA) or found.ours not in (None, SCHEMA):
        raise StorageError("; ".join([*lines, f"`{program_name()} storage upgrade` upgrades older tables"]))
    return lines


def upgrade(store: Store) -> str:
    """Upgrade the tables to this version of the program; returns what was done."""
    with closing(Session(store.start())) as session:
        return schema.upgrade(session)


def move(url: str | None, target: str, names: Sequence[str], say: Callable[[str], None]) -> None:
    """Copy studies to another storage; see `storage/moving.py`."""
    with closing(Store.of(url).read()) as source:
        check_versions(source, writing=True)
        with closing(Store.of(target).write()) as into:
            moving.move(source, into, names, say)
