"""What a growth study looks like: its path, the last round's candidates, where the parameters are.

Everything is read from `show --json` (studies/results/growth.py), as the table is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from samplers.searches.noise import standard_error
from studies.figures.labels import labels, shortened
from studies.figures.picture import Area, Axis, Bars, Line, Mark, Picture, Points
from studies.figures.thinning import thinned, wide
from studies.history.certainty import certainty_text, error_of
from studies.history.purpose import candidate_name

MAX_TRIED = 400
"""Candidates of the path's figure that were not chosen."""
MAX_BARS = 40
"""Candidates of the last round that get a bar."""
PART_PREFIX = "params_"
"""Metrics with this prefix are parts that add up to `params`."""


@dataclass(frozen=True)
class Step:
    """A step of the path: the start, or what one round chose."""

    label: str
    score: float
    cost: float
    error: float | None
    """Standard error of the mean score over seeds; None with one seed."""
    metrics: Mapping[str, float]
    """Means over the seeds."""


def pictures(shown: Mapping[str, Any], metric: str, cost: str) -> list[Picture]:
    """The figures of `show --json`: none of a study without a round."""
    rounds = [each for each in shown["rounds"] if each["baseline"] is not None]
    if not rounds:
        return []
    steps = path_of(rounds)
    path = _path(steps, rounds, shown.get("hindsight"), metric, cost)
    return [path, *_last_round(rounds, cost), *_parts(steps)]


def path_of(rounds: Sequence[Mapping[str, Any]]) -> list[Step]:
    """The start, then each step that was chosen; a baseline that was measured anew is a step of its own."""
    steps: list[Step] = []
    for each in rounds:
        if not steps:
            steps.append(_step("start", each["baseline"]))
        elif each["event"] and (steps[-1].score, steps[-1].cost) != (
            each["baseline"]["score"],
            each["baseline"]["cost"],
        ):
            steps.append(_step(str(each["event"]), each["baseline"]))
        won = next((row for row in each["candidates"] if row["chosen"]), None)
        if won is not None:
            steps.append(_step(candidate_name(won), won))
    return steps


def _step(label: str, row: Mapping[str, Any]) -> Step:
    scores = [seed["score"] for seed in row["seeds"]]
    names = dict.fromkeys(name for seed in row["seeds"] for name in seed["metrics"])
    metrics = {
        name: fmean(seed["metrics"][name] for seed in row["seeds"])
        for name in names
        if all(name in seed["metrics"] for seed in row["seeds"])
    }
    error = standard_error(scores) if len(scores) > 1 else None
    return Step(label, _number(row["score"]), _number(row["cost"]), error, metrics)


def _path(
    steps: Sequence[Step],
    rounds: Sequence[Mapping[str, Any]],
    hindsight: Mapping[str, Any] | None,
    metric: str,
    cost: str,
) -> Picture:
    tried = [row for each in rounds for row in each["candidates"] if row["score"] is not None and not row["chosen"]]
    tried, cut = thinned(tried, MAX_TRIED)
    cut = cut and f" Candidates that were not chosen:{cut}"
    known = any(step.error is not None for step in steps)
    marks: list[Mark] = []
    if tried:
        marks.append(Points("tried", [row["cost"] for row in tried], [row["score"] for row in tried], faint=True))
    marks += [
        Line("the path", [each.cost for each in steps], [each.score for each in steps]),
        Points(
            "steps",
            [each.cost for each in steps],
            [each.score for each in steps],
            [_number(each.error) for each in steps] if known else (),
            labels=[shortened(step.label, 24) for step in steps],
        ),
    ]
    front, behind = _front(hindsight)
    marks += front
    bars = "Bars are one standard error over the seeds." if known else "One seed: the spread of a score is not known."
    return Picture(
        "growth-path",
        "The path: score over cost",
        Axis(cost, log=wide([each.cost for each in steps])),
        Axis(metric),
        marks,
        f"Each step raises one parameter: the one with the most gain for its cost. {bars}{behind}{cut}",
    )


def _front(hindsight: Mapping[str, Any] | None) -> tuple[list[Mark], str]:
    """In hindsight: the best scores for their cost of all that was measured, and the steps that lie behind them."""
    if hindsight is None:
        return [], ""
    places, otherwise = hindsight["front"], hindsight["otherwise"]
    passed = [each for each in places if not each["taken"]]
    marks: list[Mark] = [
        Line("front in hindsight", [each["cost"] for each in places], [each["score"] for each in places], dashed=True)
    ]
    if passed:
        marks.append(
            Points(
                "on the front, not taken",
                [each["cost"] for each in passed],
                [each["score"] for each in passed],
                labels=labels([candidate_name(each["chosen"]) for each in passed]),
            )
        )
    pairs = [f"{candidate_name(each['taken']['chosen'])} (round {each['taken']['round']})" for each in otherwise]
    named = f" Behind it: {_listed(pairs)}." if pairs else " No step of the path lies behind it."
    first, last = hindsight["rounds"]
    return marks, f" Dashed: the best scores for their cost of all that rounds {first} to {last} measured.{named}"


def _last_round(rounds: Sequence[Mapping[str, Any]], cost: str) -> list[Picture]:
    last = next((each for each in reversed(rounds) if each["candidates"]), None)
    if last is None:
        return []
    ranked = [row for row in last["candidates"] if row["efficiency"] is not None]
    ranked.sort(key=lambda row: (not row["chosen"], -row["efficiency"]))
    out = [row for row in last["candidates"] if row["efficiency"] is None]
    cut = f"The best {MAX_BARS} of {len(ranked)}." if len(ranked) > MAX_BARS else ""
    ranked = ranked[:MAX_BARS]
    names = dict(zip(map(id, ranked), labels([candidate_name(row) for row in ranked]), strict=True))
    groups: dict[str, list[Mapping[str, Any]]] = {"chosen": [], "tie with the best": [], "others": []}
    for row in ranked:
        groups["chosen" if row["chosen"] else "tie with the best" if row["tie"] else "others"].append(row)
    marks = [_bars(name, rows, names) for name, rows in groups.items() if rows]
    free = [candidate_name(row) for row in out if row["eligible"]]
    failed = [candidate_name(row) for row in out if not row["eligible"]]
    caption = [f"Gain for each unit of {cost}, of every candidate of round {last['round']}.", cut]
    caption += [f"Without a bar, since it costs nothing: {_listed(free)}."] if free else []
    caption += [f"Out of the round: {_listed(failed)}."] if failed else []
    if any(error_of(row, "efficiency") is not None for row in ranked):
        caption.append("Errors are 95 % intervals." if "rule" in last else "Errors are one standard error.")
    if any(error_of(row, "efficiency") is None for row in ranked):
        caption.append("Bars without an error have one seed.")
    said = certainty_text(last)
    caption += [f"{said[:1].upper()}{said[1:]}."] if said else []
    return [
        Picture(
            "growth-round",
            f"Round {last['round']}: efficiency of every candidate",
            Axis("candidate"),
            Axis(f"gain / added {cost}"),
            marks,
            " ".join(filter(None, caption)),
        )
    ]


def _bars(name: str, rows: Sequence[Mapping[str, Any]], names: Mapping[int, str]) -> Bars:
    errors = [error_of(row, "efficiency") for row in rows]
    reach = [] if all(error is None for error in errors) else list(map(_number, errors))
    return Bars(name, [names[id(row)] for row in rows], [row["efficiency"] for row in rows], reach, name == "others")


def parts_of(metrics: Mapping[str, float]) -> dict[str, float]:
    """Parameters by part, where the objective returns them: its `params_…` metrics and the rest, or those inside and
    outside the embeddings. Empty where it returns neither."""
    total = metrics.get("params")
    if total is None or total <= 0:
        return {}
    parts = {name.removeprefix(PART_PREFIX): value for name, value in metrics.items() if name.startswith(PART_PREFIX)}
    if parts:
        rest = total - sum(parts.values())
        return {**parts, **({"rest": rest} if rest > 0.5 else {})} if rest > -0.5 else {}
    if "non_embedding_params" in metrics:
        inner = metrics["non_embedding_params"]
        return {"embedding": total - inner, "all else": inner}
    return {}


def _parts(steps: Sequence[Step]) -> list[Picture]:
    known = [(place, parts_of(step.metrics), step) for place, step in enumerate(steps)]
    known = [each for each in known if each[1]]
    names = list(dict.fromkeys(name for _, parts, _ in known for name in parts))
    if len(known) < 2:
        return []
    totals = [sum(parts.values()) for _, parts, _ in known]
    marks = [
        Area(
            name,
            [float(place) for place, _, _ in known],
            [parts.get(name, 0.0) / total for (_, parts, _), total in zip(known, totals, strict=True)],
        )
        for name in names
    ]
    grown = f"from {totals[0]:,.0f} to {totals[-1]:,.0f}"
    return [
        Picture(
            "growth-parts",
            "Share of parameters by part over the path",
            Axis("step"),
            Axis("share of parameters", percent=True),
            marks,
            f"Parameters in all: {grown}. Step 0 is the start.",
        )
    ]


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(shortened(name, 24) for name in names[:4])
    return shown if len(names) <= 4 else f"{shown} and {len(names) - 4} more"


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
