"""One trial on a slot of ours: what its process is given, what it reports, and how its end is written."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from objectives.outcome import Kind, Outcome, Report
from objectives.process.attempt import Assignment, Attempt
from storage.home import TrialFolder
from storage.ledger import Claim, End, Ledger, Verdict
from studies.definition.definition import Definition
from studies.engine.policy import Again, Asked, consequence, judge
from studies.slots.leases import Lease
from studies.slots.slot import Slot
from studies.tables.digits import number as shown

FLUSH = 1.0  # seconds between writes of what a trial reported
GRACE = 5.0  # seconds that a trial has after SIGTERM
LARGEST_STEP = 2**31  # of Optuna's column


@dataclass
class Running:
    """A trial that runs here."""

    claim: Claim
    slot: Slot
    folder: TrialFolder
    attempt: Attempt
    begun: float = field(default_factory=time.monotonic)
    reports: list[Report] = field(default_factory=list)
    last: Report | None = None
    """What it reported last."""
    over: bool = False
    """Its end was accepted: it will not run again."""
    flushed: float = 0.0
    asked_back: bool = False
    pruned: str | None = None
    """Why it was asked to stop, if it was."""

    @property
    def beginning(self) -> str:
        """`trial 3 begins on cpu0: n_head=2, seed 1`."""
        again = f", attempt {self.claim.attempt}," if self.claim.attempt > 1 else ""
        told = [_role(self.claim.role).strip("()"), f"seed {self.claim.seed}"]
        return f"trial {self.claim.number}{again} begins on {self.slot.name}: {', '.join(filter(None, told))}"

    @property
    def needs_flush(self) -> bool:
        """Whether it is time to write what it reported."""
        return bool(self.reports) and time.monotonic() - self.flushed >= FLUSH

    def flush(self, ledger: Ledger, score: str) -> None:
        """Write what it reported; what could not be written is kept."""
        steps = {each.step: each for each in self.reports if abs(each.step) < LARGEST_STEP}  # the later one counts
        if steps:
            rows = [(each.step, each.metrics, each.metrics.get(score)) for each in steps.values()]
            ledger.report_steps(self.claim, rows)
        self.reports.clear()
        self.flushed = time.monotonic()

    def give_back(self) -> None:
        """Ask the trial to end now; once."""
        if not self.asked_back:
            self.asked_back = True
            self.attempt.give_back(GRACE)

    def settle(self, ledger: Ledger, outcome: Outcome, asked: Asked) -> str:
        """Write its last reports and its end; what came of it, for people.

        May be called again after a lost session: the fence refuses the end if the trial has been given to somebody else
        meanwhile, and finds it if it had been written.
        """
        if outcome.kind is Kind.PRUNED and self.pruned:
            outcome = replace(outcome, message=self.pruned)
        outcome = judge(outcome, asked)
        claim, number = self.claim, self.claim.number
        end = End(outcome.kind.value, outcome.message, "" if outcome.kind is Kind.COMPLETED else outcome.tail)
        what = consequence(outcome, claim.outcomes, asked)
        self.flush(ledger, asked.score)
        if isinstance(what, Again):
            ledger.release_trial(claim, end)
            return f"trial {number}: {end.outcome.replace('_', ' ')}: {end.message}, it waits again"
        verdict = ledger.finish_trial(claim, what.state, end, what.score, outcome.metrics, what.reason)
        if verdict is Verdict.REFUSED:
            return f"trial {number}: the result of attempt {claim.attempt} was refused, somebody else has the trial"
        self.over = True
        shutil.rmtree(self.folder.checkpoint, ignore_errors=True)  # no further attempt will want it
        told = f"{asked.score} {shown(what.score)}" if what.score is not None else what.reason
        return f"trial {number} {_role(claim.role)}: {what.state}, {told}, {outcome.seconds:.1f} s"


def assignment_of(
    study: str, definition: Definition, claim: Claim, slot: Slot, folder: TrialFolder, lease: Lease | None
) -> Assignment:
    """What a trial's process is given. One that ran out of memory has the whole device now."""
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
        run_dir=folder.files,
        memory_limit=definition.memory_limit,
        timeout=definition.timeout,
        study=study,
        log_to=definition.log_to,
        cores=lease.cores if lease is not None and slot.gpu is None else (),
        gpu=slot.gpu,
        memory_fraction=given.memory_fraction,
    )


def _role(role: Mapping[str, Any]) -> str:
    """What a trial was for, in brackets: `(n_head=2)`."""
    if "param" in role:
        return f"({role['param']}={role['value']})"
    if "setting" in role:
        return f"({', '.join(f'{name}={value}' for name, value in role['setting'].items())})"
    return f"({role['role']})" if "role" in role else ""
