"""How much each axis of a tune matters, as figures."""

from __future__ import annotations

from collections.abc import Iterator

from studies.figures.labels import labels
from studies.figures.picture import Axis, Bars, Picture
from studies.report.facts import Facts
from studies.results.tune import METHODS, importance_of, importance_text


def importance_pictures(facts: Facts) -> Iterator[Picture]:
    """A figure for each score of a tune study that has enough settings."""
    places = [score.metric for score in facts.study.scores]
    for metric, methods in importance_of(facts.study, facts.decisions).items():
        bars = [Bars(METHODS[method][0], labels([*each]), [*each.values()]) for method, each in methods.items()]
        key = "tune-importance" if len(places) == 1 else f"tune-importance-{places.index(metric)}"
        title = f"importance of each axis for {metric}"
        yield Picture(key, title, Axis(""), Axis("share", percent=True), bars, importance_text(methods))
