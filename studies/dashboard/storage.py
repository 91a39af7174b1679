"""The storage that the dashboard reads: every trial with its artifacts, quick to read again and again."""

from __future__ import annotations

import copy
from collections.abc import Container
from contextlib import closing
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from storage.optuna_storage import StudyStorage
from storage.reader import Reader
from storage.session import Session
from storage.trial_reading import TrialReader
from studies.dashboard.artifacts import entries


class BrowsedStorage(StudyStorage):
    """Optuna's storage, except that one statement reads all trials and each trial has its artifacts."""

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
        with closing(Session(self._checked_url)) as session:
            trials = self._reader.read(session, study_id)
            traces = {trace.trial_id: trace for trace in Reader(session).traces(study_id)}
        for trial in trials:
            if trial._trial_id in traces and trial._trial_id not in self._seen:
                trial._system_attrs |= entries(traces[trial._trial_id], self._home)
                if trial.state.is_finished():
                    self._seen.add(trial._trial_id)
        kept = trials if states is None else [trial for trial in trials if trial.state in states]
        return copy.deepcopy(kept) if deepcopy else kept

    def get_trial_system_attrs(self, trial_id: int) -> dict[str, Any]:
        attributes: dict[str, Any] = super().get_trial_system_attrs(trial_id)
        with closing(Session(self._checked_url)) as session:
            trace = Reader(session).trace(trial_id)
        return attributes if trace is None else {**attributes, **entries(trace, self._home)}

    def __getstate__(self) -> dict[Any, Any]:
        return {key: value for key, value in super().__getstate__().items() if key not in ("_reader", "_seen")}

    def __setstate__(self, state: dict[Any, Any]) -> None:
        super().__setstate__(state)
        self._reader, self._seen = TrialReader(), set()
