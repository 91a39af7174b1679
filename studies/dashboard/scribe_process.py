"""The scribe's process: `python -m studies.dashboard.scribe_process`, with its orders on standard input.

First a line of JSON, then a byte whenever something has changed; the end of the input is the end of its worker. It
wakes at most every `PAUSE` seconds, holds a database session only while it writes, and takes at most one part in
`SHARE` of the time.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import time
from contextlib import suppress

PAUSE = 5.0
"""Seconds between two updates."""
SHARE = 50
"""An update that took a second is followed by so many of rest."""
LONGEST = 60
"""Seconds that the last update may take before the process ends itself."""
CHANNEL = 0


def main() -> None:
    """Keep one study current until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(OSError):
        os.nice(19)
    order, rest = _order()
    if order is None:
        return
    scribe = _Scribe(order)
    changed, open_ = bool(rest), True
    while open_:
        if not changed:
            changed, open_ = _news(None)
        if open_ and changed:
            began = time.monotonic()
            written = scribe.write()
            took = time.monotonic() - began
            more, open_ = _rest(max(PAUSE, SHARE * took))
            changed = more or not written
    signal.alarm(LONGEST)
    for _ in range(10):
        if scribe.write():
            break
        time.sleep(0.2)


class _Scribe:
    """What is to be written, and whether it was said that it cannot be."""

    def __init__(self, order: dict[str, str | None]) -> None:
        self.order = order
        self.said = False

    def write(self) -> bool:
        """Bring the study's note and figures up to date; False if somebody else is at it, or it failed."""
        from storage.session import Session
        from studies.dashboard.renewal import renew

        session = None
        try:
            session = Session(str(self.order["url"]), "studyhall scribe")
            return renew(session, str(self.order["study"]), self.order["storage"])
        except Exception as error:  # whatever it is, the run goes on without it
            self._say(error)
            return False
        finally:
            if session is not None:
                session.close()
            gc.collect()  # a large study's rows are not kept until the next time

    def _say(self, error: Exception) -> None:
        if not self.said:
            self.said = True
            text = str(error) or type(error).__name__
            with suppress(OSError):
                os.write(1, f"the dashboard is behind, it could not be written: {text.splitlines()[0]}\n".encode())


def _order() -> tuple[dict[str, str | None] | None, bytes]:
    """The first line, and what came after it."""
    data = b""
    while b"\n" not in data:
        piece = os.read(CHANNEL, 65536)
        if not piece:
            return None, b""
        data += piece
    first, _, rest = data.partition(b"\n")
    return json.loads(first), rest


def _news(seconds: float | None) -> tuple[bool, bool]:
    """Wait for news, `seconds` at the longest: whether there is some, and whether the worker is still there."""
    if not select.select([CHANNEL], [], [], seconds)[0]:
        return False, True
    piece = os.read(CHANNEL, 65536)
    return bool(piece), bool(piece)


def _rest(seconds: float) -> tuple[bool, bool]:
    """Rest so long, but not beyond the worker's end: whether it had news, and whether it is still there."""
    end, heard = time.monotonic() + seconds, False
    while (left := end - time.monotonic()) > 0:
        news, open_ = _news(left)
        heard = heard or news
        if not open_:
            return heard, False
        if news:
            # What comes in is looked at a few times a second, not for each byte.
            time.sleep(min(left, 0.25))
    return heard, True


if __name__ == "__main__":
    main()
