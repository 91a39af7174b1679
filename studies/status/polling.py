"""Looking at a storage again and again: one that went away is told as trouble, and looked for until it is back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from storage.errors import SessionLostError, StorageError, UsageError
from storage.reader import Reader
from storage.records import StudyGlance
from storage.schema import check_versions
from storage.session import Session
from storage.store import Store
from studies.lifecycle.stop import stop
from studies.status.memory import History, Seen


@dataclass(frozen=True)
class Moment:
    """What one look showed."""

    studies: Sequence[StudyGlance] = ()
    seen: Seen | None = None
    """The study that was asked for."""
    trouble: str | None = None
    """Why there is nothing new: the rest is as it was seen last."""

    @property
    def over(self) -> bool:
        """Nothing more will come by itself: of the study, or of any where none was asked for."""
        if self.seen is not None:
            return self.seen.over
        return all(row.outcome is not None and not row.running for row in self.studies)


class Lookout:
    """One session, and the memory of the study that is looked at. Belongs to one thread."""

    def __init__(self, store: Store, name: str | None = None) -> None:
        """Raises:
        UsageError: There is no study of that name.
        StorageError: There is nothing that could be looked at.
        """
        session = store.read()
        self.url = session.url  # a server that is taken down later is waited for, not started
        try:
            if name is not None:
                Reader(session).study(name)
        except BaseException:
            session.close()
            raise
        self.session: Session | None = session
        self.history: History | None = None
        self.last = Moment()

    def look(self, name: str | None) -> Moment:
        """The studies, and the one of this name."""
        try:
            session = self._connected()
            if name is None:
                self.history = None
            elif self.history is None or self.history.name != name:
                self.history = History(name)
            rows = Reader(session).glances()
            self.last = Moment(rows, None if self.history is None else self.history.look(session))
        except UsageError as error:
            return Moment(self.last.studies, None, str(error))
        except (SessionLostError, StorageError) as error:
            self.close()
            return Moment(self.last.studies, self.last.seen, f"the storage does not answer, trying again: {error}")
        return self.last

    def drain(self, name: str) -> str:
        """What `stop` does."""
        session = self._connected()
        check_versions(session, writing=True)
        return stop(session, Reader(session).study(name))

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
