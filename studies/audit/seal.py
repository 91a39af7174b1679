"""The seal of a study: a short text that fits into a paper, and that names exactly what its storage holds."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from storage.digests import digest_of
from storage.errors import UsageError
from studies.audit.evidence import Evidence
from studies.audit.states import OVER
from studies.history.trials import taken

SEAL = re.compile(r"studyhall-seal:1:(?P<name>.+):(?P<accepted>\d+):(?P<decisions>\d+):(?P<digest>[A-Z2-7]{52})")


@dataclass(frozen=True)
class Seal:
    """What a study holds, in one line."""

    name: str
    """For people: a study that was renamed keeps its digest."""
    accepted: int
    decisions: int
    digest: str
    """SHA-256 in base32, without padding."""

    @property
    def text(self) -> str:
        return f"studyhall-seal:1:{self.name}:{self.accepted}:{self.decisions}:{self.digest}"

    @staticmethod
    def parse(text: str) -> Seal:
        """Read a seal as `audit` printed it.

        Raises:
            UsageError: It is none.
        """
        found = SEAL.fullmatch(text.strip().removeprefix("seal: "))
        if found is None:
            raise UsageError(f"--seal: {text!r} is no seal; `audit` prints one: studyhall-seal:1:NAME:…")
        return Seal(found["name"], int(found["accepted"]), int(found["decisions"]), found["digest"])

    def difference(self, now: Seal) -> str | None:
        """Why a study with the seal `now` is not what this one was taken of; None if it is."""
        if self.digest == now.digest and (self.accepted, self.decisions) == (now.accepted, now.decisions):
            return None
        then, here = ((each.accepted, each.decisions) for each in (self, now))
        counts = f"it was taken of {then[0]} results and {then[1]} decisions, and here are {here[0]} and {here[1]}"
        if self.name != now.name:
            return f"it is of study {self.name!r}, or of what {now.name!r} was: {counts}"
        if then != here:
            return counts
        return f"{counts}, but not the same ones, or other points are planned"


def seal_of(evidence: Evidence) -> Seal:
    """The seal of a study as it stands: its accepted part, with the points that are not finished.

    What it is taken over is named without ids, and without times: a study keeps its seal when it is moved, or backed up
    and restored.
    """
    numbers = {row.trial_id: row.number for row in evidence.points}
    points = [
        [
            row.number,
            row.digest,
            row.hash,
            row.round,
            row.retired,
            None if row.retry_of is None else numbers.get(row.retry_of),
            [row.state, row.reason, None if row.failure is None else row.failure.value] if row.state in OVER else None,
        ]
        for row in evidence.points
    ]
    ended = {row.number for row in evidence.points if row.state in OVER}
    results = [
        [row.number, row.attempt, row.outcome, row.accepted, row.digest]
        for row in sorted(evidence.attempts, key=lambda row: (row.number, row.attempt))
        if row.number in ended
    ]
    others = [[row.number, row.state if row.state in OVER else None] for row in evidence.others]
    shown = [[row.number, row.state, row.digest] for row in evidence.shown]
    digests = evidence.digests
    of = [digests.key, digests.digest, digests.head, digests.upgraded, *filter(None, [digests.copy_of])]
    whole = digest_of("seal", *of, points, results, others, shown)
    return Seal(
        evidence.study.name,
        sum(row.state in ("COMPLETE", "PRUNED") and not taken(row) for row in evidence.points),
        len(evidence.decisions),
        base64.b32encode(bytes.fromhex(whole)).decode().rstrip("="),
    )
