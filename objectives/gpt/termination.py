"""Holds SIGTERM back until a training has saved its checkpoint."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType


class Termination:
    """Inside the `with` block SIGTERM only sets `requested`; at its end the signal takes effect.

    Python delivers signals to the main thread, so in another thread this does nothing.
    """

    def __init__(self) -> None:
        self.requested = False
        self._is_main = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> Termination:
        if self._is_main:
            self._before = signal.signal(signal.SIGTERM, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_main:
            signal.signal(signal.SIGTERM, self._before)
        if self.requested:
            signal.raise_signal(signal.SIGTERM)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.requested = True
