"""One round of a growth: measure the baseline, compare every candidate with it, and race those that are tied.

A race gives tied leaders one more seed at a time, until the seeds tell them apart or `racing.max_repeats` is reached.
A candidate that the seeds once told from the leader stays out of the race (as in F-Race, Birattari et al. 2002): with
fewer seeds than the others it could not be compared again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from samplers.searches.growth.candidates import Candidate, baseline_role, candidate_role, candidates, points_of
from samplers.searches.growth.comparison import Comparison, Measurement, Scoring, tied_leaders
from samplers.searches.growth.settings import GrowthSettings
from samplers.searches.plan import Config, Done, Need, Point, Results
from storage.records import EndKind


@dataclass(frozen=True)
class Ranking:
    """What a round found."""

    baseline: Measurement
    comparisons: Sequence[Comparison]
    """All candidates, in the order of the definition."""
    finalists: Sequence[Comparison]
    """The candidates among which the round's choice is made: those still in the race."""
    tied: Sequence[Comparison]


@dataclass(frozen=True)
class CandidateProgress:
    """A candidate, or the baseline, of a round that still runs."""

    candidate: Candidate | None
    """None: the baseline."""
    points: Sequence[Point]
    """One a seed, up to the last that a race may add."""
    measurement: Measurement
    """Of the points that have finished."""
    comparison: Comparison | None
    """Over the seeds that have finished for the baseline too; None while there are none."""


@dataclass(frozen=True)
class Round:
    """The round of one step: its baseline, and the results so far."""

    step: int
    config: Config
    """The baseline."""
    settings: GrowthSettings
    scoring: Scoring
    results: Results

    @cached_property
    def candidates(self) -> list[Candidate]:
        return list(candidates(self.config, self.settings))

    def ranking(self) -> Need | Done | Ranking:
        """The next points that the round needs, or its ranking; Done if the baseline cannot be measured.

        With two repeats, candidates a, b and c, and `max_repeats` 4, a round may go:

            seeds of a, b, c    tied     next
            2, 2, 2             a, b     a third seed for a, b and the baseline; c is out of the race
            3, 3, 2             a, b     a fourth
            4, 4, 2             a, b     the limit: the better of a and b is chosen, both are marked as tied
        """
        repeats = [self.settings.repeats] * len(self.candidates)
        racing = set(range(len(self.candidates)))
        while True:
            baseline = self._measured_baseline(max([self.settings.repeats, *repeats]))
            if not isinstance(baseline, Measurement):
                return baseline
            comparisons = self._comparisons(baseline, repeats)
            if isinstance(comparisons, Need):
                return comparisons
            tied = tied_leaders([comparisons[index] for index in sorted(racing)])
            limit = self.settings.max_repeats or 0
            to_repeat = {index for index in racing if comparisons[index] in tied and repeats[index] < limit}
            if not to_repeat:
                finalists = [comparisons[index] for index in sorted(racing) if comparisons[index].eligible]
                return Ranking(baseline, comparisons, finalists or comparisons, tied)
            racing = to_repeat
            repeats = [count + (index in racing) for index, count in enumerate(repeats)]

    def _measured_baseline(self, repeats: int) -> Need | Done | Measurement:
        points = points_of(self.config, repeats, baseline_role(self.step), self.settings)
        missing = [point for point in points if point.hash not in self.results]
        if missing:
            return Need(tuple(missing), f"round {self.step}: the baseline, {len(missing)} trials")
        baseline = self._measurement(self.config, points)
        if baseline.reason is not None:
            return Done(f"the baseline cannot be measured: {baseline.reason}", EndKind.FAILED)
        return baseline

    def _comparisons(self, baseline: Measurement, repeats: Sequence[int]) -> Need | list[Comparison]:
        """Every candidate with its number of repeats, or the points that are missing, each once."""
        missing: dict[str, Point] = {}
        comparisons = []
        for candidate, count in zip(self.candidates, repeats, strict=True):
            points = points_of(candidate.config, count, candidate_role(candidate, self.step), self.settings)
            unfinished = [point for point in points if point.hash not in self.results]
            for point in unfinished:
                missing.setdefault(point.hash, point)
            if not unfinished:
                measurement = self._measurement(candidate.config, points)
                comparisons.append(self.scoring.compare(candidate, measurement, baseline))
        if missing:
            why = f"round {self.step}: {len(self.candidates)} candidates, {len(missing)} trials"
            return Need(tuple(missing.values()), why)
        return comparisons

    def progress(self) -> list[CandidateProgress]:
        """How far the round has come, the baseline first."""
        repeats = max(self.settings.repeats, self.settings.max_repeats or 0)
        role = {"step": self.step}
        baseline = points_of(self.config, repeats, role, self.settings)
        progress = [CandidateProgress(None, baseline, self._measurement(self.config, self._finished(baseline)), None)]
        for candidate in self.candidates:
            points = points_of(candidate.config, repeats, role, self.settings)
            measurement = self._measurement(candidate.config, self._finished(points))
            comparison = self._partial_comparison(candidate, points, baseline)
            progress.append(CandidateProgress(candidate, points, measurement, comparison))
        return progress

    def _partial_comparison(
        self, candidate: Candidate, points: Sequence[Point], baseline: Sequence[Point]
    ) -> Comparison | None:
        """Over the seeds that have finished for both."""
        finished = [
            (point, reference)
            for point, reference in zip(points, baseline, strict=True)
            if point.hash in self.results and reference.hash in self.results
        ]
        reference = self._measurement(self.config, [reference for _, reference in finished])
        if not finished or reference.reason is not None:
            return None
        measurement = self._measurement(candidate.config, [point for point, _ in finished])
        return self.scoring.compare(candidate, measurement, reference)

    def _finished(self, points: Sequence[Point]) -> list[Point]:
        return [point for point in points if point.hash in self.results]

    def _measurement(self, config: Config, points: Sequence[Point]) -> Measurement:
        return self.scoring.measure(config, [self.results[point.hash] for point in points])
