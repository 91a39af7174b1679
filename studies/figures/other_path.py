"""Each round's choice under another cost, beside the real choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from studies.figures.labels import shortened
from studies.figures.picture import Axis, Line, Mark, Picture, Points


def other_path(
    choices: Sequence[Mapping[str, Any]],
    records: Sequence[Mapping[str, Any]],
    key: str,
    cost: str,
    other: str,
    score: str,
) -> Picture:
    """`choices` are those of growth/what_if.py for `records`. Each round starts from the baseline of the real path."""
    by_round = {record["round"]: record for record in records if record["baseline"] is not None}
    real = [(each["round"], each["was"]) for each in choices if each["was"]]
    would = [(each["round"], each["would_be"]) for each in choices if each["would_be"] and not each["same"]]
    marks: list[Mark] = [
        Line(f"by {cost}, as it was", *_columns(real, by_round), labels=_names(real)),
        Points(f"by {other}", *_columns(would, by_round), labels=_names(would)),
    ]
    same = sum(bool(each["same"]) for each in choices)
    if same == len(choices):
        caption = f"Had the cost been {other}, every round would have chosen the same."
    else:
        caption = (
            f"Had the cost been {other}, {same} of {len(choices)} rounds would have chosen the same; the others are"
            " marked with what they would have chosen."
        )
    caption += " Every round is judged from the baseline that the real choices led to."
    return Picture(key, f"What if the cost were {other}", Axis("round"), Axis(score), marks, caption)


def _columns(
    choices: Sequence[tuple[int, Mapping[str, Any]]], by_round: Mapping[int, Mapping[str, Any]]
) -> tuple[list[float], list[float]]:
    """Rounds, and what the chosen candidates scored."""
    scores = [
        next(
            row["score"]
            for row in by_round[number]["candidates"]
            if row["param"] == choice["param"] and row["value"] == choice["value"] and row["score"] is not None
        )
        for number, choice in choices
    ]
    return [float(number) for number, _ in choices], scores


def _names(choices: Sequence[tuple[int, Mapping[str, Any]]]) -> list[str]:
    return [shortened(f"{choice['param']} → {choice['value']}", 24) for _, choice in choices]
