"""One trial on a slot of this worker: its process's assignment, its reports, and how its end is written."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, field, replace

from objectives.outcome import Kind, Outcome, Report
from objectives.process.attempt import Assignment, Attempt
from storage.home import TrialFolder
from storage.ledger import Claim, End, Ledger, Verdict
from storage.reader import Reader
from studies.definition.definition import Definition
from studies.definition.units import duration_text
from studies.engine.policy import Finish, Requirements, again_text, consequence, judge, with_best
from studies.engine.signals import Signals
from studies.history.purpose import trial_name
from studies.settings.leaders import Leaders
from studies.slots.leases import Lease
from studies.slots.slot import Slot
from studies.tables.digits import number
from studies.tables.log import Tone

FLUSH_SECONDS = 1.0
"""Between two writes of a trial's reports."""
SHUTDOWN_SECONDS = 5.0
"""That a trial has after SIGTERM."""
SIGNAL_SECONDS = 1.0
"""Between a scheduler's signals to a trial and to its worker, on a busy host."""
COUNTS = ("count", "verify")
"""Trials of a depth search, which come by the hundred: what it decides from them is printed."""
STEP_LIMIT = 2**31
"""Of Optuna's column: a step is below it."""


@dataclass
class Running:
    """A trial that this worker runs."""

    claim: Claim
    slot: Slot
    folder: TrialFolder
    attempt: Attempt
    begun: float = field(default_factory=time.monotonic)
    reports: list[Report] = field(default_factory=list)
    last: Report | None = None
    """Its latest report."""
    over: bool = False
    """Its end was accepted: it will not run again."""
    flushed: float = 0.0
    given_back: bool = False
    pruned: str | None = None
    """Why its pruning was requested, if it was."""

    @property
    def name(self) -> str:
        """`trial 3 (round 0, n_head → 2, seed 1)`."""
        return trial_name(self.claim.number, self.claim.role, self.claim.seed)

    @property
    def beginning(self) -> str:
        """`trial 3 (round 0, n_head → 2, seed 1) begins on cpu0`."""
        again = f", attempt {self.claim.attempt}" if self.claim.attempt > 1 else ""
        return f"{self.name} begins on {self.slot.name}{again}"

    @property
    def needs_flush(self) -> bool:
        """Whether it is time to write its reports."""
        return bool(self.reports) and time.monotonic() - self.flushed >= FLUSH_SECONDS

    def flush(self, ledger: Ledger, required: Requirements) -> None:
        """Write its reports; they are kept if that fails."""
        steps = {each.step: each for each in self.reports if abs(each.step) < STEP_LIMIT}  # the later one counts
        if steps:
            reported = [required.with_score(each.metrics) for each in steps.values()]
            shown = [required.reported(metrics) for metrics in reported]
            rows = [*zip(steps, reported, shown, strict=True)]
            ledger.report_steps(self.claim, rows)
        self.reports.clear()
        self.flushed = time.monotonic()

    def give_back(self) -> None:
        """End the attempt now, so that the trial waits again. Further calls do nothing."""
        if not self.given_back:
            self.given_back = True
            self.attempt.give_back(SHUTDOWN_SECONDS)

    def settle(
        self, ledger: Ledger, outcome: Outcome, required: Requirements, leaders: Leaders | None = None
    ) -> tuple[str, Tone]:
        """Write its last reports and its end; a line about it.

        After a lost session, call it again: the fence refuses the end if another worker has been given the trial
        meanwhile, and finds the end if it had been written.
        """
        if outcome.kind is Kind.PRUNED and self.pruned:
            outcome = replace(outcome, message=self.pruned)
        self.flush(ledger, required)
        if required.best is not None:
            reports = Reader(ledger.session).reports_of(self.claim.trial_id)
            outcome = with_best(outcome, [each.metrics for each in reports], required)
        outcome = judge(outcome, required)
        claim = self.claim
        end = End(outcome.kind.value, outcome.message, "" if outcome.kind is Kind.COMPLETED else outcome.tail)
        step = consequence(outcome, claim.outcomes, required)
        if step is None:
            ledger.release_trial(claim, end)
            return f"{self.name} {again_text(outcome, claim.outcomes, required)}", Tone.TROUBLE
        verdict = ledger.finish_trial(claim, step.state, end, step.values, outcome.metrics, step.reason)
        if verdict is Verdict.REFUSED:
            rejected = f"another worker has it now; the result of attempt {claim.attempt} was rejected"
            return f"{self.name}: {rejected}", Tone.TROUBLE
        self.over = True
        shutil.rmtree(self.folder.checkpoint, ignore_errors=True)  # whatever still runs of it
        self.folder.clear()
        return self._ended(outcome, step, required, leaders)

    def _ended(
        self, outcome: Outcome, step: Finish, required: Requirements, leaders: Leaders | None
    ) -> tuple[str, Tone]:
        """The line of a trial that is over."""
        lasted = f"{outcome.seconds:.1f} s" if outcome.seconds < 100 else duration_text(outcome.seconds)
        if outcome.kind is Kind.PRUNED:
            at = "" if self.last is None else f" at step {self.last.step}"
            by = f"{at} {self.pruned}" if self.pruned else f": {outcome.message}".removesuffix(": ")
            return f"{self.name} pruned{by}, {lasted}", Tone.PLAIN
        if not step.values:
            return f"{self.name} failed: {(step.reason or '').removeprefix('error: ')}, {lasted}", Tone.FAILURE
        scores = ", ".join(f"{each} {number(outcome.metrics[each])}" for each in required.scores)
        line = f"{self.name}: {scores}, {lasted}"
        if leaders is None:
            return line, Tone.DETAIL if self.claim.role.get("role") in COUNTS else Tone.PLAIN
        role, seed = self.claim.role, self.claim.seed
        best, is_new = leaders.add(role.get("setting", {}), seed, outcome.metrics[required.score])
        return "; ".join(filter(None, (line, best))), Tone.BEST if is_new else Tone.PLAIN


def assignment_of(
    study: str, definition: Definition, claim: Claim, slot: Slot, folder: TrialFolder, lease: Lease | None
) -> Assignment:
    """What a trial's process is given: the whole device after an attempt ran out of memory."""
    given = replace(slot, memory_fraction=1.0) if Kind.OUT_OF_MEMORY.value in claim.outcomes else slot
    return Assignment(
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
        run_dir=folder.run(claim.attempt),
        memory_limit=definition.memory_limit,
        timeout=definition.timeout,
        study=study,
        log_to=definition.log_to,
        cores=lease.cores if lease is not None and slot.gpu is None else (),
        gpu=slot.gpu,
        memory_fraction=given.memory_fraction,
    )


def as_it_counts(outcome: Outcome, signals: Signals) -> Outcome:
    """An attempt's end; no trial is blamed for a scheduler's SIGTERM, which reaches every process, and a trial at times
    a moment before its worker."""
    if outcome.kind is Kind.KILLED and not signals.giving_back:
        signals.wait(SIGNAL_SECONDS)
    blamed = not signals.giving_back or outcome.kind not in (Kind.KILLED, Kind.ERROR)
    return outcome if blamed else replace(outcome, kind=Kind.GIVEN_BACK)
