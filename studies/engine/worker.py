"""The worker: one process, one database session, one or more slots. Recover, claim, start, follow, finish, plan.

It keeps nothing that matters: its trials are in the database, under locks that end with its session. When the session
is lost it stops its trials' processes and signs in again like any new worker.
"""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable, Mapping
from typing import Any

from objectives.outcome import Kind, Outcome, Report
from objectives.process.warm import WarmServer
from samplers.searches.plural import counted
from storage.errors import SessionLostError, StorageError, StudyhallError, UnreachableError
from storage.home import trial_folder
from storage.ledger import Claim
from storage.locks import POOLED
from storage.reader import Reader
from storage.records import StudyRow
from storage.studies import sign_out
from studies.definition.definition import Definition
from studies.engine.clearing import clear_home
from studies.engine.code_watch import CodeWatch
from studies.engine.early_ends import FirstFailures, KeptMetrics
from studies.engine.membership import Membership
from studies.engine.next_points import NextPoints
from studies.engine.policy import Requirements
from studies.engine.progress import Progress, StudyProgress
from studies.engine.pruning import Pruning
from studies.engine.requests import Requests
from studies.engine.running import FLUSH_SECONDS, SHUTDOWN_SECONDS, Running, as_it_counts, assignment_of
from studies.engine.signals import Signals
from studies.engine.taken import renew_taken
from studies.history.state import Ending, standing_of
from studies.planning.chooser import Chooser
from studies.settings.leaders import Leaders
from studies.slots.packing import Packing
from studies.slots.pool import SlotPool
from studies.slots.slot import Slot
from studies.slots.wishes import Wishes
from studies.tables.log import Log, Tone

IDLE_SECONDS = 0.5
"""Of one wait while a slot is free; then orphans are recovered and the study is read."""
BUSY_SECONDS = 2.0
"""The same while every slot is taken."""


class Worker:
    """One worker of one study, from sign-in to sign-out."""

    def __init__(
        self,
        membership: Membership,
        warm: WarmServer,
        log: Log,
        changed: Callable[[], None] = lambda: None,
        user_code: CodeWatch | None = None,
    ) -> None:
        """`changed` is called whenever the study has changed: it must return at once."""
        self.user_code = user_code
        self.membership, self.warm, self.log = membership, warm, log
        self.slots, self.home = membership.slots, membership.store.home
        self.changed = changed
        self.slot_pool = SlotPool(self.slots, log)
        self.packing = Packing(self.slot_pool, log) if self.slots[0].packed else None
        self.wishes = Wishes(warm)
        self.requests = Requests()
        self.running: dict[str, Running] = {}
        self.signals = Signals()
        self.last_line = ""
        self.selector = selectors.DefaultSelector()
        self.pruning: Pruning | None = None
        self.progress = Progress()
        self.leaders: Leaders | None = None
        self.parsed: Mapping[str, Any] | None = None
        self.connected = False

    def run(self) -> Ending:
        """Work until the search has ended, the study drains, or a signal comes."""
        with self.signals.watching():
            self.selector.register(self.signals, selectors.EVENT_READ)
            self._connect((UnreachableError, SessionLostError))
            try:
                while True:
                    try:
                        ending = self._turn()
                        if ending is not None:
                            clear_home(self.ledger.session, self.study, self.home)
                            sign_out(self.ledger.session, self.worker_id)
                            return ending
                    except SessionLostError as error:
                        self._start_over(str(error))
            finally:
                self._abandon()
                self.ledger.session.close()
                self.selector.close()

    # One turn of the loop

    def _turn(self) -> Ending | None:
        if self.signals.draining and self.running:
            count = counted(len(self.running), "running trial")
            self._log_once(f"finishing {count}; Ctrl-C again to stop now (stopped trials resume next time)")
        if self.signals.giving_back:
            for running in self.running.values():
                running.give_back()
        self.requests.look(self.ledger, self._adopt)
        self._choose()
        if not self.signals.draining:
            self._fill_slots()
        elif self.packing is not None:
            self.packing.leave()
        self.slot_pool.release(self.running)
        if not self.running and (ending := self._ending()) is not None:
            return ending
        self._wait(BUSY_SECONDS if len(self.running) == len(self.slots) else IDLE_SECONDS)
        self._follow()
        return None

    def _fill_slots(self) -> None:
        """Start waiting trials; plan, once, when no trial is left to start."""
        if len(self.running) < len(self.slots):
            for number in self.ledger.recover_orphans():
                self.log(f"trial {number}: its worker is gone; the trial will be run again", Tone.TROUBLE)
        planned = False
        while len(self.running) < len(self.slots) and not self.first_failures.stop():
            found = self._next() if self.packing is None else self._next_packed(self.packing)
            if found is not None:
                if not self._ended_early(*found):
                    self._start(*found)
            elif planned or not self._plan():
                break
            else:
                planned = True
        if self.packing is not None and len(self.running) == len(self.slots):
            self.packing.leave()  # waiting trials cannot start here now

    def _next(self) -> tuple[Claim, Slot] | None:
        """A trial for the first slot that can take one."""
        slot = self.slot_pool.take(self._unavailable(), self.study.name)
        claim = slot and self._claim(slot)
        return (claim, slot) if slot and claim else None

    def _next_packed(self, packing: Packing) -> tuple[Claim, Slot] | None:
        """The first waiting trial that fits on a device. Its share is leased before it is claimed."""
        wishes = self.wishes.read(self.ledger, packing, self.requests.enqueued)
        if not wishes:
            packing.leave()
        for wish in wishes:
            slot = packing.place(wish, wish is wishes[0], self.running, self.study.name)
            if slot is not None:
                claim = self._claimed(slot, number=wish.number)
                if claim is not None:
                    return claim, slot
                self.slot_pool.narrow(slot)  # another worker has claimed it meanwhile
        return None

    def _claim(self, slot: Slot) -> Claim | None:
        """The next trial for a slot. A trial that ran out of memory is claimed only with the whole device."""
        if any(running.slot.device_key == slot.device_key for running in self.running.values()):
            return self._claimed(slot, alone=False)
        if slot.shares_device:
            claim = self._claimed(slot, alone=False)
            if claim is not None or not self.slot_pool.widen(slot, self.running):
                return claim
        claim = self._claimed(slot)
        if claim is None:
            self.slot_pool.narrow(slot)
        return claim

    def _claimed(self, slot: Slot, alone: bool = True, number: int | None = None) -> Claim | None:
        """Claim a trial for a slot, with the version of the user's code; none once that may not run any more."""
        version = None
        if self.user_code is not None:
            version = self.user_code.version(self.ledger.session, self.ledger.study_id)
            if version is None:
                return None

        def claim(wanted: int | None) -> Claim | None:
            return self.ledger.claim_trial(self.worker_id, slot.name, alone, wanted, version)

        return self.requests.claim_first(claim) if number is None else claim(number)

    def _unavailable(self) -> set[str]:
        """Slots that are taken, or whose device belongs to a trial that ran out of memory."""
        alone = {
            each.slot.device_key for each in self.running.values() if Kind.OUT_OF_MEMORY.value in each.claim.outcomes
        }
        return {*self.running, *(slot.name for slot in self.slots if slot.device_key in alone)}

    def _plan(self) -> bool:
        """Take the next decision if its round is complete; whether there may be a trial to claim now."""
        self._read_study()
        if self.study.draining or self.study.late:
            return False
        planned = self.next_points.plan(self.study, len(self.slots) - len(self.running))
        if not self.progress.total:
            self.study_progress.read()
        return planned

    def _choose(self) -> None:
        """Go on with the next choice, in a study that has choices."""
        chooser = self.next_points.chooser
        if chooser is None:
            return
        chooser.due |= len(self.running) < len(self.slots)  # another worker's trial may have ended
        if not self._may_choose():
            chooser.stand_down()
        elif chooser.due:
            self.next_points.choose(self.study)

    def _may_choose(self) -> bool:
        if self.signals.draining or self._read_study().draining or self.study.late:
            return False
        return not self.first_failures.stop()

    def _adopt(self) -> list[int] | None:
        """Adopt trials that another Optuna program enqueued; the numbers of those that can be claimed."""
        if self.signals.draining or self.study.draining or self.study.late:
            return None
        return self.next_points.adopt(self.study)

    def _log_once(self, line: str) -> None:
        """Print a line, but not twice in a row."""
        if line != self.last_line:
            self.last_line = line
            self.log(line)

    def _ending(self) -> Ending | None:
        """Why to leave, when nothing runs here; None while other workers' trials may still bring work."""
        if self.signals.draining:
            return Ending("interrupted; run the same command to go on", interrupted=True)
        chooser = self.next_points.chooser
        refusals = [each.refusal for each in (self.user_code, chooser) if each is not None]
        if why := next(filter(None, (self.slot_pool.stranded, *refusals)), None):
            return Ending(why, failed=True)
        if chooser is not None and chooser.choosing and self._may_choose():
            return None  # though the search had ended: a trial that another program enqueued has ended since
        study, points = self._read_study(), self.ledger.open_points()
        waits_for_budget = study.max_trials is not None and bool(points.waiting)  # else they could have been claimed
        begun = study.max_trials or 0 if waits_for_budget else 0
        return Ending.of(standing_of(study, begun, points.running, alive=True))

    def _wait(self, seconds: float) -> None:
        """Wait for a trial's message, a notification of the database or a signal, at most so long."""
        if any(running.reports for running in self.running.values()):
            seconds = min(seconds, FLUSH_SECONDS)
        self.selector.select(seconds)
        self.signals.clear()
        self.ledger.session.heard()

    # Trials

    def _start(self, claim: Claim, slot: Slot) -> None:
        if claim.backend != self.ledger.session.backend:
            raise StorageError(POOLED)
        folder = trial_folder(self.home, self.study.folder, self.study.created_at, claim.number)
        folder.make(claim.attempt)
        lease = self.slot_pool.begun(slot, self.study.name, claim.number)
        assignment = assignment_of(self.study.name, self.definition, claim, slot, folder, lease)
        attempt = self.warm.start(assignment, None if lease is None else lease.fd)
        self.running[slot.name] = Running(claim, slot, folder, attempt)
        self.log(self.running[slot.name].beginning, Tone.DETAIL)
        self.selector.register(attempt, selectors.EVENT_READ)

    def _ended_early(self, claim: Claim, slot: Slot) -> bool:
        """End a trial before it begins if its metrics are known, or its grid's setting was pruned; whether it was."""
        line = self.kept.settle(claim, self._required) or (self.pruning.set_aside(claim) if self.pruning else None)
        if line is not None:
            self.slot_pool.narrow(slot)
            self.log(line)
            self.progress.ended(slot.name, None)
            self.changed()
        return line is not None

    def _follow(self) -> None:
        """Receive the trials' messages; settle the trials that ended."""
        before = self.progress.here
        for running in list(self.running.values()):
            for message in running.attempt.receive():
                if isinstance(message, Outcome):
                    outcome = as_it_counts(message, self.signals)
                    self.selector.unregister(running.attempt)
                    del self.running[running.slot.name]
                    self.slot_pool.ended(running.slot, running.claim.number, outcome.kind)
                    self._settle(running, outcome)
                elif isinstance(message, Report):
                    running.reports.append(message)
                    running.last = message
            if running.slot.name in self.running and running.needs_flush:
                running.flush(self.ledger, self._required)
                self._prune(running)
        if self.progress.here != before:
            self.study_progress.read()

    def _prune(self, running: Running) -> None:
        """Stop a trial that the pruner gives up."""
        if self.pruning is not None and not running.pruned:
            running.pruned = self.pruning.ends(running.claim)
            if running.pruned:
                running.attempt.request_stop()

    def _settle(self, running: Running, outcome: Outcome) -> None:
        """Write an attempt's end. If the session is lost meanwhile, the end is written from a new one."""
        while True:
            try:
                self.log(*running.settle(self.ledger, outcome, self._required, self.leaders))
                if running.over:
                    self.next_points.trial_ended()
                    completed = outcome.kind is Kind.COMPLETED
                    self.progress.ended(running.slot.name, outcome.seconds if completed else None)
                self.changed()
                return
            except SessionLostError as error:
                self._start_over(str(error))

    @property
    def _required(self) -> Requirements:
        return Requirements.of(self.definition, self.study)

    def _read_study(self) -> StudyRow:
        """The study as it is now; its definition is parsed when it has changed, not for every trial."""
        self.study = Reader(self.ledger.session).study(self.membership.name)
        if self.study.definition != self.parsed:
            self.parsed = self.study.definition
            self.definition = Definition.from_json(self.parsed)
        return self.study

    # The session

    def _sign_in(self) -> None:
        self.ledger, self.worker_id = self.membership.connect()
        self.connected = True
        renew_taken(self.ledger, self._read_study(), self.log)
        clear_home(self.ledger.session, self.study, self.home)
        self.changed()
        self.first_failures, self.kept = FirstFailures(self.ledger), KeptMetrics(self.ledger)
        pruner = self.definition.pruner
        self.pruning = None if pruner is None else Pruning(self.ledger, self.study, pruner, self.log)
        self.study_progress = StudyProgress(self.ledger, self.study, self.progress)
        self.study_progress.read()
        self.leaders = self.study_progress.leaders
        rounds = None if self.study_progress.is_read else self.progress
        self.next_points = NextPoints(self.ledger, self.study, self.warm, rounds, self._log_once, self.changed)
        self.selector.register(self.ledger.session, selectors.EVENT_READ)
        if self.next_points.chooser is not None:
            self.selector.register(self.next_points.chooser, selectors.EVENT_READ)

    def _start_over(self, why: str) -> None:
        """The session is lost and our trials with it: stop their processes, sign in as a new worker."""
        self.log(f"the database session was lost ({why}): its trials are stopped; reconnecting", Tone.TROUBLE)
        self._forget_session()
        self._abandon()
        self._connect((StorageError, SessionLostError))
        self.log("the database is back")

    def _connect(self, passing: tuple[type[StudyhallError], ...]) -> None:
        """Sign in; after an error that will pass, again."""
        pause = 0.05
        while True:
            try:
                self._sign_in()
                return
            except passing as error:
                if self.signals.draining:
                    raise StorageError(f"{error}; interrupted while reconnecting") from error
                self._forget_session()
                self._log_once(f"still no connection: {error}")
                self.selector.select(pause)
                self.signals.clear()
                pause = min(pause * 2, 5.0)

    def _forget_session(self) -> None:
        if not self.connected:  # not even once
            return
        for key in list(self.selector.get_map().values()):
            if key.fileobj is self.ledger.session or isinstance(key.fileobj, Chooser):
                self.selector.unregister(key.fileobj)
        self.ledger.session.close()

    def _abandon(self) -> None:
        """Kill the running trials and wait for their ends: no process of ours outlives us."""
        for running in self.running.values():
            self.selector.unregister(running.attempt)
            running.attempt.kill()
        deadline = time.monotonic() + SHUTDOWN_SECONDS
        while self.running and time.monotonic() < deadline:
            for running in list(self.running.values()):
                if any(isinstance(message, Outcome) for message in running.attempt.receive()):
                    del self.running[running.slot.name]
            time.sleep(0.005 if self.running else 0)
        self.running.clear()
        self.slot_pool.release(self.running)
        if self.packing is not None:
            self.packing.leave()
