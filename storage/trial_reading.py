"""A study's trials as Optuna's FrozenTrials: one statement reads them, and each finished one is read once."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from optuna.distributions import BaseDistribution, json_to_distribution
from optuna.trial import FrozenTrial, TrialState

from storage.session import Session

OPEN = ("WAITING", "RUNNING")
NOT_FINITE_VALUES = {"NAN": math.nan, "INF_POS": math.inf, "INF_NEG": -math.inf}
"""Optuna stores these words beside a null in place of the number."""


class TrialReader:
    """Reads trials again and again, for an open page of the dashboard. Threads may share it."""

    def __init__(self) -> None:
        self._finished: dict[int, dict[int, FrozenTrial]] = {}
        self._lock = threading.Lock()

    def read(self, session: Session, study_id: int) -> list[FrozenTrial]:
        """The trials by number. Finished trials are the same objects each time."""
        with self._lock:
            known = self._finished.setdefault(study_id, {})
            rows = session.run("list_trials", {"study_id": study_id})
            wanted = [row.trial_id for row in rows if row.state in OPEN or row.trial_id not in known]
            read = session.run("read_trials", {"study_id": study_id, "trial_ids": wanted}) if wanted else []
            trials = {row.trial_id: _frozen(row) for row in read}
            known |= {key: trial for key, trial in trials.items() if trial.state.is_finished()}
            return [trials.get(row.trial_id) or known[row.trial_id] for row in rows]


def _frozen(row: Any) -> FrozenTrial:
    distributions = {name: _distribution(text) for name, _, text in row.params or ()}
    scores = [_number(*kept) for kept in row.scores or ()]
    return FrozenTrial(
        number=row.number,
        state=TrialState[row.state],
        value=None,
        values=scores or None,
        datetime_start=_local(row.datetime_start) if row.planned else row.datetime_start,
        datetime_complete=_local(row.datetime_complete) if row.planned else row.datetime_complete,
        params={name: distributions[name].to_external_repr(float(value)) for name, value, _ in row.params or ()},
        distributions=distributions,
        user_attrs=_attributes(row.user_attrs),
        system_attrs=_attributes(row.system_attrs),
        intermediate_values={step: _number(value, word) for step, value, word in row.steps or ()},
        trial_id=row.trial_id,
    )


def _local(moment: datetime | None) -> datetime | None:
    """A time of ours, in UTC, as Optuna writes its own: in this host's time zone, without naming it."""
    return None if moment is None else moment.replace(tzinfo=UTC).astimezone().replace(tzinfo=None)


@lru_cache(maxsize=4096)
def _distribution(text: str) -> BaseDistribution:
    """A distribution from its JSON, parsed once: the trials of a study share their distributions."""
    return json_to_distribution(text)


def _number(value: float | str | None, word: str) -> float:
    return NOT_FINITE_VALUES[word] if value is None else float(value)


def _attributes(texts: Mapping[str, str] | None) -> dict[str, Any]:
    return {key: json.loads(text) for key, text in (texts or {}).items()}
