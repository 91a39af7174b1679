"""A study's trials by state: a withdrawn trial is no failure, a refused one is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from storage.records import StudyCounts, TrialRow
from studies.history.trials import taken, withdrawn


@dataclass(frozen=True)
class Counts:
    """Trials by state. `withdrawn` fell out of the plan, or were taken by another Optuna program; `failed` are the rest
    of those that are FAIL."""

    waiting: int = 0
    running: int = 0
    complete: int = 0
    pruned: int = 0
    failed: int = 0
    withdrawn: int = 0

    @staticmethod
    def of(row: StudyCounts) -> Counts:
        """As the database counted them."""
        return Counts(row.waiting, row.running, row.complete, row.pruned, row.failures, row.withdrawn)

    @staticmethod
    def of_trials(rows: Iterable[TrialRow]) -> Counts:
        """Counted from rows."""
        found = Counter("WITHDRAWN" if withdrawn(row) or taken(row) else row.state for row in rows)
        return Counts(*(found[name] for name in ("WAITING", "RUNNING", "COMPLETE", "PRUNED", "FAIL", "WITHDRAWN")))

    @property
    def total(self) -> int:
        return sum(self.to_json().values())

    @property
    def begun(self) -> int:
        """Trials that do not wait."""
        return self.total - self.waiting

    @property
    def finished(self) -> int:
        """Trials that ended by running or by being refused."""
        return self.complete + self.pruned + self.failed

    def to_json(self) -> dict[str, int]:
        return asdict(self)

    @property
    def text(self) -> str:
        """`3 waiting  2 complete`: the states that have trials."""
        return "  ".join(f"{count} {name}" for name, count in self.to_json().items() if count)
