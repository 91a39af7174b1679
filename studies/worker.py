"""The worker: one process, one database session, one or more slots. Recover, claim, start, follow, finish, plan.

It keeps nothing that matters: what it runs is in the database, under locks that end with its session. So when the
session is lost it stops its trials' processes, and begins again like any new worker.
"""

from __future__ import annotations

import selectors
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from objectives.attempt import Assignment, Attempt
from objectives.outcome import Kind, Outcome, Report
from objectives.warm import WarmServer
from samplers.plan import Search
from storage.errors import SessionLostError, StorageError
from storage.ledger import Claim, End, Ledger, Verdict
from storage.pooling import POOLED
from storage.records import StudyRow
from studies.definition import SEEK_LIMITS, Definition
from studies.folders import trial_folder
from studies.planner import Waiting, plan
from studies.policy import Again, Asked, consequence, judge
from studies.pruning import Pruning
from studies.rack import Rack
from studies.signals import Signals
from studies.slot import Slot

IDLE = 0.5  # seconds between looks for orphans and for news, when there is a free slot
BUSY = 2.0  # the same, when every slot is taken
FLUSH = 1.0  # seconds between writes of what trials reported
GRACE = 5.0  # seconds that a trial has after SIGTERM


class Hall(Protocol):
    """What a worker is given of the study: how to reach it, read it and sign in to it."""

    def connect(self) -> tuple[Ledger, int]:
        """A fresh session that listens, as a ledger, and the id under which this worker signed in to it."""

    def read(self, ledger: Ledger) -> StudyRow:
        """The study's row as it is now."""

    def search(self, study: StudyRow) -> Search:
        """Its search, with the budget in force."""


@dataclass
class Running:
    """A trial on one of our slots."""

    claim: Claim
    slot: Slot
    attempt: Attempt
    reports: list[Report] = field(default_factory=list)
    flushed: float = 0.0
    asked_back: bool = False
    pruned: str | None = None
    """Why it was asked to stop, if it was."""

    def give_back(self) -> None:
        """Ask the trial to end now; once."""
        if not self.asked_back:
            self.asked_back = True
            self.attempt.give_back(GRACE)


@dataclass(frozen=True)
class Ending:
    """Why a worker left, and whether the search failed."""

    reason: str
    failed: bool = False
    interrupted: bool = False


class Worker:
    """One worker of one study, from sign-in to sign-out."""

    def __init__(
        self, hall: Hall, home: Path, warm: WarmServer, slots: tuple[Slot, ...], code: str, say: Callable[[str], None]
    ) -> None:
        self.hall, self.home, self.warm, self.slots, self.code, self.say = hall, home, warm, slots, code, say
        self.rack = Rack(slots, say)
        self.running: dict[str, Running] = {}
        self.signals = Signals()
        self.said = ""
        self.selector = selectors.DefaultSelector()
        self.pruning: Pruning | None = None

    def run(self) -> Ending:
        """Work until the search has ended, the study drains, or a signal comes."""
        with self.signals.watching():
            self.selector.register(self.signals, selectors.EVENT_READ)
            self._sign_in()
            try:
                while True:
                    try:
                        ending = self._turn()
                        if ending is not None:
                            self.ledger.session.run("end_worker", {"worker_id": self.worker_id})
                            return ending
                    except SessionLostError as error:
                        self._start_over(str(error))
            finally:
                self._abandon()
                self.ledger.session.close()
                self.selector.close()

    # One turn of the loop

    def _turn(self) -> Ending | None:
        if self.signals.giving_back:
            for running in self.running.values():
                running.give_back()
        if not self.signals.draining:
            self._fill_slots()
        self.rack.release(self.running)
        if not self.running:
            ending = self._ending()
            if ending is not None:
                return ending
        self._wait(BUSY if len(self.running) == len(self.slots) else IDLE)
        self._follow()
        return None

    def _fill_slots(self) -> None:
        """Start what can be started; plan, once, when there is nothing left to start."""
        if len(self.running) < len(self.slots):
            for number in self.ledger.recover_orphans():
                self.say(f"trial {number}: its worker is gone, it waits again")
        planned = False
        while len(self.running) < len(self.slots):
            slot = self.rack.take(self._unavailable(), self.study.name)
            claim = None if slot is None else self._claim(slot)
            if slot is not None and claim is not None:
                self._start(claim, slot)
            elif planned or not self._plan():
                break
            else:
                planned = True

    def _claim(self, slot: Slot) -> Claim | None:
        """The next trial for a slot. One that ran out of memory is taken only by who has the whole device for it."""
        if any(running.slot.place == slot.place for running in self.running.values()):
            return self.ledger.claim_trial(self.worker_id, slot.name, alone=False)
        if slot.shares_device:
            claim = self.ledger.claim_trial(self.worker_id, slot.name, alone=False)
            if claim is not None or not self.rack.widen(slot, self.running):
                return claim
        claim = self.ledger.claim_trial(self.worker_id, slot.name, alone=True)
        if claim is None:
            self.rack.narrow(slot)
        return claim

    def _unavailable(self) -> set[str]:
        """Slots that are taken, or whose device a trial that ran out of memory has for itself."""
        alone = {each.slot.place for each in self.running.values() if Kind.OUT_OF_MEMORY.value in each.claim.outcomes}
        return {*self.running, *(slot.name for slot in self.slots if slot.place in alone)}

    def _plan(self) -> bool:
        """Take the next decision if its round is complete; whether there may be something to claim now."""
        self.study = self.hall.read(self.ledger)
        if self.study.draining or self.study.late:
            return False
        points = self.ledger.open_points()
        if points.waiting or points.current:  # what waits cannot be taken here and now: a budget, or a device in use
            return False
        step = plan(self.ledger, self.hall.search(self.study), self._refusals, self.code)
        if isinstance(step, Waiting) and step.why != self.said:
            self.said = step.why
            self.say(step.why)
        return isinstance(step, Waiting)

    def _refusals(self, configs: Sequence[Mapping[str, object]]) -> list[str | None]:
        return [inspection.refusal for inspection in self.warm.inspect(configs)]

    def _ending(self) -> Ending | None:
        """Why to leave, when nothing runs here: None while others' trials may still bring work."""
        if self.signals.draining:
            return Ending("interrupted", interrupted=True)
        if self.rack.stranded is not None:
            return Ending(self.rack.stranded, failed=True)
        self.study = study = self.hall.read(self.ledger)
        if study.draining:
            return Ending("the study was told to stop")
        if study.late:
            return Ending("the study's time is up")
        if study.outcome is not None:
            return Ending(study.outcome, study.failed)
        points = self.ledger.open_points()
        if study.max_trials is not None and points.waiting and not points.running:
            return Ending(f"the study's budget of {study.max_trials} trials is used up")
        return None

    def _wait(self, seconds: float) -> None:
        """Sleep until a trial speaks, the database notifies, a signal comes, or the time is over."""
        if any(running.reports for running in self.running.values()):
            seconds = min(seconds, FLUSH)
        self.selector.select(seconds)
        self.signals.clear()
        self.ledger.session.heard()

    # Trials

    def _start(self, claim: Claim, slot: Slot) -> None:
        if claim.backend != self.ledger.session.backend:
            raise StorageError(POOLED)
        folder = trial_folder(self.home, self.study.name, self.study.created_at, claim.number)
        folder.make()
        definition = Definition.from_json(self.study.definition)
        lease = self.rack.begun(slot, self.study.name, claim.number)
        given = replace(slot, memory_fraction=1.0) if Kind.OUT_OF_MEMORY.value in claim.outcomes else slot
        assignment = Assignment(
            config=claim.config,
            seed=claim.seed,
            number=claim.number,
            attempt=claim.attempt,
            device=slot.device,
            threads=slot.threads,
            env=given.environment,
            log=folder.log(claim.attempt),
            lock=folder.lock,
            checkpoint_dir=folder.checkpoint,
            run_dir=folder.files,
            memory_limit=definition.memory_limit,
            timeout=definition.timeout,
            study=self.study.name,
            log_to=definition.log_to,
            cores=lease.cores if lease is not None and slot.gpu is None else (),
            gpu=slot.gpu,
            memory_fraction=given.memory_fraction,
        )
        attempt = self.warm.start(assignment, None if lease is None else lease.fd)
        self.running[slot.name] = Running(claim, slot, attempt)
        self.selector.register(attempt, selectors.EVENT_READ)

    def _follow(self) -> None:
        """Take what the trials said; end those that ended."""
        for running in list(self.running.values()):
            for message in running.attempt.receive():
                if isinstance(message, Outcome):
                    self._flush(running)
                    self.selector.unregister(running.attempt)
                    del self.running[running.slot.name]
                    self.rack.ended(running.slot, running.claim.number, message.kind)
                    pruned = message.kind is Kind.PRUNED and running.pruned
                    self._settle(running.claim, replace(message, message=pruned) if pruned else message)
                elif isinstance(message, Report):
                    running.reports.append(message)
            if running.reports and time.monotonic() - running.flushed >= FLUSH:
                self._flush(running)
                self._prune(running)

    def _prune(self, running: Running) -> None:
        """Ask a trial to stop that is not worth going on with."""
        if self.pruning is None or running.pruned:
            return
        try:
            if self.pruning.ends(running.claim):
                running.pruned = f"by the {self.pruning.name} pruner"
                running.attempt.request_stop()
        except Exception as error:  # the pruner is Optuna's, with the user's arguments: trials go on without it
            self.pruning = None
            self.say(f"nothing is pruned any more, the pruner cannot tell: {type(error).__name__}: {error}")

    def _flush(self, running: Running) -> None:
        if not running.reports:
            return
        score = self._asked.score
        # Optuna's column holds 32-bit steps: what is beyond is not a step.
        rows = [
            (each.step, each.metrics, each.metrics.get(score)) for each in running.reports if abs(each.step) < 2**31
        ]
        running.reports.clear()
        running.flushed = time.monotonic()
        self.ledger.report_steps(running.claim, rows)

    def _settle(self, claim: Claim, outcome: Outcome) -> None:
        """Write an attempt's end. A session lost on the way is replaced, and the end written from there: the fence
        refuses it if the trial has been given to somebody else meanwhile, and finds it if it had been written."""
        asked = self._asked
        outcome = judge(outcome, asked)
        end = End(outcome.kind.value, outcome.message, "" if outcome.kind is Kind.COMPLETED else outcome.tail)
        what = consequence(outcome, claim.outcomes, asked)
        while True:
            try:
                if isinstance(what, Again):
                    self.ledger.release_trial(claim, end)
                    self.say(f"trial {claim.number}: {end.outcome.replace('_', ' ')}: {end.message}, it waits again")
                    return
                verdict = self.ledger.finish_trial(claim, what.state, end, what.score, outcome.metrics, what.reason)
                break
            except SessionLostError as error:
                self._start_over(str(error))
        if verdict is Verdict.ACCEPTED:
            folder = trial_folder(self.home, self.study.name, self.study.created_at, claim.number)
            shutil.rmtree(folder.checkpoint, ignore_errors=True)  # no further attempt will want it
        if verdict is Verdict.REFUSED:
            self.say(
                f"trial {claim.number}: the result of attempt {claim.attempt} was refused, somebody else has the trial"
            )
        else:
            told = f"{asked.score} {what.score:.6g}" if what.score is not None else what.reason
            self.say(f"trial {claim.number} {_role(claim.role)}: {what.state}, {told}, {outcome.seconds:.1f} s")

    @property
    def _asked(self) -> Asked:
        definition = Definition.from_json(self.study.definition)
        seeks_limit = definition.search in SEEK_LIMITS
        return Asked(definition.score_metric, definition.cost, definition.attempts, seeks_limit)

    # The session

    def _sign_in(self) -> None:
        self.ledger, self.worker_id = self.hall.connect()
        self.study = self.hall.read(self.ledger)
        pruner = Definition.from_json(self.study.definition).pruner
        self.pruning = None if pruner is None else Pruning(self.ledger.session.url, self.study.name, pruner)
        self.selector.register(self.ledger.session, selectors.EVENT_READ)

    def _start_over(self, why: str) -> None:
        """The session is gone and our trials with it: stop their processes, come back as a new worker."""
        self.say(f"the database session was lost ({why}): its trials are stopped, trying to come back")
        self._forget_session()
        self._abandon()
        pause = 0.05
        while True:
            try:
                self._sign_in()
                self.say("the database is back")
                return
            except (StorageError, SessionLostError) as error:
                if self.signals.draining:
                    raise StorageError(f"{error}; interrupted while waiting for it to come back") from error
                self._forget_session()
                self.selector.select(pause)
                self.signals.clear()
                pause = min(pause * 2, 5.0)

    def _forget_session(self) -> None:
        for key in list(self.selector.get_map().values()):
            if key.fileobj is self.ledger.session:
                self.selector.unregister(key.fileobj)
        self.ledger.session.close()

    def _abandon(self) -> None:
        """Kill what still runs here and see it end: nothing of ours outlives us."""
        for running in self.running.values():
            self.selector.unregister(running.attempt)
            running.attempt.kill()
        deadline = time.monotonic() + GRACE
        while self.running and time.monotonic() < deadline:
            for running in list(self.running.values()):
                if any(isinstance(message, Outcome) for message in running.attempt.receive()):
                    del self.running[running.slot.name]
            time.sleep(0.005 if self.running else 0)
        self.running.clear()
        self.rack.release(self.running)


def _role(role: Mapping[str, Any]) -> str:
    """What a trial was for, in brackets: `(n_head=2)`."""
    if "param" in role:
        return f"({role['param']}={role['value']})"
    if "setting" in role:
        return f"({', '.join(f'{name}={value}' for name, value in role['setting'].items())})"
    return f"({role['role']})" if "role" in role else ""
