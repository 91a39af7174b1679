"""The best of a study in a few words, as the line of `status` has room for: `val_loss 0.84`, `4 on the front`.

Most studies have it from one statement over all studies (storage/queries/read_achieved.sql). Where that statement does
not know which results count, they are read as `show` reads them, so that the two never disagree.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from samplers.searches.depth.fixed_size import count_in
from samplers.searches.plural import counted
from storage.reader import Reader
from storage.records import Achieved
from storage.session import Session
from studies.definition.units import Units, plain
from studies.results.show import show
from studies.tables.digits import number


@dataclass(frozen=True)
class ShortBest:
    """One study's best."""

    text: str
    """Empty while there is none."""
    metric: str
    mean: float | None

    def to_json(self) -> dict[str, Any]:
        """In `status --json`."""
        return {"metric": self.metric, "mean": None if self.mean is None else plain(self.mean), "text": self.text}


def short_best(session: Session, name: str, found: Achieved) -> ShortBest:
    """Of the study of this name."""
    if found.plain:
        return _of_mean(found, found.best)
    shown = show(session, Reader(session).study(name)).to_json()
    if shown["search"] == "depth":
        return best_depth(shown, found.metric)
    if "front" in shown:
        return best_front(shown, found.metric)
    if shown["search"] == "fit":
        return _of_mean(found, None if shown["best"] is None else shown["best"]["score"])
    if shown["search"] == "grid":
        return _of_mean(found, next((row["mean"] for row in shown["results"] if row["ranked"]), None))
    return _of_mean(found, next((row["mean"] for row in shown["results"] if row["number"] == shown["best"]), None))


def _of_mean(found: Achieved, mean: float | None) -> ShortBest:
    """`val_loss 3.2 nats`."""
    text = "" if mean is None else f"{found.metric} {Units(found.objective).text(found.metric, number(mean))}"
    return ShortBest(text, found.metric, mean)


def best_front(shown: Mapping[str, Any], metric: str) -> ShortBest:
    """How many settings the front has; in numbers, the best first score on it."""
    front = [row for row in shown["results"] if row["number"] in shown["front"]]
    first = next((row["mean"] for row in front if row["number"] == shown["front"][0]), None)
    return ShortBest(f"{len(front)} on the front" if front else "", metric, first)


def best_depth(shown: Mapping[str, Any], metric: str) -> ShortBest:
    """`2 layers, +11.85 %` of one target, the closest answer; of several, how many have one."""
    answers: dict[Any, Mapping[str, Any]] = {}
    for row in shown["results"]:
        best = answers.get(row["target"])
        if row["reached"] and (best is None or abs(row["difference"]) < abs(best["difference"])):
            answers[row["target"]] = row
    if not answers:
        return ShortBest("", metric, None)
    target, row = next(iter(answers.items()))
    known = count_in(row)
    count = math.nan if known is None else float(known)
    if len({each["target"] for each in shown["results"]}) > 1:
        return ShortBest(f"{counted(len(answers), 'target')} answered", metric, count)
    off = "exact" if count == target else f"{100 * (count - target) / target:+.2f} %"
    return ShortBest(f"{counted(row['layers'], 'layer')}, {off}", metric, count)
