"""How much each axis of a tune matters, as figures."""

from __future__ import annotations

import math
from collections.abc import Iterator

from studies.figures.labels import labels
from studies.figures.picture import Axis, Bars, Picture
from studies.figures.settings import MAX_ROWS
from studies.report.facts import Facts
from studies.results.tune import METHODS, importance_text


def importance_pictures(facts: Facts) -> Iterator[Picture]:
    """A figure for each score of a tune study that has enough settings."""
    places = [score.metric for score in facts.study.scores]
    for metric, methods in facts.importance.items():
        order = list(dict.fromkeys(name for each in methods.values() for name in each))[:MAX_ROWS]
        names = dict(zip(order, labels(order), strict=True))
        bars = [
            Bars(METHODS[method][0], [names[name] for name in order], [each.get(name, math.nan) for name in order])
            for method, each in methods.items()
        ]
        key = "tune-importance" if len(places) == 1 else f"tune-importance-{places.index(metric)}"
        title = f"How much each axis matters for {metric}"
        most = next(iter(methods.values()))
        caption = f"{order[0]} matters most, with {most[order[0]]:.0%}. {importance_text(methods)}"
        axes = (Axis("", ticks=[*names.values()]), Axis("share", percent=True))
        yield Picture(key, title, *axes, bars, caption, lies=True)
