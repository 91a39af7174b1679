"""The scribe's process: `python -m studies.dashboard.scribe_process`, controlled by its standard input.

First comes a line of JSON, then a byte whenever something has changed; the input ends with its worker. It writes at
most every `PAUSE_SECONDS`, holds a session only while it writes, and then rests `PAUSE_PER_WRITE` times as long.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import time
from contextlib import closing, suppress

PAUSE_SECONDS = 5.0
"""Between two updates, at least."""
PAUSE_PER_WRITE = 50
"""An update that took a second is followed by so many seconds of rest."""
LAST_UPDATE_SECONDS = 60
"""After the worker's end the process ends itself."""
LAST_TRIES = 10
INPUT = 0


def main() -> None:
    """Keep one study's note and figures current until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(OSError):
        os.nice(19)
    data = b""
    while b"\n" not in data:
        piece = os.read(INPUT, 65536)
        if not piece:
            return
        data += piece
    first, _, rest = data.partition(b"\n")
    scribe = _Scribe(**json.loads(first))
    changed, open_ = bool(rest), True
    while open_:
        if not changed:
            changed = open_ = bool(os.read(INPUT, 65536))
        if changed:
            began = time.monotonic()
            written = scribe.write()
            more, open_ = _rest(max(PAUSE_SECONDS, PAUSE_PER_WRITE * (time.monotonic() - began)))
            changed = more or not written
    signal.alarm(LAST_UPDATE_SECONDS)
    for _ in range(LAST_TRIES):
        if scribe.write():
            break
        time.sleep(0.2)


class _Scribe:
    """The study to keep current. Prints at most one line: why it cannot."""

    def __init__(self, url: str, study: str, storage: str | None) -> None:
        self.url, self.study, self.storage = url, study, storage
        self.complained = False

    def write(self) -> bool:
        """Bring the study's note and figures up to date; False if another process is writing, or it failed."""
        from storage.session import Session
        from studies.dashboard.renewal import renew

        try:
            with closing(Session(self.url, "studyhall scribe")) as session:
                return renew(session, self.study, self.storage)
        except Exception as error:  # whatever it is, the run goes on without it
            if not self.complained:
                self.complained = True
                text = (str(error) or type(error).__name__).splitlines()[0]
                with suppress(OSError):
                    os.write(1, f"the dashboard is not up to date: {text}\n".encode())
            return False
        finally:
            gc.collect()  # frees a large study's rows


def _rest(seconds: float) -> tuple[bool, bool]:
    """Rest, but not beyond the worker's end: whether something changed meanwhile, and whether the worker still runs."""
    end, changed = time.monotonic() + seconds, False
    while (left := end - time.monotonic()) > 0:
        if select.select([INPUT], [], [], left)[0]:
            if not os.read(INPUT, 65536):
                return changed, False
            changed = True
            time.sleep(min(left, 0.25))  # read a few times a second, not for each byte
    return changed, True


if __name__ == "__main__":
    main()
