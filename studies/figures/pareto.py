"""Score against a cost over all trials, with the Pareto front."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from studies.figures.labels import shortened
from studies.figures.picture import Axis, Line, Mark, Picture, Points
from studies.figures.thinning import thinned, wide

LABEL_SPACING = 0.15
"""Share of an axis within which one label is enough."""
MAX_DOMINATED = 2000
"""Dominated trials that are drawn; of more, evenly spaced ones."""


@dataclass(frozen=True)
class Scored:
    """One finished trial."""

    study: str
    label: str
    cost: float
    score: float


def front(trials: Sequence[Scored], maximize: bool) -> list[Scored]:
    """The Pareto front, the cheapest trial first: no other trial is as cheap and as good, and better in one of them."""
    sign = -1.0 if maximize else 1.0
    best, kept = math.inf, []
    for trial in sorted(_finite(trials), key=lambda each: (each.cost, sign * each.score)):
        if sign * trial.score < best:
            best = sign * trial.score
            kept.append(trial)
    return kept


def pareto(trials: Sequence[Scored], maximize: bool, key: str, title: str, cost: str, score: str) -> Picture:
    """The front marked and named, the others faint, a colour a study."""
    known = _finite(trials)
    best = front(known, maximize)
    ahead = {id(trial) for trial in best}
    left_out = len(trials) - len(known)
    caption = f"Pareto front in {cost} and {score}: {len(best)} of {len(known)} trials; each trial is one seed."
    caption += f" {left_out} trials without a number for one of them are not shown." if left_out else ""
    marks: list[Mark] = []
    for study in dict.fromkeys(trial.study for trial in known):
        behind = [trial for trial in known if trial.study == study and id(trial) not in ahead]
        behind, cut = thinned(behind, MAX_DOMINATED)
        caption += cut
        if behind:
            marks.append(Points(study, [each.cost for each in behind], [each.score for each in behind], faint=True))
    marks.append(Line("front", [each.cost for each in best], [each.score for each in best], dashed=True))
    for study in dict.fromkeys(trial.study for trial in best):
        own = [trial for trial in best if trial.study == study]
        x, y = [each.cost for each in own], [each.score for each in own]
        marks.append(Points(study, x, y, labels=_labels(own, known)))
    return Picture(key, title, Axis(cost, log=wide([trial.cost for trial in known])), Axis(score), marks, caption)


def _labels(own: Sequence[Scored], known: Sequence[Scored]) -> list[str]:
    """Labels of trials that stand apart; of a crowd only the last one's, which scores best."""
    width, height = (
        max(values) - min(values) for values in ([each.cost for each in known], [each.score for each in known])
    )
    made: list[str] = []
    following: Scored | None = None
    for trial in reversed(own):
        crowded = (
            following is not None
            and abs(following.cost - trial.cost) < LABEL_SPACING * width
            and abs(following.score - trial.score) < LABEL_SPACING * height
        )
        made.append("" if crowded else shortened(trial.label, 24))
        following = following if crowded else trial
    return made[::-1]


def _finite(trials: Sequence[Scored]) -> list[Scored]:
    return [trial for trial in trials if math.isfinite(trial.cost) and math.isfinite(trial.score)]
