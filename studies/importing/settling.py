"""How a result that was made elsewhere gets into the ledger: its point is planned as ever, claimed, and ended with it.

The verbs are the worker's own. So a result is accepted once, a kill leaves nothing half, and a worker that runs the
study meanwhile is not in the way. What a result was imported from stands in place of the version of the user's code:
it is part of the result's digest, the certificate names it, and `redo --code` sets it aside.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field

from objectives.outcome import Kind
from objectives.process.warm import WarmServer
from samplers.searches.plan import Done
from storage.home import user_name
from storage.ledger import Claim, End, Known, Ledger, Verdict
from storage.reader import Reader
from storage.records import IMPORTED_SLOT, StudyRow
from storage.session import Session
from storage.shown import shown_value
from storage.studies import NewWorker, keep_code, sign_in, sign_out
from studies.definition.code_version import versions
from studies.definition.searches import search_in_force
from studies.definition.user_code import imported_details, version_of
from studies.importing.matching import Result
from studies.planning.planner import Refusals, plan


def refusals_of(warm: WarmServer) -> Refusals:
    """Why the objective refuses configurations, as a worker asks it."""
    return lambda configs: [inspection.refusal for inspection in warm.inspect(configs)]


@dataclass
class Settled:
    """What became of results."""

    imported: int = 0
    known: int = 0
    """The same had been imported before."""
    left: list[str] = field(default_factory=list)
    """A line for each that was not imported, and why."""


class Settling:
    """The way into one study's ledger, for the length of an import."""

    def __init__(self, session: Session, study: StudyRow, source: str, digest: str, refusals: Refusals) -> None:
        """Sign in like a worker, since the points are claimed like a worker's.

        Args:
            session: One that nothing else uses meanwhile.
            study: The study.
            source: The name of what is imported.
            digest: SHA-256 of it.
            refusals: Why the objective refuses configurations.
        """
        self.session, self.study, self.refusals = session, study, refusals
        self.ledger = Ledger(session, study.study_id)
        details = imported_details(source, digest)
        self.version = version_of(details)
        keep_code(session, study.study_id, self.version, details)
        worker = NewWorker(socket.gethostname(), os.getpid(), user_name(), [IMPORTED_SLOT], versions())
        self.worker_id = sign_in(session, study.study_id, worker)
        self.settled = Settled()

    def __enter__(self) -> Settling:
        return self

    def __exit__(self, *_: object) -> None:
        """Sign out; a lost session has done that."""
        if not self.session.closed:
            sign_out(self.session, self.worker_id)

    def settle(self, results: Mapping[str, Result]) -> None:
        """Give these points their results, planning as far as their search asks for them."""
        left = dict(results)
        while True:
            before = len(left)
            with self.session.transaction():
                left = self.end_waiting(left)
            if not left or not (len(left) < before or self._plans_more(left)):
                break
        self.name_left(left)

    def end_waiting(self, results: Mapping[str, Result]) -> dict[str, Result]:
        """End those of these points that wait, inside a transaction; returns the others."""
        waiting = [each for each in self.ledger.results([*results]).values() if each.state == "WAITING"]
        ended = {each.hash for each in waiting if self._end(each, results[each.hash])}
        self.settled.imported += len(ended)
        return {hash_: result for hash_, result in results.items() if hash_ not in ended}

    def name_left(self, left: Mapping[str, Result]) -> None:
        """Say why results were not imported."""
        known = self.ledger.results([*left])
        for hash_, result in left.items():
            self._name(known.get(hash_), result)

    def advance(self) -> Done | None:
        """Take the decisions that can be taken, unless points still wait or run for the next one."""
        points = self.ledger.open_points()
        if points.waiting or points.current:
            return None
        step = plan(self.ledger, search_in_force(self.study), self.refusals, versions()["studyhall"])
        return step if isinstance(step, Done) else None

    def _plans_more(self, left: Mapping[str, Result]) -> bool:
        """Plan further, if some of the points are not planned yet; whether anything was."""
        if len(self.ledger.results([*left])) == len(left):
            return False
        before = Reader(self.session).extent(self.study.study_id)
        plan(self.ledger, search_in_force(self.study), self.refusals, versions()["studyhall"])
        return Reader(self.session).extent(self.study.study_id) != before

    def _end(self, known: Known, result: Result) -> bool:
        """Claim a point and end it with a result; False: it cannot be claimed."""
        claim = self.ledger.claim_trial(self.worker_id, IMPORTED_SLOT, True, known.number, self.version)
        return claim is not None and self._accept(claim, result)

    def _accept(self, claim: Claim, result: Result) -> bool:
        study = self.study
        shown = [shown_value(study.search, study.origin, result.metrics[each.metric]) for each in study.scores]
        end = End(Kind.COMPLETED.value, f"imported: {result.where}")
        return self.ledger.finish_trial(claim, "COMPLETE", end, shown, result.metrics, None) is Verdict.ACCEPTED

    def _name(self, known: Known | None, result: Result) -> None:
        """Why a result was not imported."""
        if known is not None and known.state == "COMPLETE" and known.metrics == result.metrics:
            self.settled.known += 1
            return
        why = "its point is not planned: the search does not ask for it now"
        if known is not None:
            why = {
                "COMPLETE": f"trial {known.number} has another result already",
                "WAITING": f"trial {known.number} cannot be claimed now: a budget is used up, or the study stops",
                "RUNNING": f"trial {known.number} runs now",
            }.get(known.state, f"trial {known.number} is {known.state}: {known.reason}")
        self.settled.left.append(f"{result.where.rpartition(', ')[2]}: {why}")
