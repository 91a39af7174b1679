"""The storage that a command uses: its URL, and this user's home folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from storage import server
from storage.errors import UsageError
from storage.home import home, no_home
from storage.locks import check_locks_stay
from storage.schema import check_versions, ensure_tables
from storage.session import Session
from storage.url import check_url, without_password


@dataclass(frozen=True)
class Store:
    """A storage that sessions can be opened on; the embedded server is started when it is needed."""

    url: str
    home: Path

    @staticmethod
    def of(option: str | None) -> Store:
        """The storage that `--storage` or `STUDYHALL_STORAGE` names, else the embedded one; starts nothing.

        Raises:
            UsageError: libpq does not take the URL; or there is none, and no folder for the embedded server.
        """
        given = option or os.environ.get("STUDYHALL_STORAGE")
        if not given and (lacking := no_home()):
            raise UsageError(f"{lacking}: set STUDYHALL_HOME for the embedded server, or give a URL", "--storage")
        return Store(check_url(given) if given else "", home())

    @property
    def embedded(self) -> bool:
        """Whether the URL leads to the embedded server."""
        return not self.url or server.is_embedded(self.url, self.home)

    @property
    def shown(self) -> str | None:
        """The URL without its password; None for the embedded server's default database."""
        is_default = not self.url or (self.embedded and self.url == server.cluster(self.home).url)
        return None if is_default else without_password(self.url)[0]

    def start(self) -> str:
        """The URL that was given, else the embedded server's default. The embedded server is up when this returns."""
        default = server.ensure(self.home) if self.embedded else ""
        return self.url or default

    def read(self) -> Session:
        """A session on tables that exist and are of this program's version."""
        return self._session(lambda session: check_versions(session, writing=False))

    def write(self) -> Session:
        """A session on tables that can be written; missing tables are made."""

        def prepare(session: Session) -> None:
            if session.proxied:
                check_locks_stay(session)
            ensure_tables(session)

        return self._session(prepare)

    def _session(self, prepare: Callable[[Session], None]) -> Session:
        session = Session(self.start())
        try:
            prepare(session)
        except BaseException:
            session.close()
            raise
        return session

    def holds_anything(self) -> bool:
        """Whether the storage can hold studies at all; starts and makes nothing."""
        return not self.embedded or server.cluster(self.home).data.exists()
