"""Polls a storage; reports an outage and retries until it ends."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

from storage.errors import SessionLostError, StorageError, UsageError
from storage.reader import Reader
from storage.records import StudyGlance
from storage.schema import check_versions
from storage.session import Session
from storage.store import Store
from studies.lifecycle.stop import stop
from studies.status.gpus import Loads, SeenDevice
from studies.status.memory import History, Seen


@dataclass(frozen=True)
class Moment:
    """One look at a storage."""

    studies: Sequence[StudyGlance] = ()
    seen: Seen | None = None
    """The selected study."""
    trouble: str | None = None
    """Why the look failed: the rest is from the last one that did not."""
    gone: bool = False
    """No study has the selected name any more: it was deleted or renamed. `trouble` says so."""
    gpus: Sequence[SeenDevice] = ()
    """Of this host, if a worker of the selected study lives here."""

    @property
    def over(self) -> bool:
        """Nothing more will happen by itself: in the selected study, or in any. A look that failed does not tell."""
        if self.trouble is not None:
            return False
        if self.seen is not None:
            return self.seen.over
        return all(row.outcome is not None and not row.running for row in self.studies)


class Polling:
    """One session and the memory of the selected study. Belongs to one thread."""

    def __init__(self, store: Store, name: str | None = None) -> None:
        """Raises:
        UsageError: There is no study of that name.
        StorageError: The storage cannot be read.
        """
        with closing(store.read()) as session:
            self.url = session.url  # a server that is stopped later is waited for, not started
            if name is not None:
                Reader(session).study(name)
        self.session: Session | None = None
        self.history: History | None = None
        self.last = Moment()
        self.loads = Loads()

    def look(self, name: str | None) -> Moment:
        """The studies, and the one of this name."""
        try:
            session = self._connected()
            if name is None:
                self.history = None
            elif self.history is None or self.history.name != name:
                self.history = History(name)
            rows = Reader(session).glances()[::-1]  # the newest first
            seen = None if self.history is None else self.history.look(session)
            self.last = Moment(rows, seen, gpus=self._gpus(seen))
        except UsageError as error:
            return Moment(self.last.studies, None, str(error), gone=name is not None)
        except (SessionLostError, StorageError) as error:
            self.close()
            return Moment(self.last.studies, self.last.seen, f"the storage does not answer, trying again: {error}")
        return self.last

    def _gpus(self, seen: Seen | None) -> Sequence[SeenDevice]:
        alive = () if seen is None else seen.status.alive.values()
        return self.loads.look() if any(each.host == socket.gethostname() for each in alive) else ()

    def drain(self, name: str) -> str:
        """Stop the study's workers, as `stop` does; the lines it prints, joined."""
        session = self._connected()
        check_versions(session, writing=True)
        return "; ".join(stop(session, Reader(session).study(name)))

    def close(self) -> None:
        """End the session; the next look begins another."""
        if self.session is not None:
            self.session.close()
        self.session = None

    def _connected(self) -> Session:
        if self.session is None or self.session.closed:
            session = Session(self.url)
            try:
                check_versions(session, writing=False)
            except BaseException:
                session.close()
                raise
            self.session = session
        return self.session
