"""One round of a growth: measure the baseline, compare every candidate with it, and race where the choice is unsure.

With `racing`, candidates get more seeds where a wrong choice would cost most (loss_race.py), up to
`racing.max_repeats`. Growths that version 0.3 began go on under its rule: tied leaders get one more seed at a time,
until a t test tells them apart. There, a candidate that the seeds once told from the leader stays out of the race (as
in F-Race, Birattari et al. 2002).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from samplers.searches.growth.candidates import Candidate, baseline_role, candidate_role, candidates, points_of
from samplers.searches.growth.comparison import Comparison, Measurement, Scoring, tied_leaders
from samplers.searches.growth.loss_race import RULE, Standing, standing
from samplers.searches.growth.settings import GrowthSettings
from samplers.searches.plan import Config, Done, Need, Point, Results
from samplers.searches.plural import counted, listed
from samplers.searches.race.purchases import Allowance, next_count
from samplers.searches.race.residuals import Noise
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
    """Under the rule of version 0.3."""
    standing: Standing | None = None
    """None: a round under the rule of version 0.3."""


@dataclass(frozen=True)
class Race:
    """Where a round stands with the seeds that all have finished, and what it asks for next."""

    baseline: Measurement
    comparisons: Sequence[Comparison]
    standing: Standing
    counts: Sequence[int]
    """Seeds of each candidate, those that it asks for among them."""
    more: Mapping[int, int]
    """The new numbers of seeds; empty: the race is over."""
    missing: Sequence[Point]
    """What it waits for."""


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
    rule: str | None = RULE
    """None: that of version 0.3."""
    earlier: Noise = field(default_factory=Noise)
    """Of the rounds before."""

    @cached_property
    def candidates(self) -> list[Candidate]:
        return list(candidates(self.config, self.settings))

    @cached_property
    def firsts(self) -> list[int]:
        """Of each candidate, the place of the first one with an equal configuration."""
        places: dict[str, int] = {}
        hashes = (Point(candidate.config, self.settings.seed).hash for candidate in self.candidates)
        return [places.setdefault(hash_, place) for place, hash_ in enumerate(hashes)]

    def ranking(self, closed: bool = False) -> Need | Done | Ranking:
        """The next points that the round needs, or its ranking; Done if the baseline cannot be measured. With `closed`
        a race ends with the seeds that all have finished: the ranking as it would be then."""
        if self.rule != RULE:
            return self._ranking_by_t_tests()
        race = self._race()
        if not isinstance(race, Race):
            return race
        if race.missing and not closed:
            return Need(tuple(race.missing), self._why_more(race.missing))
        return Ranking(race.baseline, race.comparisons, race.comparisons, (), race.standing)

    def _why_more(self, missing: Sequence[Point]) -> str:
        """`round 0: 4 more trials, of the baseline, n_head and n_layer: it is unsure which candidate is best`."""
        names = listed(list(dict.fromkeys(str(point.role.get("param", "the baseline")) for point in missing)))
        more = counted(len(missing), "more trial")
        return f"round {self.step}: {more}, of {names}: it is unsure which candidate is best"

    def likely_seeds(self) -> list[Point]:
        """The points that the race will ask for next if those that it waits for change nothing."""
        race = self._race() if self.rule == RULE and self.settings.max_repeats else None
        if not isinstance(race, Race) or not race.missing:
            return []
        further = {place: next_count(race.counts[place], self._allowance.max_seeds) for place in race.more}
        asked = {point.hash for point in race.missing}
        return [each for each in self._bought(self._counts(race.counts, further)) if each.hash not in asked]

    def _race(self) -> Need | Done | Race:
        """With two repeats, candidates a, b and c, and `max_repeats` 16, a round may go:

            seeds of a, b, c    the leader may lose too much to    next
            2, 2, 2             b, c; c's error is small           a third seed for a, b and the baseline
            3, 3, 2             b                                  a fourth
            4, 4, 2             c, whose error matters now         a third seed for c, which the baseline has
            4, 4, 3             none                               the leader is chosen

        Every purchase raises a count by half, up to `max_repeats`, so a race of K candidates ends after at most
        K · (2 + 2 log2 max_repeats) waits; in practice all live candidates are raised at once.
        """
        counts = [self.settings.repeats] * len(self.candidates)
        baseline = self._measured_baseline(self.settings.repeats)
        while isinstance(baseline, Measurement):
            comparisons = self._comparisons(baseline, counts)
            if isinstance(comparisons, Need):
                return comparisons
            stand = standing(comparisons, baseline, self.firsts, self.earlier)
            more = stand.more(self._allowance)
            counts = self._counts(counts, more)
            missing = self._bought(counts) if more else []
            if missing or not more:
                return Race(baseline, comparisons, stand, counts, more, missing)
            baseline = self._measured_baseline(max(counts))
        return baseline

    @property
    def _allowance(self) -> Allowance:
        return Allowance(self.settings.max_repeats or 0, self.settings.within)

    def _counts(self, counts: Sequence[int], more: Mapping[int, int]) -> list[int]:
        """With the new numbers of seeds of some; candidates with equal configurations get the same."""
        return [more.get(first, count) for first, count in zip(self.firsts, counts, strict=True)]

    def _bought(self, counts: Sequence[int]) -> list[Point]:
        """The points of these numbers of seeds that have not finished, each once; the baseline's same seeds first."""
        points = points_of(self.config, max(counts), baseline_role(self.step), self.settings)
        for candidate, count in zip(self.candidates, counts, strict=True):
            points += points_of(candidate.config, count, candidate_role(candidate, self.step), self.settings)
        return list({point.hash: point for point in points if point.hash not in self.results}.values())

    def _ranking_by_t_tests(self) -> Need | Done | Ranking:
        """The rule of version 0.3.

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
            return Need(tuple(missing), f"round {self.step}: the baseline, {counted(len(missing), 'trial')}")
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
            why = f"round {self.step}: {counted(len(self.candidates), 'candidate')}, {counted(len(missing), 'trial')}"
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
