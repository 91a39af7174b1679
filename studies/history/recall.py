"""A search with the decisions that it has made: each is folded once, in order, whether made long ago or just now.

The state of a `tune` does not hold what its next choice depends on: the records of its decisions in force do. Every
other search knows all that it needs from its state.
"""

from __future__ import annotations

from collections.abc import Iterable

from samplers.searches.plan import Search, SearchState
from samplers.searches.tune.past import Past
from samplers.searches.tune.tune import Tune
from storage.reader import Reader
from storage.records import DecisionRow
from studies.history.decisions import MARKS, in_force


class Recall:
    """The decisions of one study so far."""

    def __init__(self, search: Search) -> None:
        self.first = search
        self.decisions: list[DecisionRow] = []
        self._past = _past(search)

    def add(self, row: DecisionRow) -> None:
        """Fold the next decision; all again where it takes others back."""
        self.decisions.append(row)
        if self._past is None:
            return
        if row.kind not in MARKS:
            self._past.add(row.kind, row.record)
        elif row.record["back_to"] is not None:
            self._past = _past(self.first)
            assert self._past is not None
            for each in in_force(self.decisions):
                self._past.add(each.kind, each.record)

    def read(self, reader: Reader, study_id: int) -> None:
        """Fold what was decided since."""
        for row in reader.decisions(study_id, len(self.decisions)):
            self.add(row)

    @property
    def search(self) -> Search:
        """The search after these decisions. It is to be used before the next one is folded."""
        return self.first.with_past(self._past) if isinstance(self.first, Tune) and self._past else self.first

    @property
    def state(self) -> SearchState:
        """The search's state after the last of them."""
        return self.decisions[-1].state if self.decisions else self.first.start()


def recalled(search: Search, decisions: Iterable[DecisionRow]) -> Search:
    """The search after these decisions, which are all of its study."""
    recall = Recall(search)
    if isinstance(search, Tune):
        for row in decisions:
            recall.add(row)
    return recall.search


def recalled_study(search: Search, reader: Reader, study_id: int) -> Search:
    """The search after all decisions of a study; they are read for a search that needs them alone."""
    recall = Recall(search)
    if isinstance(search, Tune):
        recall.read(reader, study_id)
    return recall.search


def _past(search: Search) -> Past | None:
    return search.past() if isinstance(search, Tune) else None
