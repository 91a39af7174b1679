"""A worker's way into one study: how to reach it, read it and sign in to it."""

from __future__ import annotations

import getpass
import os
import socket
from dataclasses import dataclass

from samplers.searches.plan import Search
from storage.ledger import Ledger
from storage.reader import Reader
from storage.records import StudyRow
from storage.store import Store
from storage.studies import NewWorker, sign_in
from studies.definition.code_version import versions
from studies.definition.searches import search_in_force
from studies.slots.slot import Slot


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without an entry in the passwd file
        return str(os.getuid())


@dataclass(frozen=True)
class Membership:
    """One study, as its worker reaches it: a session, the study's row, its search."""

    store: Store
    name: str
    slots: tuple[Slot, ...]

    def connect(self) -> tuple[Ledger, int]:
        """A fresh session, signed in and listening."""
        session = self.store.write()
        study = Reader(session).study(self.name)
        session.listen(f"studyhall_{study.study_id}")
        worker = NewWorker(
            socket.gethostname(), os.getpid(), _account(), [slot.name for slot in self.slots], versions()
        )
        return Ledger(session, study.study_id), sign_in(session, study.study_id, worker)

    def read(self, ledger: Ledger) -> StudyRow:
        return Reader(ledger.session).study(self.name)

    def search(self, study: StudyRow) -> Search:
        return search_in_force(study)
