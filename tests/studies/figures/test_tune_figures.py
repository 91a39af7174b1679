"""Figures of a tune: each axis against the score."""

from __future__ import annotations

from typing import Any

from storage.records import Score
from studies.figures.picture import Picture, Points
from studies.figures.tune import pictures

SCORE = [Score("acc", "maximize")]


def shown(scores: list[float]) -> dict[str, Any]:
    rows = [
        {"number": place, "setting": {"lr": 10 ** -(1 + place / 10), "depth": 1 + place % 4}, "mean": score}
        for place, score in enumerate(scores)
    ]
    return {"results": [{**row, "constraints": {}, "n": 1, "failed": [], "pruned": []} for row in rows]}


def slice_of(name: str, scores: list[float]) -> Picture:
    return next(each for each in pictures(shown(scores), SCORE) if each.key == f"tune-slice-{name}")


def heights(picture: Picture) -> list[float]:
    return [value for mark in picture.marks if isinstance(mark, Points) for value in mark.y]


SCORES = [0.768, 0.76, 0.75, 0.745, 0.74, 0.73, 0.73, 0.72, 0.57, 0.5, 0.45, 0.4, 0.35, 0.3]


def test_the_bad_values_of_an_axis_are_drawn_for_they_show_what_it_does() -> None:
    picture = slice_of("lr", SCORES)
    assert sorted(heights(picture)) == sorted(SCORES) and picture.y.limits is None
    assert "not shown" not in picture.caption


def test_what_would_squeeze_all_others_is_drawn_at_the_edge_with_its_true_value() -> None:
    picture = slice_of("lr", [*SCORES, -4000.0])
    assert picture.y.limits is not None and min(heights(picture)) == picture.y.limits[0] > 0
    assert "1 below 0.3 is drawn at the edge" in picture.caption
    assert any("(-4000)" in text or "(-4k)" in text for mark in picture.marks for text in mark.hover)  # type: ignore


def test_whole_numbers_are_named_as_such() -> None:
    assert slice_of("depth", SCORES).x.ticks == [1, 2, 3, 4]


def test_the_best_so_far_is_of_settings_whose_seeds_all_completed() -> None:
    given = shown([0.7, 0.99, 0.98, 0.8])
    given["results"][1]["failed"] = [{"trial": 3}]
    given["results"][2]["pruned"] = [{"trial": 4}]
    history = next(each for each in pictures(given, SCORE) if each.key == "tune-history")
    assert "The best so far came as setting 3" in history.caption and 0.99 not in heights(history)
    assert "Not shown: 2 of which a seed was pruned or failed." in history.caption
