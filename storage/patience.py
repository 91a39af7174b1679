"""A worker that begins while its database restarts waits for it, as a worker that runs does."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from storage.errors import RefusedError, RestartingError, SessionLostError

ABSENCE_SECONDS = 10.0
"""That no server may listen, as between its end and its start. One that says that it starts or stops is waited for
without a limit."""
MAX_PAUSE_SECONDS = 1.0

Answer = TypeVar("Answer")


def patiently(action: Callable[[], Answer], log: Callable[[str], None]) -> Answer:
    """The answer of an action that may be begun again, once the database is there.

    Raises:
        UnreachableError: It did not come.
    """
    since, pause, last = time.monotonic(), 0.05, ""
    while True:
        try:
            return action()
        except RestartingError as error:
            since, line = time.monotonic(), f"waiting for the database: {error}"
        except (RefusedError, SessionLostError) as error:
            line = f"waiting at most {ABSENCE_SECONDS:g} s for the database: {error}"
            if time.monotonic() - since > ABSENCE_SECONDS:
                raise
        if line != last:
            log(line)
        last = line
        time.sleep(pause)
        pause = min(2 * pause, MAX_PAUSE_SECONDS)
