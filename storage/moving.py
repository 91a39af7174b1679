"""`storage move`: copy studies from one storage to another, whole or not at all, and compare both by count and hash.

Each study is one transaction. After a kill the command compares the studies that it has copied and copies the others.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from storage.errors import StorageError, UsageError
from storage.locks import MOVE_LOCK, holding
from storage.owner import only_by_owner
from storage.reader import Reader
from storage.session import Session
from storage.studies import drain_study
from storage.study_rows import MOVED, TABLES, copy_table, digests
from storage.url import shown_url


def move(source: Session, target: Session, names: Sequence[str], say: Callable[[str], None]) -> None:
    """Copy the named studies, or all. The originals stay, but no worker runs them any more.

    Raises:
        UsageError: A name is not a study's, workers are running one, the target holds another study of that name, or
            both sessions lead to one database; nothing was written.
        StorageError: A study changed while it was copied; the studies before it are moved.
    """
    with holding(source, MOVE_LOCK):
        if not target.execute("SELECT pg_try_advisory_xact_lock(%s) AS free", [MOVE_LOCK])[0].free:
            raise UsageError("is the storage that the studies are in", shown_url(target.url))
        rows = [Reader(source).study(name) for name in names] or Reader(source).studies(None)
        for session in (source, target):
            session.execute("SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET extra_float_digits = 3")
        missing = {row.name: not _is_copied(source, target, row.study_id, row.name) for row in rows}
        for name, study_id in {row.name: row.study_id for row in rows}.items():
            if missing[name]:
                drain_study(source, study_id)
                _copy(source, target, study_id, name)
            _mark(source, study_id, shown_url(target.url))
            trials = source.execute("SELECT count(*) FROM trials WHERE study_id = %s", [study_id])[0].count
            done = "copied and verified" if missing[name] else "were there already, the same to the last row"
            say(f"{name}: {trials:,} trials {done}; no worker runs the original any more: `delete` removes it")


def _mark(source: Session, study_id: int, where: str) -> None:
    values = {"study": study_id, "key": MOVED, "where": json.dumps(where)}
    with source.transaction():
        source.execute("DELETE FROM study_user_attributes WHERE study_id = %(study)s AND key = %(key)s", values)
        columns = "study_user_attributes (study_id, key, value_json)"
        source.execute(f"INSERT INTO {columns} VALUES (%(study)s, %(key)s, %(where)s)", values)


def moved_to(session: Session, study_id: int) -> str | None:
    """The URL that a study was moved to, without its password; None if it was not moved."""
    rows = session.execute(
        "SELECT value_json FROM study_user_attributes WHERE study_id = %s AND key = %s", [study_id, MOVED]
    )
    return str(json.loads(rows[0].value_json)) if rows else None


def _is_copied(source: Session, target: Session, study_id: int, name: str) -> bool:
    """Whether the target holds the study, the same to the last row; False: it holds no study of that name."""
    reader = Reader(source)
    alive = reader.living_workers(study_id)
    if alive:
        raise UsageError(f"{alive} workers are running {name!r}; `stop` it first", "--study")
    elsewhere = Reader(target).name_of_key(reader.digests(study_id).key)
    if elsewhere not in (name, None):
        raise UsageError(f"holds this study as {elsewhere!r}: one of them was renamed", shown_url(target.url))
    found = Reader(target).find_study(name)
    if found is not None and digests(source, study_id) != digests(target, found.study_id):
        raise UsageError(f"holds another study {name!r}, or one that has changed since", shown_url(target.url))
    return found is not None


def _copy(source: Session, target: Session, study_id: int, name: str) -> None:
    """Copy one study, in one transaction on either side."""
    with only_by_owner(target, "take in a study that is moved"), target.transaction():
        made = target.execute("INSERT INTO studies (study_name) VALUES (%s) RETURNING study_id", [name])[0].study_id
        with source.transaction():
            source.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            source.run("lock_study", {"study_id": study_id})
            before = digests(source, study_id)
            for table in TABLES:
                copy_table(source, target, table, study_id, made)
        # Hash again: a worker that joined meanwhile may have ended a trial.
        if not before == digests(source, study_id) == digests(target, made):
            raise StorageError("changed while it was copied; `stop` it, and run this again", name)
