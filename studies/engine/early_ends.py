"""What ends before it begins: a study whose first trials failed alike, and a trial whose metrics are there already."""

from __future__ import annotations

from objectives.outcome import Kind, Outcome
from storage.ledger import Claim, End, Ledger
from storage.reader import Reader
from storage.records import EndKind
from storage.studies import set_outcome
from storage.worker_records import KeptTrial
from studies.engine.policy import Requirements, judge
from studies.history.alike import failed_alike
from studies.history.purpose import trial_name


class FirstFailures:
    """Whether a study stops because its first trials failed alike. Asked before each claim until one has succeeded."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._succeeded = False

    def stop(self) -> bool:
        """Store the outcome if the rule holds, take it back if it no longer does; whether the study has stopped.

        Only while a point waits: without one the search itself says how it ends.
        """
        if self._succeeded:
            return False
        outcome, changed = self._judged()
        if changed:
            with self._ledger.planning():  # again, with the study's row held: another worker may have changed it
                outcome, changed = self._judged()
                if changed:
                    kind = None if outcome is None else EndKind.ALIKE
                    set_outcome(self._ledger.session, self._ledger.study_id, outcome, kind)
        return outcome is not None

    def _judged(self) -> tuple[str | None, bool]:
        """The outcome by the rule, and whether the stored one has to change."""
        found = Reader(self._ledger.session).first_failures(self._ledger.study_id)
        self._succeeded = found.succeeded
        goes_on = found.succeeded or found.keep_going or not found.waiting
        outcome = None if goes_on else failed_alike(found.reasons)
        stopped = found.outcome_kind is EndKind.ALIKE
        return outcome, (outcome is not None and outcome != found.outcome) or (outcome is None and stopped)


class KeptMetrics:
    """Metrics of trials that lacked the score's name: once that is corrected, they are the results of their points."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        kept = Reader(ledger.session).kept_trials(ledger.study_id)
        self._kept: dict[str, KeptTrial] = {each.hash: each for each in kept}

    def settle(self, claim: Claim, required: Requirements) -> str | None:
        """Complete a claimed trial with the metrics of an earlier one: a line for people, or None if it has to run."""
        kept = self._kept.get(claim.hash)
        if kept is None or kept.number == claim.number or required.best is not None:
            return None
        judged = judge(Outcome(Kind.COMPLETED, kept.metrics), required)
        if judged.kind is not Kind.COMPLETED:
            return None
        end = End(Kind.COMPLETED.value, f"with the metrics of trial {kept.number}, attempt {kept.attempt}")
        self._ledger.finish_trial(claim, "COMPLETE", end, required.values(judged.metrics), judged.metrics, None)
        return f"{trial_name(claim.number, claim.role, claim.seed)}: COMPLETE {end.message}: not run again"
