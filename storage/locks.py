"""Every advisory lock of ours in one table, and whether locks stay with their session behind this URL.

A key of one number and a key of two never meet in PostgreSQL, so the two halves of the table are apart.
"""

from __future__ import annotations

from storage.errors import StorageError
from storage.session import Session

# Spaces of locks on two numbers, (space, id):
TRIAL_LOCKS = 0x5348_0001
"""(this, trial_id): held by the worker that runs the trial, from the claim to its end."""
WORKER_LOCKS = 0x5348_0002
"""(this, worker_id): held by a worker for as long as it lives."""
DASHBOARD_LOCKS = 0x5348_0003
"""(this, study_id): held while a study's note and figures are written."""

# Locks on one number:
SCHEMA_LOCK = 0x5348_0000
"""Held while tables are made or upgraded."""
MOVE_LOCK = 0x5348_0001
"""Held in both storages while studies are moved."""
PROBE_LOCK = 0x5348_00FF
"""Held for a moment, shared, to see whether locks stay with their session."""

POOLED = (
    "the storage's URL leads to a proxy that pools by transaction (PgBouncer's pool_mode=transaction): locks do not "
    "stay with their worker there; use pool_mode=session, or the server's own address"
)


def check_locks_stay(session: Session) -> None:
    """Take a lock, let a second session in, and look whether the lock is still ours.

    A proxy that pools by transaction hands the second session the server process of the first, which is free between
    two statements; the first one's next statement then runs elsewhere. On a server of one's own neither can happen.

    Raises:
        StorageError: Locks do not stay.
    """
    first = session.execute("SELECT pg_backend_pid() AS backend, pg_advisory_lock_shared(%s)", [PROBE_LOCK])[0].backend
    other = Session(session.url)
    try:
        with other.transaction():
            second = other.execute("SELECT pg_backend_pid() AS backend")[0].backend
            freed = "SELECT pg_backend_pid() AS backend, pg_advisory_unlock_shared(%s) AS held"
            again = session.execute(freed, [PROBE_LOCK])[0]
    finally:
        other.close()
    if second == first or again.backend != first or not again.held:
        raise StorageError(POOLED)
