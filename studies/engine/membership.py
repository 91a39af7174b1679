"""A worker's way into one study: how to reach it and sign in to it."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass

from storage.home import user_name
from storage.ledger import Ledger
from storage.reader import Reader
from storage.store import Store
from storage.studies import NewWorker, sign_in
from studies.definition.code_version import versions
from studies.slots.slot import Slot


@dataclass(frozen=True)
class Membership:
    """One study and the slots that a worker offers it."""

    store: Store
    name: str
    slots: tuple[Slot, ...]

    def connect(self) -> tuple[Ledger, int]:
        """A new session that is signed in and listens; the worker's id.

        Raises:
            UsageError: There is no study of that name, or no longer.
        """
        session = self.store.write()
        study_id = Reader(session).study(self.name).study_id
        session.listen(f"studyhall_{study_id}")
        slots = [slot.name for slot in self.slots]
        worker = NewWorker(socket.gethostname(), os.getpid(), user_name(), slots, versions())
        worker_id = sign_in(session, study_id, worker)
        Reader(session).study(self.name)  # it may have been renamed before this worker had signed in
        return Ledger(session, study_id), worker_id
