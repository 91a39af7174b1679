"""How much each axis of a tune matters to each score, by two methods that do not always agree."""

from __future__ import annotations

from collections.abc import Iterator

from samplers.searches.tune.importance import importances
from samplers.searches.tune.tune import Tune
from studies.definition.searches import search_in_force
from studies.figures.labels import labels
from studies.figures.picture import Axis, Bars, Picture
from studies.history.recall import recalled
from studies.report.facts import Facts

METHODS = {
    "ped_anova": ("PED-ANOVA", "PED-ANOVA asks what sets the best settings apart"),
    "fanova": ("fANOVA", "fANOVA what moves the score among all settings"),
}
"""The name of each method, and what it asks."""


def importance_pictures(facts: Facts) -> Iterator[Picture]:
    """A figure for each score of a tune study that has enough settings."""
    if facts.study.search != "tune":
        return
    search = recalled(search_in_force(facts.study), facts.decisions)
    if not isinstance(search, Tune) or search.recalled is None:
        return
    scores = facts.study.scores
    for place, score in enumerate(scores):
        found = importances(search.recalled, place, score.direction)
        bars = [Bars(METHODS[method][0], labels([*each]), [*each.values()]) for method, each in found.items()]
        if bars:
            asked = ", ".join(METHODS[method][1] for method in found)
            caption = f"Shares of the axes over the ranges in use, as Optuna computes them. {asked}."
            key = "tune-importance" if len(scores) == 1 else f"tune-importance-{place}"
            title = f"importance of each axis for {score.metric}"
            yield Picture(key, title, Axis(""), Axis("share", percent=True), bars, caption)
