"""`storage move`: studies from one storage to another, whole or not at all, checked by count and hash.

Ids differ between two storages, so a table's rows are told without them: a trial by its number, a worker by its place.
One SELECT a table gives that form. It is what is copied (by COPY, which streams) and what is hashed on both sides.
A study is one transaction: killed and run again, what is there is compared, and what is not is copied.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from storage.errors import StorageError, UsageError
from storage.locks import MOVE_LOCK
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
    "studyhall_points": "trial",
    "studyhall_attempts": "trial",
    "studyhall_metrics": "trial",
    "studyhall_reports": "trial",
    "studyhall_decisions": "study",
}
"""Every table that a study has rows in, what its rows hang on, and in the order in which they can be written."""

PLACED = {"trials": "number", "studyhall_workers": "place"}
"""Tables whose ids are given out anew, and what gives their order."""

LEFT = {"draining"}
"""Columns that stay behind: a copy is free to run."""

MOVED = "moved to"
"""Key of a study's user attribute that says where it was moved: of the original alone."""

TOLD = {
    "trial_id": "trial.number",
    "retry_of": "(SELECT number FROM trials WHERE trial_id = given.retry_of)",
    "worker_id": "(SELECT place FROM ({workers}) AS worker WHERE worker.worker_id = given.worker_id)",
    "trials": "ARRAY(SELECT number FROM unnest(given.trials) WITH ORDINALITY AS used (trial_id, place) "
    "JOIN trials USING (trial_id) ORDER BY place)",
}
"""How a column with ids is told without them."""

MEANT = {
    "trial_id": "(SELECT trial_id FROM trials WHERE study_id = {study} AND number = told.trial_id)",
    "retry_of": "(SELECT trial_id FROM trials WHERE study_id = {study} AND number = told.retry_of)",
    "worker_id": "(SELECT worker_id FROM ({workers}) AS worker WHERE place = told.worker_id)",
    "trials": "ARRAY(SELECT trial_id FROM unnest(told.trials) WITH ORDINALITY AS used (number, place) "
    "JOIN trials USING (number) WHERE trials.study_id = {study} ORDER BY place)",
}
"""And which id that is where it is written."""

WORKERS = (
    "SELECT worker_id, row_number() OVER (ORDER BY worker_id) AS place FROM studyhall_workers WHERE study_id = {study}"
)


@dataclass(frozen=True)
class Moved:
    """What became of one study."""

    name: str
    trials: int
    copied: bool
    """False: it was there already, the same to the last row."""

    def line(self) -> str:
        """For people."""
        what = "copied" if self.copied else "was there already"
        return f"{self.name}: {self.trials:,} trials, {what}, count and hash agree; the one here does not go on"


def move(source: Session, target: Session, names: Sequence[str], tell: Callable[[Moved], None]) -> None:
    """Copy studies; those named, or all. The originals stay, and do not go on.

    Raises:
        UsageError: A name is not a study's, workers are at one, the target holds another study of that name, or both
            are one database; nothing was written.
        StorageError: A study changed while it was copied; what was told before is moved.
    """
    source.execute("SELECT pg_advisory_lock(%s)", [MOVE_LOCK])
    try:
        if not target.execute("SELECT pg_try_advisory_xact_lock(%s) AS free", [MOVE_LOCK])[0].free:
            raise UsageError(f"{shown_url(target.url)}: is the storage that the studies are in")
        rows = [Reader(source).study(name) for name in names] or Reader(source).studies(None)
        for session in (source, target):
            session.execute("SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET extra_float_digits = 3")
        ids = {row.name: row.study_id for row in rows}
        there = {name: _compared(source, target, study_id, name) for name, study_id in ids.items()}
        for name, study_id in ids.items():
            if there[name] is None:
                drain_study(source, study_id)
                _copy(source, target, study_id, name)
            _mark(source, study_id, shown_url(target.url))
            trials = source.execute("SELECT count(*) FROM trials WHERE study_id = %s", [study_id])[0].count
            tell(Moved(name, trials, there[name] is None))
    finally:
        if not source.closed:
            source.execute("SELECT pg_advisory_unlock(%s)", [MOVE_LOCK])


def _mark(source: Session, study_id: int, where: str) -> None:
    values = {"study": study_id, "key": MOVED, "where": json.dumps(where)}
    with source.transaction():
        source.execute("DELETE FROM study_user_attributes WHERE study_id = %(study)s AND key = %(key)s", values)
        columns = "study_user_attributes (study_id, key, value_json)"
        source.execute(f"INSERT INTO {columns} VALUES (%(study)s, %(key)s, %(where)s)", values)


def moved_to(session: Session, study_id: int) -> str | None:
    """Where a study was moved from here, as the URL may be shown; None if it was not."""
    rows = session.execute(
        "SELECT value_json FROM study_user_attributes WHERE study_id = %s AND key = %s", [study_id, MOVED]
    )
    return str(json.loads(rows[0].value_json)) if rows else None


def _compared(source: Session, target: Session, study_id: int, name: str) -> int | None:
    """The study's id in the target if it is there, the same to the last row; None: it is not there."""
    alive = [each for each in Reader(source).workers(study_id) if each.alive]
    if alive:
        raise UsageError(f"--study: {len(alive)} workers are at {name!r}; `stop` it first")
    found = Reader(target).find_study(name)
    if found is not None and digests(source, study_id) != digests(target, found.study_id):
        raise UsageError(f"{shown_url(target.url)}: holds another study {name!r}, or one that has gone on since")
    return None if found is None else found.study_id


def _copy(source: Session, target: Session, study_id: int, name: str) -> None:
    """One study, in one transaction on either side."""
    with target.transaction():
        made = target.execute("INSERT INTO studies (study_name) VALUES (%s) RETURNING study_id", [name])[0].study_id
        with source.transaction():
            source.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            source.run("lock_study", {"study_id": study_id})
            before = digests(source, study_id)
            for table in TABLES:
                _copy_table(source, target, table, study_id, made)
        # Looked at anew: a worker that came meanwhile may have ended a trial.
        if not before == digests(source, study_id) == digests(target, made):
            raise StorageError(f"{name}: changed while it was copied; `stop` it, and run this again")


def _copy_table(source: Session, target: Session, table: str, study: int, made: int) -> None:
    columns = _columns(source, table)
    written = [column for column in columns if column != "place"]
    values = [_meant(column, made) for column in written]
    owner = "study_id" in _all_columns(target, table)
    order = f"ORDER BY {PLACED[table]}" if table in PLACED else ""
    target.execute(f"CREATE TEMP TABLE told ON COMMIT DROP AS {_told(target, table, -1)}")
    with tempfile.TemporaryFile() as rows:
        source.copy_out(_told(source, table, study), rows)
        rows.seek(0)
        target.copy_in("told", rows)
    target.execute("ANALYZE told")
    target.execute(
        f"INSERT INTO {table} ({', '.join([*(['study_id'] if owner else []), *written])}) "
        f"SELECT {', '.join([*([str(made)] if owner else []), *values])} FROM told {order}"
    )
    target.execute("DROP TABLE told")


def digests(session: Session, study_id: int) -> Mapping[str, tuple[int, int]]:
    """Of each table, the study's rows: how many, and the sum of their MD5's first 60 bits, in whatever order."""
    return {
        table: tuple(
            session.execute(
                "SELECT count(*), coalesce(sum(('x' || left(md5(told::text), 15))::bit(60)::bigint), 0)::text "
                f"FROM ({_told(session, table, study_id)}) AS told"
            )[0]
        )
        for table in TABLES
    }


def _told(session: Session, table: str, study: int) -> str:
    """A SELECT of a study's rows without ids."""
    columns = [
        f"{TOLD[name].format(study=study, workers=WORKERS.format(study=study))} AS {name}"
        if name in TOLD
        else f"row_number() OVER (ORDER BY worker_id) AS {name}"
        if name == "place"
        else f"given.{name}"
        for name in _columns(session, table)
    ]
    if TABLES[table] == "study":
        mark = f" AND given.key <> '{MOVED}'" if table == "study_user_attributes" else ""
        return f"SELECT {', '.join(columns)} FROM {table} AS given WHERE given.study_id = {study}{mark}"
    joined = f"{table} AS given JOIN trials AS trial ON trial.trial_id = given.trial_id"
    return f"SELECT {', '.join(columns)} FROM {joined} WHERE trial.study_id = {study}"


def _meant(column: str, study: int) -> str:
    if column not in MEANT:
        return f"told.{column}"
    return MEANT[column].format(study=study, workers=WORKERS.format(study=study))


def _columns(session: Session, table: str) -> list[str]:
    """Those that are told: not the study's id, not one that the table gives out itself."""
    own = [name for name in _all_columns(session, table) if name != "study_id" and name not in LEFT]
    return [*own, "place"] if table == "studyhall_workers" else own


def _all_columns(session: Session, table: str) -> list[str]:
    return [row.name for row in session.run("read_columns", {"table": table})]
