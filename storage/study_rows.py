"""A study's rows in a form without ids: how they are compared and copied between two storages, or within one.

Ids differ between two studies, so rows are compared and copied without ids: a trial by its number, a worker by its
position. One SELECT a table gives the rows in that form. COPY streams them, and both sides are hashed in that form.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from storage.session import Session

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

NOTHING: Mapping[str, Any] = MappingProxyType({})
WORKERS = (
    "SELECT worker_id, row_number() OVER (ORDER BY worker_id) AS position "
    "FROM studyhall_workers WHERE study_id = {study}"
)


def copy_table(
    source: Session,
    target: Session,
    table: str,
    study: int,
    made: int,
    changed: Mapping[str, str] = NOTHING,
    values: Mapping[str, object] = NOTHING,
) -> None:
    """Copy a study's rows of one table to the study `made`, inside a transaction of the target.

    Args:
        source: Where the study is.
        target: Where the copy is made; may be the source.
        table: One of `TABLES`; those before it are copied already.
        study: The study's id.
        made: The copy's.
        changed: SQL expressions in place of columns.
        values: Of the placeholders in them.
    """
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
    columns |= changed
    if "study_id" in _all_columns(target, table):
        columns["study_id"] = str(made)
    order = f"ORDER BY {ORDERS[table]}" if table in ORDERS else ""
    selected = ", ".join(columns.values())
    statement = f"INSERT INTO {table} ({', '.join(columns)}) SELECT {selected} FROM copied {order}"
    target.execute(statement, values or None)
    target.execute("DROP TABLE copied")
    if table in ORDERS:  # ids are looked up in it: the server has to know that the new study has more than a row
        target.execute(f"ANALYZE {table}")


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
