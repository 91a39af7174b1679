"""Whether locks stay with their session: they do not behind a proxy that pools by transaction."""

from __future__ import annotations

from storage.errors import StorageError
from storage.session import Session

POOLED = (
    "the storage's URL leads to a proxy that pools by transaction (PgBouncer's pool_mode=transaction): locks do not "
    "stay with their worker there; use pool_mode=session, or the server's own address"
)
PROBE = 0x5348_00FF


def check_locks_stay(session: Session) -> None:
    """Take a lock, let a second session in, and look whether the lock is still ours.

    A proxy that pools by transaction hands the second session the server process of the first, which is free between
    two statements; the first one's next statement then runs elsewhere. On a server of one's own neither can happen.

    Raises:
        StorageError: Locks do not stay.
    """
    first = session.execute("SELECT pg_backend_pid() AS backend, pg_advisory_lock_shared(%s)", [PROBE])[0].backend
    other = Session(session.url)
    try:
        with other.transaction():
            second = other.execute("SELECT pg_backend_pid() AS backend")[0].backend
            freed = "SELECT pg_backend_pid() AS backend, pg_advisory_unlock_shared(%s) AS held"
            again = session.execute(freed, [PROBE])[0]
    finally:
        other.close()
    if second == first or again.backend != first or not again.held:
        raise StorageError(POOLED)
