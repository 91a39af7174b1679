"""How far a study is and what leads in it, as one worker knows it: from its plans, its trials' ends and a read now and
then.

A round's progress costs no query. Of a grid or a tune the worker knows its own results at once. Those of other workers
come with a read of the whole study, which takes at most a fiftieth of the worker's time.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from samplers.searches.grid.grid import Grid
from samplers.searches.tune.tune import Tune
from storage.ledger import Ledger
from storage.reader import Reader
from storage.records import StudyRow
from studies.definition.searches import search_in_force
from studies.history.pace import MIN_TRIALS, mean_seconds
from studies.settings.leaders import Leaders

PAUSE_SECONDS = 2.0
"""Between two reads of a study, at least."""
PAUSE_PER_READ = 50
"""A read that took a second is followed by so many seconds without one."""
MAX_READ_TRIALS = 100_000
"""Of a study that is read."""


@dataclass
class Progress:
    """Kept by the worker as it plans and as trials end. Other workers' trials count from its next plan or read on."""

    unit: str = ""
    """What its total counts: `round 3`, or nothing where it is the whole study."""
    round: int | None = None
    """The number of the next decision; None before the first planning, and where the total is the study's."""
    total: int = 0
    done: int = 0
    running: int | None = None
    """Trials of all workers, when they were counted last; None where only rounds are counted."""
    here: int = 0
    """Trials that ended at this worker, in all rounds."""
    first: dict[str, float] = field(default_factory=dict)
    """Seconds of the first trial of each slot, which may load and compile what later ones find."""
    later: list[float] = field(default_factory=list)
    """Seconds of the others that completed here."""

    def planned(self, number: int, left: int, unit: str) -> None:
        """The next decision waits for `left` points."""
        if number != self.round:
            self.round, self.total, self.done = number, 0, 0
        self.unit = unit
        self.total = max(self.total, self.done + left)
        self.done = self.total - left

    def counted(self, done: int, total: int, running: int | None = None) -> None:
        """The study's own count."""
        self.done, self.total, self.running = done, total, running

    def ended(self, slot: str, seconds: float | None) -> None:
        """A trial has ended here; `seconds` if it completed."""
        self.here += 1
        self.done = min(self.total, self.done + 1)
        if seconds is not None and slot in self.first:
            self.later.append(seconds)
        elif seconds is not None:
            self.first[slot] = seconds

    @property
    def mean(self) -> float | None:
        """Seconds of a completed trial: of those that a slot ran after its first one, once there are some. None while
        too few have completed."""
        return mean_seconds(self.later if len(self.later) >= MIN_TRIALS else [*self.first.values(), *self.later])


class StudyProgress:
    """Of a grid or a tune: how far the whole study is, and which setting leads, read over a worker's session."""

    def __init__(self, ledger: Ledger, study: StudyRow, progress: Progress) -> None:
        self._ledger, self._study, self._progress, self._next = ledger, study, progress, 0.0
        trials = Reader(ledger.session).extent(study.study_id).trials
        self.is_read = study.search in ("grid", "tune") and trials <= MAX_READ_TRIALS
        """Else progress is that of rounds, as their plans say."""
        self.leaders = leaders_of(study) if self.is_read else None
        """None where no setting is best."""

    def read(self) -> None:
        """Read the study, if it is time to, or nothing was planned when it was read last."""
        began, study, leaders = time.monotonic(), self._study, self.leaders
        if not self.is_read or (began < self._next and self._progress.total):
            return
        seeds = MAX_READ_TRIALS if leaders is None else leaders.seeds
        found = Reader(self._ledger.session).leading(study.study_id, study.score, study.direction, seeds)
        self._next = time.monotonic() + max(PAUSE_SECONDS, PAUSE_PER_READ * (time.monotonic() - began))
        block = study.origin[study.search]
        wanted = block["settings"] * block.get("repeats", 1) if study.search == "tune" else 0
        self._progress.counted(found.done, max(found.planned, wanted), found.running)
        if leaders is not None:
            leaders.read(found.best)


def leaders_of(study: StudyRow) -> Leaders | None:
    """The leaders of a study, before its first result. None of several scores, of constraints that some settings miss,
    and once the definition was changed, since earlier settings may count no more."""
    if len(study.scores) > 1 or len(study.definitions) > 1 or study.origin[study.search].get("constraints"):
        return None
    search = search_in_force(study)
    assert isinstance(search, Grid | Tune)
    settings = search.settings_in(search.start())
    return Leaders(study.direction, settings.repeats, settings.seed)
