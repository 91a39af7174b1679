"""A study's trials by state: a withdrawn trial is no failure, a refused one is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from storage.records import StudyCounts, TrialRow
from studies.history.trials import taken, withdrawn

STATES = ("WAITING", "RUNNING", "COMPLETE", "PRUNED", "FAIL", "WITHDRAWN", "SET_ASIDE")


def counted_state(row: TrialRow) -> str:
    """The state that a trial is counted by: one of STATES."""
    if row.set_aside is not None:
        return "SET_ASIDE"
    return "WITHDRAWN" if withdrawn(row) or taken(row) else row.state


@dataclass(frozen=True)
class Counts:
    """Trials by state. `withdrawn` fell out of the plan, or were taken by another Optuna program; `failed` are the rest
    of those that are FAIL. Results that were set aside, by `redo` or `drop`, are in no other count."""

    waiting: int = 0
    running: int = 0
    complete: int = 0
    pruned: int = 0
    failed: int = 0
    withdrawn: int = 0
    set_aside: int = 0

    @staticmethod
    def of(row: StudyCounts) -> Counts:
        """As the database counted them."""
        return Counts(row.waiting, row.running, row.complete, row.pruned, row.failures, row.withdrawn, row.set_aside)

    @staticmethod
    def of_trials(rows: Iterable[TrialRow]) -> Counts:
        """Counted from rows."""
        found = Counter(counted_state(row) for row in rows)
        return Counts(*(found[name] for name in STATES))

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

    @property
    def planned(self) -> int:
        """Trials that count or will count."""
        return self.finished + self.running + self.waiting

    def to_json(self) -> dict[str, int]:
        """By state; `set_aside` stands there only where there are such trials."""
        return {name: count for name, count in asdict(self).items() if count or name != "set_aside"}

    @property
    def text(self) -> str:
        """`3 waiting  2 complete`: the states that have trials."""
        return "  ".join(f"{count} {name}" for name, count in self._named() if count)

    def _named(self) -> list[tuple[str, int]]:
        return [(name.replace("_", " "), count) for name, count in self.to_json().items()]
