"""How much each axis of a tune matters, as figures."""

from __future__ import annotations

import math
from collections.abc import Iterator

from studies.figures.labels import labels
from studies.figures.picture import Axis, Bars, Picture
from studies.figures.settings import MAX_ROWS
from studies.report.facts import Facts
from studies.settings.importance import NAMES, importance_text, most_text


def importance_pictures(facts: Facts) -> Iterator[Picture]:
    """A figure for each score of a tune study that has enough settings."""
    places = [score.metric for score in facts.study.scores]
    for metric, found in facts.importance.items():
        methods = found.by_method
        order = list(dict.fromkeys(name for each in methods.values() for name in each))[:MAX_ROWS]
        names = dict(zip(order, labels(order), strict=True))
        bars = [
            Bars(NAMES[method], [names[name] for name in order], [each.get(name, math.nan) for name in order])
            for method, each in methods.items()
        ]
        key = "tune-importance" if len(places) == 1 else f"tune-importance-{places.index(metric)}"
        title = f"How much each axis matters for {metric}"
        caption = f"{most_text(found)} {importance_text(found)}"
        axes = (Axis("", ticks=[*names.values()]), Axis("share", percent=True))
        yield Picture(key, title, *axes, bars, caption, lies=True)
