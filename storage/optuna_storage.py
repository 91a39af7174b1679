"""Optuna's RDBStorage with the engine's verbs: any Optuna program can use it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import partial
from typing import Any

import psycopg2
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState
from psycopg2.errors import RaiseException
from psycopg2.extensions import parse_dsn
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool

from storage.errors import UsageError
from storage.ledger import Ledger
from storage.schema import ensure_tables
from storage.session import Session
from storage.url import check_url, libpq_url

StaleTrialCallback = Callable[[Study, FrozenTrial], None]
"""Called for each trial that was failed since its heartbeat had stopped."""


class StudyStorage(RDBStorage):
    """A storage on PostgreSQL that holds planned studies. Optuna's methods behave as in RDBStorage.

    `ledger(study_id)` gives the verbs that Optuna lacks: plan a batch, claim, report, finish, give back, recover. They
    share one session, opened at first use; Optuna's methods use SQLAlchemy's pool.
    """

    def __init__(
        self,
        url: str,
        engine_kwargs: dict[str, Any] | None = None,
        *,
        heartbeat_interval: int | None = None,
        grace_period: int | None = None,
        heartbeat_stale_trial_callback: StaleTrialCallback | None = None,
        failed_trial_callback: StaleTrialCallback | None = None,
    ) -> None:
        """Open the storage, and make its tables if they are missing.

        The last four arguments are RDBStorage's: heartbeats of trials that `study.optimize` runs. Planned trials have
        none: whether their worker lives is known from its locks.

        Raises:
            StorageError: It cannot be reached, or its tables are of another version.
        """
        url = check_url(url)
        self._session: Session | None = None
        self._checked_url = url
        with closing(Session(url)) as session:
            ensure_tables(session)
        super().__init__(
            *_engine(url, {"pool_pre_ping": True, **(engine_kwargs or {})}),
            skip_compatibility_check=True,
            heartbeat_interval=heartbeat_interval,
            grace_period=grace_period,
            heartbeat_stale_trial_callback=heartbeat_stale_trial_callback,
            failed_trial_callback=failed_trial_callback,
            skip_table_creation=True,
        )
        self.engine.dispose()

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Sequence[float] | None = None) -> bool:
        """As in RDBStorage.

        Raises:
            UsageError: A search planned the trial: only a worker of Studyhall changes its state.
        """
        try:
            return bool(super().set_trial_state_values(trial_id, state, values))
        except StorageInternalError as error:
            refusal = getattr(error.__cause__, "orig", None)
            if isinstance(refusal, RaiseException):
                raise UsageError(str(refusal.diag.message_primary)) from error
            raise

    @property
    def session(self) -> Session:
        """The session of the engine's verbs; a new one if the last was lost."""
        if self._session is None or self._session.closed:
            self._session = Session(self._checked_url)
        return self._session

    def ledger(self, study_id: int) -> Ledger:
        """The engine's verbs on one study."""
        return Ledger(self.session, study_id)

    def __getstate__(self) -> dict[Any, Any]:
        state = super().__getstate__()
        state["_session"] = None
        return state


def reading_storage(url: str) -> RDBStorage:
    """Optuna's own storage on existing tables, without a connection between two calls."""
    return RDBStorage(
        *_engine(url, {"poolclass": NullPool}),
        skip_compatibility_check=True,
        skip_table_creation=True,
    )


def _engine(url: str, given: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """RDBStorage's URL and the engine's arguments: it connects as our sessions do. SQLAlchemy does not read every URL
    as libpq does, such as one of several hosts: then it is given the connection instead."""
    url = check_url(url)
    arguments = {"client_encoding": "UTF8", **given.get("connect_args", {})}
    if _reads_as_libpq(url):
        # RDBStorage formats the URL as a template.
        return url.replace("{", "{{").replace("}", "}}"), {**given, "connect_args": arguments}
    rest = {key: value for key, value in given.items() if key != "connect_args"}
    return "postgresql+psycopg2://", {**rest, "creator": partial(psycopg2.connect, libpq_url(url), **arguments)}


def _reads_as_libpq(url: str) -> bool:
    try:
        found = make_url(url)
        read = found.get_dialect()().create_connect_args(found)[1]
    except (ArgumentError, ValueError):
        return False
    return bool({name: str(value) for name, value in read.items()} == parse_dsn(libpq_url(url)))
