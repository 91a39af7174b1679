"""What other Optuna programs ask of a running study: that it stops, and that it runs trials which they enqueue."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from storage.ledger import Claim, Ledger
from storage.other_programs import OtherCount
from storage.reader import Reader
from storage.studies import heed_stop

CHECK_SECONDS = 2.0
"""Between two looks, whatever the worker does."""


class Requests:
    """Looks for both now and then. A look costs the same however many trials the study holds."""

    def __init__(self) -> None:
        self.enqueued: list[int] = []
        """Numbers of adopted trials that this worker claims before any other."""
        self._looked = 0.0
        self._adopted_at: OtherCount | None = None

    def look(self, ledger: Ledger, adopt: Callable[[], Sequence[int] | None]) -> None:
        """Heed a stop; adopt what was enqueued. `adopt` gives the adopted numbers, None while it is too early."""
        if time.monotonic() - self._looked < CHECK_SECONDS:
            return
        self._looked = time.monotonic()
        heed_stop(ledger.session, ledger.study_id)
        now = Reader(ledger.session).count_others(ledger.study_id)
        if now.others and now != self._adopted_at:
            adopted = adopt()
            if adopted is not None:
                self.enqueued += adopted
                self._adopted_at = now  # what was enqueued meanwhile has a higher number

    def claim_first(self, claim: Callable[[int | None], Claim | None]) -> Claim | None:
        """An enqueued trial, since somebody has just asked for it; else the first that waits."""
        while self.enqueued:
            found = claim(self.enqueued.pop(0))
            if found is not None:
                return found
        return claim(None)
