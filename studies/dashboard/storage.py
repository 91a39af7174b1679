"""The storage that the dashboard is given: every trial with its artifacts, and quick to ask again and again."""

from __future__ import annotations

import copy
from collections.abc import Container
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from storage.optuna_storage import StudyStorage
from storage.reader import Reader
from storage.session import Session
from storage.trial_reading import TrialReader
from studies.dashboard.artifacts import entries


class BrowsedStorage(StudyStorage):
    """Optuna's storage, but that trials are read by one statement, and that each shows what it has left to look at."""

    def __init__(self, url: str, home: Path) -> None:
        """Open the storage.

        Raises:
            StorageError: It cannot be reached, or its tables are of another version.
        """
        super().__init__(url)
        self._home = home
        self._reader = TrialReader()
        self._seen: set[int] = set()

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        self.get_study_name_from_id(study_id)  # a study that is gone is a KeyError
        session = Session(self.url)
        try:
            trials = self._reader.read(session, study_id)
            traces = Reader(session).traces(study_id)
        finally:
            session.close()
        by_id = {trace.trial_id: trace for trace in traces}
        for trial in trials:
            if trial._trial_id in by_id and trial._trial_id not in self._seen:
                trial._system_attrs |= entries(by_id[trial._trial_id], self._home)
                if trial.state.is_finished():
                    self._seen.add(trial._trial_id)
        kept = trials if states is None else [trial for trial in trials if trial.state in states]
        return copy.deepcopy(kept) if deepcopy else kept

    def get_trial_system_attrs(self, trial_id: int) -> dict[str, Any]:
        attributes: dict[str, Any] = super().get_trial_system_attrs(trial_id)
        session = Session(self.url)
        try:
            trace = Reader(session).trace(trial_id)
        finally:
            session.close()
        return attributes if trace is None else {**attributes, **entries(trace, self._home)}

    def __getstate__(self) -> dict[Any, Any]:
        return {key: value for key, value in super().__getstate__().items() if key not in ("_reader", "_seen")}

    def __setstate__(self, state: dict[Any, Any]) -> None:
        super().__setstate__(state)
        self._reader, self._seen = TrialReader(), set()
