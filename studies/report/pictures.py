"""The figures of a report: at most six that answer the study's question, and those behind them.

Nothing is drawn that another figure shows, nothing of fewer settings than make a curve, and no law that is none.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from studies.comparison.matching import differences
from studies.figures.labels import slug
from studies.figures.paired import paired
from studies.figures.pareto import Scored, front, pareto
from studies.figures.picture import Picture
from studies.figures.series import Run, series
from studies.figures.study import further_pictures
from studies.report.facts import AXES, Facts
from studies.report.importance import importance_pictures
from studies.report.laws import Fitted
from studies.results.hindsight import hindsight

MAX_MAIN = 6
"""Figures that stand before `more`."""
MIN_SETTINGS = 5
"""Settings below which a front is a sentence."""


def chosen_pictures(facts: Facts, fits: Sequence[Fitted]) -> tuple[list[Picture], list[Picture]]:
    """The figures that answer the question, and those behind them."""
    laws = [fit.picture for fit in fits if fit.verdict.is_law]
    curves, importance = list(_series([facts])), list(importance_pictures(facts))
    of_score = [each for each in laws if each.key.startswith("law-")][:1]
    first, further = _most_important_first(facts, facts.pictures(), further_pictures(facts.study, facts.shown))
    first[1:1] = importance[:1]  # beside the history: which axes matter
    wanted = [*first, *of_score, *curves[:1]]
    taken = {id(each) for each in wanted[:MAX_MAIN]}
    behind = [*wanted, *importance, *further, *laws, *_fronts(facts), *curves]
    more = {id(each): each for each in behind if id(each) not in taken}
    return wanted[:MAX_MAIN], list(more.values())


def _most_important_first(
    facts: Facts, first: Sequence[Picture], further: Sequence[Picture]
) -> tuple[list[Picture], list[Picture]]:
    """A tune's axes against its score: those of the largest share stand in front."""
    found = next(iter(facts.importance.values()), None)
    shares = {} if found is None else next(iter(found.by_method.values()))
    places = {f"tune-slice-{slug(name)}": place for place, name in enumerate(shares)}
    slices = sorted((each for each in (*first, *further) if each.key in places), key=lambda each: places[each.key])
    left = iter(slices)
    front = [next(left) if each.key in places else each for each in first]
    return front, [next(left) if each.key in places else each for each in further]


def _fronts(facts: Facts) -> list[Picture]:
    """A growth's path has the front in its own cost already."""
    own = f"front-{slug(str(facts.study.cost))}"
    if facts.study.search in ("depth", "fit"):
        return []
    grown = facts.study.search == "grow" and hindsight(facts.decisions, facts.study.direction) is not None
    return [each for each in fronts([facts]) if not (grown and each.key == own)]


def _series(studies: Sequence[Facts]) -> Iterator[Picture]:
    """What trials reported as they went, over each axis that does not repeat an earlier one."""
    metric = studies[0].reported
    if metric is None:
        return
    drawn: list[Sequence[Run]] = []
    for axis in AXES:
        if len(studies) == 1:
            runs = studies[0].runs(metric, axis)
        else:
            runs = [
                run
                for facts in studies
                if facts.groups
                for run in facts.runs(metric, axis, only=facts.groups[-1][0], name=facts.study.name)
            ]
        runs = [run for run in runs if sum(map(math.isfinite, run.x)) > 1]
        if not runs or any(_proportional(runs, each) for each in drawn):
            continue
        drawn.append(runs)
        names = ", ".join(studies[0].axes)
        best = f": the best settings ({names})" if names else ""
        which = ": the best of each study" if len(studies) > 1 else best
        title = f"{metric} by {axis}{which}"
        yield series(runs, f"series-{axis}", title, axis, metric)


def _proportional(runs: Sequence[Run], others: Sequence[Run]) -> bool:
    """Whether the x of all runs are those of the others times one factor: their curves look the same."""
    if [len(run.x) for run in runs] != [len(run.x) for run in others]:
        return False
    pairs = [pair for run, other in zip(runs, others, strict=True) for pair in zip(run.x, other.x, strict=True)]
    factors = [x / other for x, other in pairs if other]
    return bool(factors) and max(factors) - min(factors) <= 1e-9 * abs(max(factors, key=abs))


def fronts(studies: Sequence[Facts]) -> Iterator[Picture]:
    """Score against each cost that all studies have and that does not order their settings as an earlier one does."""
    first, score = studies[0], studies[0].study.score
    orders: list[list[int]] = []
    for cost in first.costs:
        if not all(cost in each.costs for each in studies):
            continue
        settings = [
            Scored(each.study.name, place.label, place.metrics.get(cost, math.nan), place.score)
            for each in studies
            for place in each.measured
        ]
        known = [each for each in settings if math.isfinite(each.cost) and math.isfinite(each.score)]
        order = _order([each.cost for each in known])
        if order in orders or len(known) < MIN_SETTINGS:
            continue
        orders.append(order)
        larger = first.study.direction == "maximize"
        if len(front(known, larger)) > 1:
            yield pareto(settings, larger, f"front-{slug(cost)}", f"{score} against {cost}: the front", cost, score)


def _order(values: Sequence[float]) -> list[int]:
    places = {value: place for place, value in enumerate(sorted(set(values)))}
    return [places[value] for value in values]


def across(studies: Sequence[Facts]) -> list[Picture]:
    """Comparisons of the studies that have the first one's score."""
    score = [(each.study.score, each.study.direction) for each in studies]
    same = [each for each, own in zip(studies, score, strict=True) if own == score[0]]
    if len(same) < 2:
        return []
    first, pairs = same[0], []
    for number, other in enumerate(same[1:], 1):
        found = differences(first.outcomes(), other.outcomes())
        pairs.append(paired(found, f"paired-{number}", first.study.name, other.study.name, other.study.score))
    return [*pairs, *_series(same), *fronts(same)]
