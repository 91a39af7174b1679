"""Optuna's RDBStorage with the engine's verbs beside it: any Optuna program can use it, and so does a worker."""

from __future__ import annotations

from typing import Any

from optuna.storages import RDBStorage
from sqlalchemy.pool import NullPool

from storage.ledger import Ledger
from storage.schema import ensure_tables
from storage.session import Session
from storage.url import check_url


class StudyStorage(RDBStorage):
    """A storage on PostgreSQL that holds planned studies. Optuna's own methods behave as Optuna's.

    `ledger(study_id)` gives the verbs that Optuna does not have: plan a batch, claim, report, finish, give back,
    recover. They share one session, opened at first use; Optuna's methods use SQLAlchemy's pool.
    """

    def __init__(self, url: str, engine_kwargs: dict[str, Any] | None = None) -> None:
        """Open the storage, making its tables where there are none.

        Raises:
            StorageError: It cannot be reached, or its tables are of another version.
        """
        url = check_url(url)
        self._session: Session | None = None
        session = Session(url)
        try:
            ensure_tables(session)
        finally:
            session.close()
        super().__init__(
            _template(url),
            {"pool_pre_ping": True, **(engine_kwargs or {})},
            skip_compatibility_check=True,
            skip_table_creation=True,
        )
        self.engine.dispose()

    @property
    def session(self) -> Session:
        """The one session of the engine's verbs; a new one if the last was lost."""
        if self._session is None or self._session.closed:
            self._session = Session(self.url)
        return self._session

    def ledger(self, study_id: int) -> Ledger:
        """The engine's verbs on one study."""
        return Ledger(self.session, study_id)

    def __getstate__(self) -> dict[Any, Any]:
        state = super().__getstate__()
        state["_session"] = None
        return state


def reading_storage(url: str) -> RDBStorage:
    """Optuna's own storage on tables that are there; it holds no connection between two calls."""
    return RDBStorage(
        _template(check_url(url)), {"poolclass": NullPool}, skip_compatibility_check=True, skip_table_creation=True
    )


def _template(url: str) -> str:
    """A URL may hold braces (in a password): RDBStorage would take them for its template."""
    return url.replace("{", "{{").replace("}", "}}")
