"""A worker's way into one study: how to reach it, read it and sign in to it."""

from __future__ import annotations

import getpass
import json
import os
import socket
from dataclasses import dataclass

from samplers.searches.plan import Search
from storage.ledger import Ledger
from storage.locks import WORKER_LOCKS
from storage.place import Place
from storage.records import StudyRow, need_study
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
    """A worker's way into one study: studies/engine/worker.py's `Hall`."""

    place: Place
    name: str
    slots: tuple[Slot, ...]

    def connect(self) -> tuple[Ledger, int]:
        """A fresh session, signed in and listening."""
        session = self.place.write()
        study = need_study(session, self.name)
        session.listen(f"studyhall_{study.study_id}")
        worker = session.one(
            "start_worker",
            {
                "study_id": study.study_id,
                "host": socket.gethostname(),
                "pid": os.getpid(),
                "account": _account(),
                "slots": [slot.name for slot in self.slots],
                "versions": json.dumps(versions()),
                "space": WORKER_LOCKS,
            },
        )
        return Ledger(session, study.study_id), worker.worker_id

    def read(self, ledger: Ledger) -> StudyRow:
        return need_study(ledger.session, self.name)

    def search(self, study: StudyRow) -> Search:
        return search_in_force(study)
