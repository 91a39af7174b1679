"""Choices that may take seconds, as a Gaussian process does: made in a thread, outside any transaction.

One worker of a study chooses at a time: it holds an advisory lock, which the others try and do not wait for. Its own
trials are claimed, followed and ended meanwhile, and so are theirs. A choice is recorded if no other decision came
first. So a lock that is lost with its session costs time: a choice is made twice, and recorded once.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from threading import Thread
from typing import cast

from samplers.searches.plan import Decision, Done, Need, Results, Search, SearchState
from samplers.searches.tune.tune import Tune
from storage.errors import one_line
from storage.ledger import Ledger
from storage.locks import CHOICE_LOCKS, give_back, take
from storage.other_programs import EndedTrial
from storage.reader import Reader
from studies.history.recall import Recall
from studies.history.trials import finished_results
from studies.planning.planner import Asked, Refusals, UsedResults, Waiting, take_step

QUICK_SECONDS = 0.02
"""That a worker waits for a choice before it turns to its trials."""


class Chooser:
    """The choices that one session of a worker makes. Its file descriptor can be read when one is made."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._recall: Recall | None = None
        self._reader, self._writer = os.pipe()
        self._thread: Thread | None = None
        self._holds = False
        self._search: Search
        self._number, self._state, self._results = 0, cast(SearchState, {}), UsedResults()
        self._answer: Need | Decision | Done | Exception
        self.refusal: str | None = None
        """Why no further choice can be made."""
        self.due = True
        """Whether a choice may be possible: at the beginning, and once a trial has ended."""

    @property
    def choosing(self) -> bool:
        """Whether a choice is being made here."""
        return self._thread is not None

    @property
    def races(self) -> bool:
        """Whether the best settings get more seeds once all are chosen."""
        return bool(self._state.get("tune", {}).get("racing"))

    def fileno(self) -> int:
        return self._reader

    def close(self) -> None:
        """Of a session that ends. A choice that is still being made leads nowhere."""
        if self._thread is None:
            os.close(self._reader)
            os.close(self._writer)

    def turn(self, search: Search, refusals: Refusals, code: str) -> Waiting | Done | None:
        """Go on with the next choice: what it came to. None: it is being made, here or by another worker."""
        while self.refusal is None:
            if self._thread is None and not self._begin(search):
                return None
            answer = self._answered()
            if answer is None:
                return None
            if isinstance(answer, Exception):
                self.refusal = f"the next setting cannot be chosen: {one_line(answer)}"
            elif not self._knows_more(answer):
                step = self._take(answer, refusals, code)
                if step is not None:
                    self.due = isinstance(answer, Decision)
                    if not self.due:
                        self.stand_down()
                    return step
        self.stand_down()
        return None

    def stand_down(self) -> None:
        """Let another worker choose."""
        if self._holds:
            give_back(self._ledger.session, CHOICE_LOCKS, self._ledger.study_id)
            self._holds = False

    def _begin(self, search: Search) -> bool:
        """Read where the study stands and ask the search; False: another worker chooses."""
        session, study_id = self._ledger.session, self._ledger.study_id
        self._holds = self._holds or take(session, CHOICE_LOCKS, study_id)
        self.due = self._holds
        if self._holds:
            if self._recall is None or self._recall.first != search:
                self._recall = Recall(search)
            self._recall.read(Reader(session), study_id)
            self._search, self._state = self._recall.search, self._recall.state
            self._number = len(self._recall.decisions)
            self._results = UsedResults()
            self._ask(Reader(session).ended_enqueued(study_id))
        return self._holds

    def _ask(self, enqueued: Sequence[EndedTrial] = ()) -> None:
        self._results.used.clear()
        self._thread = Thread(target=self._advance, args=(enqueued,), daemon=True, name="chooser")
        self._thread.start()

    def _advance(self, enqueued: Sequence[EndedTrial]) -> None:
        """In the thread: nothing of the session is used here."""
        try:
            search = self._search
            taken_in = search.ended(self._state, enqueued) if isinstance(search, Tune) and enqueued else None
            self._answer = taken_in or search.advance(self._state, cast(Results, self._results))
        except Exception as error:  # of the sampler, which may be the user's own
            self._answer = error
        os.write(self._writer, b".")

    def _answered(self) -> Need | Decision | Done | Exception | None:
        """The thread's answer, if there is one by now."""
        assert self._thread is not None
        self._thread.join(QUICK_SECONDS)
        if self._thread.is_alive():
            return None
        self._thread = None
        os.read(self._reader, 1)
        return self._answer

    def _knows_more(self, answer: Need | Decision | Done) -> bool:
        """Ask again with the results that the search needs, if one of them is there."""
        if not isinstance(answer, Need):
            return False
        known = self._ledger.results([point.hash for point in answer.points])
        finished = finished_results(known)
        if finished:
            self._results.add(finished, known)
            self._ask()
        return bool(finished)

    def _take(self, step: Need | Decision | Done, refusals: Refusals, code: str) -> Waiting | Done | None:
        """Put the answer into effect; None: look again, since points have ended, or another decision came first."""
        asked = Asked(self._number, self._state, step, self._results)
        verdicts: dict[str, str | None] = {}
        while True:
            with self._ledger.planning():
                last = self._ledger.last_decision()
                if self._number != (0 if last is None else last[0] + 1):
                    return None
                taken = take_step(self._ledger, self._search, asked, verdicts, code)
            if not isinstance(taken, list):
                return taken
            answers = refusals([point.config for point in taken])
            verdicts |= {point.hash: answer for point, answer in zip(taken, answers, strict=True)}
