"""`status --watch`: on a terminal until q, in a pipe until the study ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from storage.store import Store
from studies.status.polling import Polling


def watch(store: Store, name: str | None, log: Callable[[str], None]) -> None:
    """Show a study, or all of them, as they change.

    Raises:
        UsageError: There is no study of that name; in a pipe also once it was deleted or renamed.
        StorageError: The storage cannot be read.
    """
    polling = Polling(store, name)
    if sys.stdout.isatty() and sys.stdin.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        from studies.status.app import Watch

        Watch(polling, name, store.home).run()
        return
    from studies.status.changes import follow

    try:
        follow(polling, name, log)
    finally:
        polling.close()
