"""`storage move`: copy studies from one storage to another, whole or not at all, and compare both by count and hash.

Ids differ between two storages, so rows are compared and copied without ids: a trial by its number, a worker by its
position. One SELECT a table gives the rows in that form. COPY streams them, and both sides are hashed in that form.
Each study is one transaction. After a kill the command compares the studies that it has copied and copies the others.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence

from storage.errors import StorageError, UsageError
from storage.locks import MOVE_LOCK, holding
from storage.reader import Reader
from storage.session import Session
from storage.studies import drain_study
from storage.url import shown_url

TABLES = {
    "trials": "study",
    "study_directions": "study",
    "study_user_attributes": "study",
    "study_system_attributes": "study",
    "trial_params": "trial",
    "trial_values": "trial",
    "trial_intermediate_values": "trial",
    "trial_user_attributes": "trial",
    "trial_system_attributes": "trial",
    "trial_heartbeats": "trial",
    "studyhall_studies": "study",
    "studyhall_workers": "study",
    "studyhall_codes": "study",
    "studyhall_points": "trial",
    "studyhall_attempts": "trial",
    "studyhall_metrics": "trial",
    "studyhall_reports": "trial",
    "studyhall_decisions": "study",
}
"""Every table that holds rows of a study and whether a row belongs to a study or a trial, in an order in which the
tables can be written."""

ORDERS = {"trials": "number", "studyhall_workers": "position"}
"""Tables that give their rows new ids, and the column that orders the rows."""

NOT_COPIED = {"draining"}
"""Columns that keep their default in the copy: workers may run it."""

MOVED = "moved to"
"""A user attribute of the original study alone: the storage that it was moved to."""

WITHOUT_IDS = {
    "trial_id": "trial.number",
    "retry_of": "(SELECT number FROM trials WHERE trial_id = given.retry_of)",
    "worker_id": "(SELECT position FROM ({workers}) AS worker WHERE worker.worker_id = given.worker_id)",
    "trials": "ARRAY(SELECT number FROM unnest(given.trials) WITH ORDINALITY AS used (trial_id, rank) "
    "JOIN trials USING (trial_id) ORDER BY rank)",
}
"""The columns that hold ids, as expressions without ids."""

WITH_IDS = {
    "trial_id": "(SELECT trial_id FROM trials WHERE study_id = {study} AND number = copied.trial_id)",
    "retry_of": "(SELECT trial_id FROM trials WHERE study_id = {study} AND number = copied.retry_of)",
    "worker_id": "(SELECT worker_id FROM ({workers}) AS worker WHERE position = copied.worker_id)",
    "trials": "ARRAY(SELECT trial_id FROM unnest(copied.trials) WITH ORDINALITY AS used (number, rank) "
    "JOIN trials USING (number) WHERE trials.study_id = {study} ORDER BY rank)",
}
"""The same columns with the target's ids."""

WORKERS = (
    "SELECT worker_id, row_number() OVER (ORDER BY worker_id) AS position "
    "FROM studyhall_workers WHERE study_id = {study}"
)


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
    with target.transaction():
        made = target.execute("INSERT INTO studies (study_name) VALUES (%s) RETURNING study_id", [name])[0].study_id
        with source.transaction():
            source.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            source.run("lock_study", {"study_id": study_id})
            before = digests(source, study_id)
            for table in TABLES:
                _copy_table(source, target, table, study_id, made)
        # Hash again: a worker that joined meanwhile may have ended a trial.
        if not before == digests(source, study_id) == digests(target, made):
            raise StorageError("changed while it was copied; `stop` it, and run this again", name)


def _copy_table(source: Session, target: Session, table: str, study: int, made: int) -> None:
    target.execute(f"CREATE TEMP TABLE copied ON COMMIT DROP AS {_select(target, table, -1)}")
    with tempfile.TemporaryFile() as rows:
        source.copy(f"COPY ({_select(source, table, study)}) TO STDOUT", rows)
        rows.seek(0)
        target.copy("COPY copied FROM STDIN", rows)
    target.execute("ANALYZE copied")
    workers = WORKERS.format(study=made)
    columns = {
        name: WITH_IDS.get(name, f"copied.{name}").format(study=made, workers=workers)
        for name in _columns(source, table)
        if name != "position"
    }
    if "study_id" in _all_columns(target, table):
        columns["study_id"] = str(made)
    order = f"ORDER BY {ORDERS[table]}" if table in ORDERS else ""
    values = ", ".join(columns.values())
    target.execute(f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM copied {order}")
    target.execute("DROP TABLE copied")


def digests(session: Session, study_id: int) -> Mapping[str, tuple[int, int]]:
    """For each table, the number of the study's rows and the sum of their MD5s' first 60 bits, in any order."""
    return {
        table: tuple(
            session.execute(
                "SELECT count(*), coalesce(sum(('x' || left(md5(copied::text), 15))::bit(60)::bigint), 0)::text "
                f"FROM ({_select(session, table, study_id)}) AS copied"
            )[0]
        )
        for table in TABLES
    }


def _select(session: Session, table: str, study: int) -> str:
    """A SELECT of a study's rows without ids."""
    without_ids = {**WITHOUT_IDS, "position": "row_number() OVER (ORDER BY worker_id)"}
    workers = WORKERS.format(study=study)
    columns = ", ".join(
        f"{without_ids.get(name, f'given.{name}').format(study=study, workers=workers)} AS {name}"
        for name in _columns(session, table)
    )
    if TABLES[table] == "study":
        mark = f" AND given.key <> '{MOVED}'" if table == "study_user_attributes" else ""
        return f"SELECT {columns} FROM {table} AS given WHERE given.study_id = {study}{mark}"
    joined = f"{table} AS given JOIN trials AS trial ON trial.trial_id = given.trial_id"
    return f"SELECT {columns} FROM {joined} WHERE trial.study_id = {study}"


def _columns(session: Session, table: str) -> list[str]:
    """The columns that are copied: neither the study's id nor an id that the table gives out itself."""
    own = [name for name in _all_columns(session, table) if name != "study_id" and name not in NOT_COPIED]
    return [*own, "position"] if table == "studyhall_workers" else own


def _all_columns(session: Session, table: str) -> list[str]:
    return [row.name for row in session.run("read_columns", {"table": table})]
