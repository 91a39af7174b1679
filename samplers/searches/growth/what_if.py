"""The choice that each recorded round would have made with another cost, or with its first seeds only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from samplers.searches.noise import mean
from storage.errors import UsageError, nearest


@dataclass(frozen=True)
class OtherTerms:
    """What is judged otherwise than it was."""

    cost: str | None = None
    """A metric of the trials; None: the study's cost."""
    seeds: int | None = None
    """Only so many of each candidate's seeds, the first ones; None: all."""
    direction: str = "maximize"


@dataclass(frozen=True)
class RejudgedCandidate:
    """A candidate of a recorded round, under other terms."""

    candidate: Mapping[str, Any]
    gain: float
    added: float

    @property
    def rank(self) -> tuple[float, ...]:
        """Sort key, as in comparison.py: the best candidate has the smallest. Free gains first, then gain per cost."""
        return (0, -self.gain, self.added) if self.added <= 0 else (1, -self.gain / self.added, self.added)

    @property
    def choice(self) -> dict[str, Any]:
        """Of a new layer also which one it copies: `dup`."""
        copied = {} if self.candidate.get("dup") is None else {"dup": self.candidate["dup"]}
        return {"param": self.candidate["param"], "value": self.candidate["value"], **copied}

    def gain_text(self, cost: str) -> str:
        copied = "" if self.candidate.get("dup") is None else f" (layer {self.candidate['dup']} again)"
        name = f"{self.candidate['param']} → {self.candidate['value']}{copied}"
        if self.gain <= 0:
            return f"{name} gains nothing"
        worth = "free" if self.added <= 0 else f"{self.gain / self.added:.4g} each"
        return f"{name} gains {self.gain:.4g} for {self.added:.4g} {cost} ({worth})"


def what_if(records: Sequence[Mapping[str, Any]], terms: OtherTerms) -> list[dict[str, Any]]:
    """Each round's choice under other terms, and why it differs.

    Every round is ranked as it was run: from the baseline that the real choices led to.

    Raises:
        UsageError: The trials have no such metric, or no round has so many seeds.
    """
    rounds = [each for each in records if each["baseline"] is not None and each["candidates"]]
    _check_seeds(rounds, terms.seeds)
    answers = []
    for record in rounds:
        baseline = record["baseline"]["seeds"]
        known = set.intersection(*(set(each["metrics"]) for each in baseline))
        if terms.cost is not None and terms.cost not in known:
            raise UsageError(f"--cost: the trials have no metric {terms.cost!r}{nearest(terms.cost, sorted(known))}")
        rejudged = [_rejudged(each, baseline, terms) for each in record["candidates"] if _is_known(each, terms)]
        best = min((each for each in rejudged if each.gain > 0), key=lambda each: each.rank, default=None)
        was = next((each for each in rejudged if each.candidate["chosen"]), None)
        same = best is was
        texts = [each.gain_text(terms.cost or "cost") for each in (best, was) if each is not None]
        answers.append(
            {
                "round": record["round"],
                "was": record["chosen"] if was is None else was.choice,
                "would_be": None if best is None else best.choice,
                "same": same,
                "why": None if same or not texts else ", ".join(texts),
            }
        )
    return answers


def trainings(records: Sequence[Mapping[str, Any]], seeds: int | None = None) -> int:
    """How many trials the rounds used, with the first `seeds` seeds of each configuration or with all."""
    rows = [row for each in records if each["baseline"] for row in (each["baseline"], *each["candidates"])]
    return len({seed["trial"] for row in rows for seed in row["seeds"][:seeds]})


def _check_seeds(rounds: Sequence[Mapping[str, Any]], seeds: int | None) -> None:
    most = max((len(each["baseline"]["seeds"]) for each in rounds), default=0)
    if seeds is not None and not 1 <= seeds <= most:
        allowed = f"1 to {most} can be looked at" if most else "the study has no round yet"
        raise UsageError(f"--seeds: {seeds} seeds; {allowed}")


def _is_known(candidate: Mapping[str, Any], terms: OtherTerms) -> bool:
    """Whether the candidate has a gain, and its trials the cost."""
    costs = terms.cost is None or all(terms.cost in seed["metrics"] for seed in candidate["seeds"])
    return candidate["gain"] is not None and costs


def _rejudged(
    candidate: Mapping[str, Any], baseline: Sequence[Mapping[str, Any]], terms: OtherTerms
) -> RejudgedCandidate:
    pairs = list(zip(candidate["seeds"][: terms.seeds], baseline, strict=False))
    sign, gain = (1.0 if terms.direction == "maximize" else -1.0), candidate["gain"]
    if terms.seeds is not None:
        gain = mean(sign * (mine["score"] - theirs["score"]) for mine, theirs in pairs)
    return RejudgedCandidate(candidate, gain, mean(_cost(mine, terms) - _cost(theirs, terms) for mine, theirs in pairs))


def _cost(seed: Mapping[str, Any], terms: OtherTerms) -> float:
    value: float = seed["cost"] if terms.cost is None else seed["metrics"][terms.cost]
    return value
