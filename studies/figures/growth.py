"""What a growth study looks like: its path among all candidates, the last round's candidates, where the parameters are.

Everything is read from `show --json` (studies/results/growth.py), as the table is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from samplers.searches.noise import mean
from samplers.searches.plural import counted
from studies.definition.units import Units
from studies.figures.labels import shortened
from studies.figures.parts import parts_picture
from studies.figures.picture import Axis, Line, Mark, Picture, Points, Rule
from studies.figures.placing import spaced
from studies.figures.scales import number_text, value_axis, wide
from studies.figures.settings import MAX_ROWS, Row, settings_picture
from studies.figures.thinning import thinned
from studies.history.certainty import certainty_text, error_of, is_pruned
from studies.history.purpose import candidate_name
from studies.history.raises import changes_text

LABEL_ROOM = 0.1
"""Above and below the points, as a share of their range."""
MAX_TRIED = 400
"""Candidates of the path's figure that were not chosen."""


@dataclass(frozen=True)
class Step:
    """A place of the path: the start, or what one round chose."""

    label: str
    score: float
    cost: float
    scores: Sequence[float]
    """One a seed."""
    metrics: Mapping[str, float]
    """Means over the seeds."""


def pictures(shown: Mapping[str, Any], metric: str, cost: str, units: Units | None = None) -> list[Picture]:
    """The figures of `show --json`: none of a study without a round."""
    rounds = [each for each in shown["rounds"] if each["baseline"] is not None]
    if not rounds:
        return []
    steps = path_of(rounds)
    scored = [each for each in rounds if each["baseline"]["score"] is not None]
    path = _path(steps, rounds, shown.get("hindsight"), metric, cost, changes_text(scored, shown["overrides"]))
    return [
        path,
        *_last_round(rounds, units or Units(score=metric, cost=cost)),
        *parts_picture([step.metrics for step in steps]),
    ]


def path_of(rounds: Sequence[Mapping[str, Any]]) -> list[Step]:
    """The start, then each candidate that was chosen. A round without a choice, or a baseline that was measured anew,
    is no step: the answer counts the same steps."""
    chosen = [row for each in rounds for row in each["candidates"] if row["chosen"]]
    scored = (each["baseline"] for each in rounds if each["baseline"]["score"] is not None)
    return [_step("start", next(scored, rounds[0]["baseline"])), *(_step(candidate_name(row), row) for row in chosen)]


def _step(label: str, row: Mapping[str, Any]) -> Step:
    names = dict.fromkeys(name for seed in row["seeds"] for name in seed["metrics"])
    metrics = {
        name: mean(seed["metrics"][name] for seed in row["seeds"])
        for name in names
        if all(name in seed["metrics"] for seed in row["seeds"])
    }
    return Step(label, _number(row["score"]), _number(row["cost"]), [seed["score"] for seed in row["seeds"]], metrics)


def _path(
    steps: Sequence[Step],
    rounds: Sequence[Mapping[str, Any]],
    hindsight: Mapping[str, Any] | None,
    metric: str,
    cost: str,
    changes: str,
) -> Picture:
    tried = [
        (row, f"round {each['round']}: {candidate_name(row)}")
        for each in rounds
        for row in each["candidates"]
        if row["score"] is not None and not row["chosen"]
    ]
    tried, cut = thinned(tried, MAX_TRIED)
    x, y = [each.cost for each in steps], [each.score for each in steps]
    log = wide([*x, *(row["cost"] for row, _ in tried)])
    marks: list[Mark] = []
    if tried:
        costs, scores = [row["cost"] for row, _ in tried], [row["score"] for row, _ in tried]
        marks.append(Points("not chosen", costs, scores, faint=True, hover=[name for _, name in tried]))
    front, behind = _front(hindsight)
    marks += front
    names = [shortened(step.label, 28) for step in steps]
    marks += [Line("path", x, y), Points("path", x, y, labels=spaced(x, y, names, log), hover=names)]
    title = f"The path: {metric} against {cost}"
    climb = _climb(steps, metric, cost, changes)
    caption = f"{climb} Each step is the candidate that gained most for its cost.{behind}{cut}"
    everything = [*y, *(row["score"] for row, _ in tried)]
    axis, far = value_axis(metric, everything, smaller=y[-1] < y[0], kept=y) if len(y) > 1 else (Axis(metric), "")
    caption = f"{caption}{far}{_pruned(rounds)}"
    return Picture("growth-path", title, Axis(cost, log=log), _with_room(axis, everything), marks, caption)


def _with_room(axis: Axis, values: Sequence[float]) -> Axis:
    """With room for a label above the highest point and below the lowest."""
    known = [value for value in values if math.isfinite(value)]
    if axis.log or not known or min(known) == max(known):
        return axis
    low, high = axis.limits or (min(known), max(known))
    room = LABEL_ROOM * (high - low)
    return replace(axis, limits=(low - room, high + room))


def _pruned(rounds: Sequence[Mapping[str, Any]]) -> str:
    """Candidates that have no place in the figure."""
    pruned = sum(is_pruned(row) for each in rounds for row in each["candidates"])
    verb = "was pruned and has" if pruned == 1 else "were pruned and have"
    return f" {counted(pruned, 'candidate')} {verb} no score to be drawn." if pruned else ""


def _climb(steps: Sequence[Step], metric: str, cost: str, changes: str) -> str:
    first, last, count = steps[0], steps[-1], len(steps) - 1
    if not count:
        return f"The start: {metric} {first.score:.4g} at {cost} {number_text(first.cost)}."
    return (
        f"{counted(count, 'step')}{changes} took {metric} from {first.score:.4g} to {last.score:.4g}, and {cost} from"
        f" {number_text(first.cost)} to {number_text(last.cost)}."
    )


def _front(hindsight: Mapping[str, Any] | None) -> tuple[list[Mark], str]:
    """In hindsight: the best scores for their cost of all that was measured, where the path is not all of it."""
    if hindsight is None or all(each["taken"] for each in hindsight["front"]):
        return [], ""
    places, otherwise = hindsight["front"], hindsight["otherwise"]
    x, y = [each["cost"] for each in places], [each["score"] for each in places]
    names = ["start" if each["chosen"] is None else candidate_name(each["chosen"]) for each in places]
    marks: list[Mark] = [
        Line("best for its cost, in hindsight", x, y, dashed=True),
        Points("best for its cost, in hindsight", x, y, faint=True, hover=names),
    ]
    count = len(otherwise)
    behind = f" In hindsight {counted(count, 'step')} lie{'s' * (count == 1)} behind the dashed front." if count else ""
    return marks, behind


def _last_round(rounds: Sequence[Mapping[str, Any]], units: Units) -> list[Picture]:
    """None where a round has nothing to compare."""
    last = next((each for each in reversed(rounds) if each["candidates"]), None)
    if last is None:
        return []
    ranked = [row for row in last["candidates"] if row["efficiency"] is not None]
    ranked.sort(key=lambda row: (not row["chosen"], -row["efficiency"]))
    if len(ranked) < 2:
        return []
    out = [row for row in last["candidates"] if row["efficiency"] is None]
    cut = f" The best {MAX_ROWS} of {len(ranked)} are shown." if len(ranked) > MAX_ROWS else ""
    ranked = ranked[:MAX_ROWS]
    times = units.efficiency_times
    rows = [_row(row, times) for row in ranked]
    free = [candidate_name(row) for row in out if row["eligible"]]
    failed = [candidate_name(row) for row in out if not row["eligible"]]
    said = certainty_text(last)
    caption = f"What each candidate of round {last['round']} gained for its cost."
    caption += f" {said[:1].upper()}{said[1:]}." if said else ""
    caption += f" Without a row, since it costs nothing: {_listed(free)}." if free else ""
    caption += f" Out of the round: {_listed(failed)}." if failed else ""
    title = f"Round {last['round']}: efficiency of each candidate"
    none = [Rule("no gain", 0.0)]
    return [settings_picture("growth-round", title, rows, ("candidate", units.efficiency), f"{caption}{cut}", none)]


def _row(row: Mapping[str, Any], times: float) -> Row:
    value, half = row["efficiency"] * times, error_of(row, "efficiency")
    group = "chosen" if row["chosen"] else "tie with the chosen one" if row["tie"] else "others"
    interval = None if half is None else (value - half * times, value + half * times)
    return Row(candidate_name(row), group, value, interval)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(shortened(name, 24) for name in names[:4])
    return shown if len(names) <= 4 else f"{shown} and {len(names) - 4} more"


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
