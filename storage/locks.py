"""Studyhall's advisory locks in one table, and a check that locks stay with their session behind a URL.

PostgreSQL keeps locks on one number apart from locks on two, so the two halves of the table cannot collide.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from storage.errors import StorageError
from storage.session import Session

# Spaces of locks on two numbers, (space, id):
TRIAL_LOCKS = 0x5348_0001
"""(this, trial_id): held by the worker that runs the trial, from the claim to its end."""
WORKER_LOCKS = 0x5348_0002
"""(this, worker_id): held by a worker for as long as it lives."""
DASHBOARD_LOCKS = 0x5348_0003
"""(this, study_id): held while a study's note and figures are written."""
CHOICE_LOCKS = 0x5348_0004
"""(this, study_id): held by the worker that makes a study's next choice, for as long as that takes."""

# Locks on one number:
SCHEMA_LOCK = 0x5348_0000
"""Held while tables are made or upgraded."""
MOVE_LOCK = 0x5348_0001
"""Held in both storages while studies are moved."""
PROBE_LOCK = 0x5348_00FF
"""Held for a moment, shared, by the check that locks stay with their session."""

POOLED = (
    "the storage's URL leads to a proxy that pools by transaction (PgBouncer's pool_mode=transaction): locks do not "
    "stay with their worker there; use pool_mode=session, or the server's own address"
)


@contextmanager
def holding(session: Session, lock: int) -> Iterator[None]:
    """Hold a lock on one number during the block; wait for it first."""
    session.execute("SELECT pg_advisory_lock(%s)", [lock])
    try:
        yield
    finally:
        if not session.closed:
            session.execute("SELECT pg_advisory_unlock(%s)", [lock])


def take(session: Session, space: int, number: int) -> bool:
    """Take a lock on two numbers for the session, unless another session holds it; whether it was taken."""
    return bool(session.execute("SELECT pg_try_advisory_lock(%s, %s) AS taken", [space, number])[0].taken)


def give_back(session: Session, space: int, number: int) -> None:
    """Give back a lock that the session holds."""
    session.execute("SELECT pg_advisory_unlock(%s, %s)", [space, number])


def check_locks_stay(session: Session) -> None:
    """Take a lock, open a second session, and see whether the first session still holds the lock.

    Between two statements a proxy that pools by transaction gives the first session's server process to the second
    session, and the first session's next statement runs in another process. Without such a proxy neither happens.

    Raises:
        StorageError: Locks do not stay.
    """
    first = session.execute("SELECT pg_backend_pid() AS backend, pg_advisory_lock_shared(%s)", [PROBE_LOCK])[0].backend
    with closing(Session(session.url)) as other, other.transaction():
        second = other.execute("SELECT pg_backend_pid() AS backend")[0].backend
        freed = "SELECT pg_backend_pid() AS backend, pg_advisory_unlock_shared(%s) AS held"
        again = session.execute(freed, [PROBE_LOCK])[0]
    if second == first or again.backend != first or not again.held:
        raise StorageError(POOLED)
