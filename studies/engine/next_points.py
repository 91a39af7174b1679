"""What a worker has to start next, where nothing waits: it adopts, chooses, plans, and guesses."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from objectives.process.warm import WarmServer
from samplers.searches.growth.speculation import speculates
from samplers.searches.plan import SearchState
from storage.ledger import Ledger
from storage.reader import Reader
from storage.records import StudyRow
from studies.definition.code_version import versions
from studies.definition.searches import search_in_force
from studies.engine.adoption import adopt
from studies.engine.progress import Progress
from studies.history.state import decision_text, race_text
from studies.planning.chooser import Chooser
from studies.planning.planner import Waiting, plan, plan_ahead

GUESS_SECONDS = 0.5
"""Between two guesses of what the next round needs."""
RACED = "raced"
"""The kind of a decision of a grid or a tune that buys seeds, or ends its race."""


class NextPoints:
    """The planning of one worker over one session."""

    def __init__(
        self,
        ledger: Ledger,
        study: StudyRow,
        warm: WarmServer,
        progress: Progress | None,
        log: Callable[[str], None],
        changed: Callable[[], None],
    ) -> None:
        """`progress`: of rounds; None where the whole study's is shown. `log` prints a line, but not twice in a row;
        `changed` is called whenever the study has changed."""
        self.ledger, self.warm, self.progress, self.log, self.changed = ledger, warm, progress, log, changed
        last = ledger.last_decision()
        self.decided = -1 if last is None else last[0]
        """The last decision that was printed, or made before."""
        self.code = versions()["studyhall"]
        self.chooser = Chooser(ledger) if study.search == "tune" else None
        self.next_guess = 0.0

    def plan(self, study: StudyRow, free: int) -> bool:
        """Take the next decision if its round is complete; whether there may be a trial to claim now. `free`: slots."""
        if self.adopt(study):
            return True
        points = self.ledger.open_points()
        if points.waiting or self.chooser is not None:  # a budget or a busy device keeps it from starting here
            return False
        if points.current:
            return self._plan_ahead(study, free)
        search = search_in_force(study)
        step = plan(self.ledger, search, self._refusals, self.code)
        self.changed()
        state = self._print_decisions(study) or search.start()
        if isinstance(step, Waiting):
            if self.progress is not None:
                self.progress.planned(step.round, step.left, f"round {state['step']}" if study.search == "grow" else "")
            self.log(step.why)
        return isinstance(step, Waiting)

    def _print_decisions(self, study: StudyRow) -> SearchState | None:
        """A line for each new decision that is more than the next points; the state after the last one, if there is
        one."""
        last = self.ledger.last_decision()
        if last is None:
            return None
        new = Reader(self.ledger.session).decisions(study.study_id, self.decided + 1) if last[0] > self.decided else []
        for row in new:
            if study.search in ("grow", "depth") or row.kind == RACED:
                tuned = row.kind == RACED and study.search == "tune"
                self.log(race_text(row.record) if tuned else decision_text(row.number, row.record))
        self.decided = last[0]
        return last[1]

    def trial_ended(self) -> None:
        """A trial of this worker has ended: it may be what the next choice waits for."""
        if self.chooser is not None:
            self.chooser.due = True

    def choose(self, study: StudyRow) -> None:
        """Go on with the next choice of a study that has choices; does not wait for it."""
        assert self.chooser is not None
        if self.chooser.turn(search_in_force(study), self._refusals, self.code) is not None:
            self.changed()
            if self.chooser.races:
                self._print_decisions(study)

    def adopt(self, study: StudyRow) -> list[int] | None:
        """Adopt trials that another Optuna program enqueued; the numbers of those that can be claimed."""
        return adopt(self.ledger, study, self._refusals, self.log)

    def _plan_ahead(self, study: StudyRow, free: int) -> bool:
        """Plan points of the next round for idle slots, if the study speculates."""
        if study.search != "grow" or time.monotonic() < self.next_guess:
            return False
        self.next_guess = time.monotonic() + GUESS_SECONDS
        last = self.ledger.last_decision()
        if not speculates(study.origin if last is None else last[1]):
            return False
        return plan_ahead(self.ledger, search_in_force(study), self._refusals, free) > 0

    def _refusals(self, configs: Sequence[Mapping[str, object]]) -> list[str | None]:
        return [inspection.refusal for inspection in self.warm.inspect(configs)]
