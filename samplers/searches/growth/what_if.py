"""The choice that each recorded round would have made with another metric of its trials as the cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from samplers.searches.noise import mean
from storage.errors import UsageError, nearest


@dataclass(frozen=True)
class RepricedCandidate:
    """A candidate of a recorded round with its added cost in the other metric."""

    candidate: Mapping[str, Any]
    gain: float
    added: float

    @property
    def rank(self) -> tuple[float, ...]:
        """Sort key, as in comparison.py: the best candidate has the smallest. Free gains first, then gain per cost."""
        return (0, -self.gain, self.added) if self.added <= 0 else (1, -self.gain / self.added, self.added)

    @property
    def choice(self) -> dict[str, Any]:
        return {"param": self.candidate["param"], "value": self.candidate["value"]}

    def gain_text(self, cost: str) -> str:
        worth = "free" if self.added <= 0 else f"{self.gain / self.added:.4g} each"
        return (
            f"{self.candidate['param']} → {self.candidate['value']} gains {self.gain:.4g} for {self.added:.4g} {cost} "
            f"({worth})"
        )


def what_if(records: Sequence[Mapping[str, Any]], cost: str) -> list[dict[str, Any]]:
    """Each round's choice with the other cost, and why it differs.

    Every round is ranked as it was run: from the baseline that the real choices led to.

    Raises:
        UsageError: The trials have no such metric.
    """
    rounds = []
    for record in records:
        if record["baseline"] is None or not record["candidates"]:
            continue
        baseline = record["baseline"]["seeds"]
        known = set(baseline[0]["metrics"])
        if cost not in known:
            raise UsageError(f"--cost: the trials have no metric {cost!r}{nearest(cost, sorted(known))}")
        repriced = [_repriced(each, baseline, cost) for each in record["candidates"] if each["eligible"]]
        best = min(repriced, key=lambda each: each.rank, default=None)
        was = next((each for each in repriced if each.candidate["chosen"]), None)
        same = best is was or (best is not None and was is not None and best.choice == was.choice)
        rounds.append(
            {
                "round": record["round"],
                "was": record["chosen"],
                "would_be": None if best is None else best.choice,
                "same": same,
                "why": None
                if same or best is None or was is None
                else f"{best.gain_text(cost)}, {was.gain_text(cost)}",
            }
        )
    return rounds


def _repriced(candidate: Mapping[str, Any], baseline: Sequence[Mapping[str, Any]], cost: str) -> RepricedCandidate:
    pairs = zip(candidate["seeds"], baseline, strict=False)
    added = mean(mine["metrics"][cost] - theirs["metrics"][cost] for mine, theirs in pairs)
    return RepricedCandidate(candidate, candidate["gain"], added)
