"""Score against a cost over all settings, with the Pareto front."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from studies.figures.labels import shortened
from studies.figures.picture import Axis, Line, Mark, Picture, Points
from studies.figures.placing import spaced
from studies.figures.scales import wide
from studies.figures.thinning import thinned

MAX_DOMINATED = 2000
"""Dominated settings that are drawn; of more, evenly spaced ones."""


@dataclass(frozen=True)
class Scored:
    """One setting, or one trial."""

    study: str
    label: str
    cost: float
    score: float

    @property
    def short(self) -> str:
        return shortened(self.label, 28)


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
    caption = (
        f"{len(best)} of {len(known)} settings have the best {score} for their {cost}: the dashed front. A dot is a"
    )
    caption += " setting's mean over its seeds."
    caption += f" {left_out} without a number for one of the two are not shown." if left_out else ""
    log = wide([trial.cost for trial in known])
    marks: list[Mark] = []
    for study in dict.fromkeys(trial.study for trial in known):
        behind = [trial for trial in known if trial.study == study and id(trial) not in ahead]
        behind, cut = thinned(behind, MAX_DOMINATED)
        caption += cut
        if behind:
            marks.append(_points(study, behind, faint=True))
    marks.append(Line("front", [each.cost for each in best], [each.score for each in best], dashed=True))
    shown = spaced([each.cost for each in best], [each.score for each in best], [each.short for each in best], log)
    named = dict(zip(map(id, best), shown, strict=True))
    for study in dict.fromkeys(trial.study for trial in best):
        own = [trial for trial in best if trial.study == study]
        marks.append(_points(study, own, labels=[named[id(each)] for each in own]))
    y = Axis(score, log=wide([trial.score for trial in known]))
    return Picture(key, title, Axis(cost, log=log), y, marks, caption)


def _points(study: str, trials: Sequence[Scored], faint: bool = False, labels: Sequence[str] = ()) -> Points:
    x, y = [each.cost for each in trials], [each.score for each in trials]
    return Points(study, x, y, faint=faint, labels=labels, hover=[each.label for each in trials])


def _finite(trials: Sequence[Scored]) -> list[Scored]:
    return [trial for trial in trials if math.isfinite(trial.cost) and math.isfinite(trial.score)]
