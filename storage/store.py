"""Where the studies are: a storage URL, and the folder that this user's files lie in."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from storage import server
from storage.home import home
from storage.locks import check_locks_stay
from storage.schema import check_versions, ensure_tables
from storage.session import Session
from storage.url import check_url, without_password


@dataclass(frozen=True)
class Store:
    """A storage that can be connected to, again and again; the embedded server is started when it is needed."""

    url: str
    home: Path

    @staticmethod
    def of(option: str | None) -> Store:
        """The storage that `--storage` or `STUDYHALL_STORAGE` names; the embedded one by default, not yet started."""
        given = option or os.environ.get("STUDYHALL_STORAGE")
        return Store(check_url(given) if given else "", home())

    @property
    def embedded(self) -> bool:
        """Whether the server is ours to start."""
        return not self.url or server.is_embedded(self.url, self.home)

    @property
    def shown(self) -> str | None:
        """The URL as anybody may read it, without its password; None of the default one."""
        return None if self.url in ("", server.cluster(self.home).url) else without_password(self.url)[0]

    def start(self) -> str:
        """The URL that was given, else the embedded server's; a server of ours is up when this returns."""
        default = server.ensure(self.home) if self.embedded else ""
        return self.url or default

    def read(self) -> Session:
        """A session on tables that are there and of our version."""
        session = Session(self.start())
        try:
            check_versions(session, writing=False)
        except BaseException:
            session.close()
            raise
        return session

    def write(self) -> Session:
        """A session on tables that are made if they are missing, and can be written."""
        session = Session(self.start())
        try:
            if session.proxied:
                check_locks_stay(session)
            ensure_tables(session)
        except BaseException:
            session.close()
            raise
        return session

    def holds_anything(self) -> bool:
        """Whether there can be studies here at all: looks, starts and makes nothing."""
        return not self.embedded or server.status(self.home).data.exists()
