"""Copy a study within its storage: all of its rows, with a key of its own, so that its digests are computed anew."""

from __future__ import annotations

import secrets

from storage.digest_upgrade import compute_digests
from storage.errors import UsageError
from storage.locks import TRIAL_LOCKS
from storage.reader import Reader
from storage.records import StudyRow
from storage.session import Session
from storage.study_rows import TABLES, copy_table


def copy_study(session: Session, study: StudyRow, name: str, seal: str) -> StudyRow:
    """Copy a study that no worker runs, in the caller's transaction; returns the copy's row.

    No trial of the copy runs: one that a lost worker left RUNNING waits, as in the original once another worker comes.

    Args:
        session: Holds the study: storage/renaming.py's `lock_idle`.
        study: The study.
        name: Of the copy, a valid one.
        seal: Of the study: what the copy says that it is of.

    Raises:
        UsageError: The name is not free.
    """
    row = session.one("name_copy", {"name": name})
    if row is None:
        raise UsageError(f"a study {name!r} exists; choose another name", "copy")
    reader, made = Reader(session), int(row.study_id)
    own = {"key": "%(key)s", "folder": "%(name)s", "copy_of": "%(seal)s", "created_at": "clock_timestamp()"}
    values = {"key": secrets.token_hex(16), "name": name, "seal": seal}
    for table in TABLES:
        copy_table(session, session, table, study.study_id, made, own if table == "studyhall_studies" else {}, values)
    session.execute(f"ANALYZE {', '.join(TABLES)}")  # the copy is read next, and by its size
    for query in ("clear_copy", "mark_study", "fail_others"):
        session.run(query, {"study_id": made})
    running = session.run("lock_orphans", {"study_id": made, "space": TRIAL_LOCKS})
    session.run("recover_orphans", {"trial_ids": [each.trial_id for each in running]})
    copied = reader.study(name)
    compute_digests(session, copied, reader.digests(study.study_id))
    return copied
